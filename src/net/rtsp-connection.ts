import { isIPv6, type Socket } from 'node:net';
import { addressKey, hostAndPort } from '../base/address.ts';
import { ConnectionError, type ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Camera, Peer, ReaderInfo } from '../control/messages.ts';
import type { MediaTransport, TransportUser } from '../egress/media-transport.ts';
import { type PlayOwner, PlaySession } from '../egress/play-session.ts';
import { isReaderReport } from '../rtp/rtcp.ts';
import {
  type PlayReply,
  type RtspHandler,
  RtspServerSession,
  type StreamDescription,
  type TransportRefusal,
  type TransportReply,
  type TransportRequest,
} from '../rtsp/server-session.ts';
import { describeCamera } from './camera-description.ts';
import { type PipedClient, readPipeGreeting } from './pipe-greeting.ts';
import { lastWordsReach, logReaderEnd } from './reader-end.ts';
import { ReaderInput } from './reader-input.ts';
import { type ReaderTls, TlsProgress } from './reader-tls.ts';
import { InterleavedTransport } from './rtp-interleaved.ts';
import { type ReportSink, UdpTransport } from './rtp-udp.ts';
import type { RtspContext } from './rtsp-context.ts';
import { TunnelEntry, type TunnelHalf } from './rtsp-tunnel.ts';
import { StrangerPlace } from './strangers.ts';
import { handshakeRecord } from './tls-accept.ts';

/** Milliseconds a peer gets to read our last words before the socket is destroyed. */
const farewellMs = 1000;
/** Milliseconds after which the system asks a silent peer whether it is still there. */
const keepAliveMs = 30_000;

/**
 * One reader's socket with its RTSP session and what it plays, from hand-over to the one reason for which it ends.
 * Nothing is allocated for media before SETUP, which is behind authentication.
 */
export class RtspConnection implements RtspHandler, TransportUser, PlayOwner, ReportSink, TunnelHalf {
  peer: Peer;
  readonly #context: RtspContext;
  /** Bare, or TLS from the moment that the peer has begun it. */
  #socket: Socket;
  readonly #rtsp: RtspServerSession;
  readonly #input: ReaderInput;
  readonly #onClosed: (connection: RtspConnection) => void;
  readonly #sinceMs: number;
  /** Nothing has been received. */
  #fresh = true;
  readonly #stranger: StrangerPlace;
  readonly #handshake = new TlsProgress();
  /** Comes through an ONVIF port. */
  #piped = false;
  /** The address of this machine at which the reader reached us. */
  #reachedAt: string;
  /** Until the connection is known to speak RTSP, and for good when it is half of a tunnel. */
  #entry: TunnelEntry | null;
  #camera: Camera | null = null;
  #protocol: 'udp' | 'tcp' | null = null;
  #udp: UdpTransport | null = null;
  #interleaved: InterleavedTransport | null = null;
  #session: PlaySession | null = null;
  /** PLAY was accepted; media starts when its answer is out. */
  #starting = false;
  #playing = false;
  /** When PLAY was answered for a camera that is live, until its first picture went out; else Infinity. Monotonic ms. */
  #waitingSinceMs = Number.POSITIVE_INFINITY;
  #frames = 0;
  #lost = 0;
  #octets = 0;
  #tornDown = false;
  /** Bytes of responses whose writes have not been confirmed. */
  #unsentBytes = 0;
  #reason: ErrorCode | null = null;
  #destroyAtMs = Number.POSITIVE_INFINITY;

  /** `onClosed` is called once, when the socket is closed. */
  constructor(context: RtspContext, socket: Socket, peer: Peer, onClosed: (connection: RtspConnection) => void) {
    const nowMs = context.clock.nowMs();
    this.peer = peer;
    this.#context = context;
    this.#socket = socket;
    this.#reachedAt = socket.localAddress ?? '';
    this.#onClosed = onClosed;
    this.#stranger = new StrangerPlace(context.strangers);
    this.#sinceMs = nowMs;
    this.#rtsp = new RtspServerSession(this, {
      authenticator: context.authenticator,
      serverHost: hostAndPort(socket.localAddress ?? '', socket.localPort ?? 0),
      sessionTimeoutMs: limits.rtsp.sessionTimeoutMs,
      nowMs,
      random: context.randomBytes,
    });
    this.#entry = new TunnelEntry(context.tunnels, this);
    this.#input = new ReaderInput({
      ...{ address: addressKey(peer.address), turns: context.turns, clock: context.clock },
      socket: () => this.#socket,
      isStranger: () => this.#stranger.taken,
      deliver: (bytes) => this.#parse(bytes),
    });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, keepAliveMs);
    context.tally.connected();
    this.#watch(socket);
    socket.on('data', this.#onData);
    socket.resume();
    this.#enterStrangers();
  }

  /** RTP payload built for the reader so far, in bytes. */
  get octets(): number {
    return this.#octets + (this.#session?.octets ?? 0);
  }

  /** Who reads what, for people. */
  get info(): ReaderInfo {
    return {
      peer: this.peer,
      camera: this.#camera?.index ?? null,
      playing: this.#playing,
      transport: this.#entry !== null && this.#protocol === 'tcp' ? 'http' : this.#protocol,
      tls: this.#handshake.version,
      connectedMs: this.#sinceMs,
      frames: this.#frames + (this.#session?.frames ?? 0),
      lost: this.#lost + (this.#session?.lost ?? 0),
      bytes: this.octets,
    };
  }

  /** Deadlines, sender reports and the stall check: called by the thread's sweep. */
  sweep(nowMs: number): void {
    if (this.#reason !== null) {
      if (nowMs >= this.#destroyAtMs) this.#socket.destroy();
      return;
    }
    if (nowMs >= this.#handshake.byMs) {
      this.#close('handshake_timeout', this.#handshake.phase);
      return;
    }
    if (this.#entry?.isPost) {
      const reason = this.#entry.expired(nowMs);
      if (reason !== null) this.#close(reason, 'a POST without its GET');
      return;
    }
    const session = this.#session;
    if (session !== null && nowMs > this.#waitingSinceMs) this.#awaitPicture(session);
    if (session !== null && this.#playing && this.#context.loop.sweep(session, nowMs)) this.#rtsp.noteProgress(nowMs);
    if (this.#reason !== null) return;
    if (nowMs < this.#rtsp.deadlineMs) return;
    const reason = this.#rtsp.expired(nowMs);
    if (reason !== null) this.#close(reason);
  }

  #awaitPicture(session: PlaySession): void {
    const { tally, offline } = this.#context;
    if (session.frames > 0) tally.firstPicture(session.lastFrameMs - this.#waitingSinceMs);
    // Who waits on after the publisher has left waits for another one, which may come tomorrow.
    else if (!offline.covers(session.camera)) return;
    this.#waitingSinceMs = Number.POSITIVE_INFINITY;
  }

  /** The cameras from now on: a reader of another one ends. */
  keepCameras(served: ReadonlySet<number>): void {
    if (this.#camera !== null && !served.has(this.#camera.index)) this.#close('camera_removed');
  }

  /** The server stops. */
  shutdown(): void {
    this.#close('shutdown');
  }

  destroy(): void {
    this.#socket.destroy();
  }

  // ---- socket -> RTSP -----------------------------------------------------------------------------------------------
  #watch(socket: Socket): void {
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onSocketError(error.code));
    socket.on('end', () => this.#close('peer_closed', this.#handshake.phase));
    socket.on('close', () => {
      // Not for the bare socket that TLS has taken over.
      if (socket === this.#socket) this.#onSocketClosed();
    });
  }

  /** Bytes of the peer, deciphered where it speaks TLS. */
  readonly #onData = (bytes: Buffer): void => {
    if (this.#reason !== null) return;
    if (this.#fresh) this.#begin(bytes);
    else this.#input.receive(bytes);
  };

  #begin(bytes: Buffer): void {
    this.#fresh = false;
    if (bytes[0] === handshakeRecord) {
      this.#startTls(bytes);
      return;
    }
    const greeting = readPipeGreeting(this.#context.pipePass, bytes);
    if (greeting !== null) this.#becomePipe(greeting.client);
    if (this.#reason === null) this.#input.receive(greeting === null ? bytes : bytes.subarray(greeting.end));
  }

  /** The ONVIF port is not the peer: `client` is. */
  #becomePipe({ address, port, reachedAt }: PipedClient): void {
    this.#stranger.leave();
    this.peer = { ...this.peer, address, port };
    this.#input.address = addressKey(address);
    this.#reachedAt = reachedAt;
    this.#piped = true;
    this.#enterStrangers();
  }

  #enterStrangers(): void {
    if (!this.#stranger.take(this.#input.address))
      this.#close('connections_per_ip_exceeded', 'that have not logged in');
  }

  #parse(bytes: Buffer): void {
    if (this.#entry === null) this.receiveRequests(bytes, 0, bytes.length);
    else this.#enter(this.#entry, bytes);
  }

  /** RTSPS and RTSP over HTTPS share the port with the plain forms: no request begins with the byte that TLS begins with. */
  #startTls(head: Buffer): void {
    const { tls, clock } = this.#context;
    if (tls === null || !tls.ready) {
      this.#close('rtsps_off');
      return;
    }
    this.#handshake.begin(clock.nowMs());
    this.#rtsp.noteTls();
    // A handshake costs more than all else before the login, so even one has to wait for its turn.
    this.#input.defer(() => this.#takeOverByTls(tls, head));
  }

  #takeOverByTls(tls: ReaderTls, head: Buffer): void {
    const bare = this.#socket;
    bare.off('data', this.#onData);
    try {
      this.#socket = tls.start(bare, head, {
        onSecure: (socket) => this.#handshake.end(socket),
        onData: this.#onData,
        onFailure: ({ code, detail }) => {
          // What befalls the socket below comes here too.
          if (code === 'peer_reset') this.#onSocketError(detail);
          else this.#close(code, detail);
        },
      });
      this.#watch(this.#socket);
    } catch (error) {
      this.#fail(error);
    }
  }

  #enter(entry: TunnelEntry, bytes: Buffer): void {
    let plain: Buffer | null = null;
    try {
      plain = entry.receive(bytes, this.#context.clock.nowMs());
    } catch (error) {
      this.#fail(error);
    }
    if (plain === null) return;
    this.#entry = null;
    this.receiveRequests(plain, 0, plain.length);
  }

  receiveRequests(bytes: Buffer, start: number, end: number): void {
    if (this.#reason !== null) return;
    try {
      this.#rtsp.receive(bytes, start, end, this.#context.clock.nowMs());
      if (this.#rtsp.trusted) this.#stranger.leave();
      this.#startMedia();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** It has sent a request and, where that is asked for, a right password. */
  get trusted(): boolean {
    return this.#rtsp.trusted;
  }

  /** The session that it sends requests to, through a tunnel, has logged in. */
  trust(): void {
    this.#stranger.leave();
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  endTunnel(reason: ErrorCode): void {
    this.#close(reason);
  }

  #fail(error: unknown): void {
    if (error instanceof ConnectionError) this.#close(error.code, error.detail);
    else this.fail(error);
  }

  /** Something threw: this connection ends, the others do not notice. */
  fail(error: unknown): void {
    this.#context.logger.error({ err: error, conn: this.peer.id }, 'internal error on a connection');
    this.#close('internal');
  }

  // ---- RTSP -> here -------------------------------------------------------------------------------------------------
  onOutput(bytes: Uint8Array): void {
    // What the kernel has taken is still counted here until the write's callback comes.
    if (this.#unsentBytes > limits.rtsp.outputBytes && this.#socket.writableLength > 0)
      throw new ConnectionError('output_exceeded');
    this.#unsentBytes += bytes.length;
    this.#socket.write(bytes, () => {
      this.#unsentBytes -= bytes.length;
    });
    this.#interleaved?.streamWritten();
  }

  describe(path: string): StreamDescription | null {
    const camera = this.#context.directory.find(path);
    return camera && describeCamera(this.#context, camera, isIPv6(this.peer.address));
  }

  setup(path: string, request: TransportRequest): TransportReply | TransportRefusal {
    const camera = this.#context.directory.find(path);
    if (camera === null) return { status: 404 };
    const { packetBytes, tcpPacketBytes, play, offline } = this.#context;
    const ports = this.#context.ports?.of(this.peer.address) ?? null;
    const { clientPorts, interleaved } = request;
    // Who asks for TLS wants nobody else to see the pictures, and SRTP is not spoken: UDP would send them in the clear. Clients
    // that try it first go on with TCP when it is refused.
    // So it would be through an ONVIF port, which may have deciphered what comes here.
    const udp = ports !== null && clientPorts !== null && !this.#handshake.begun && !this.#piped;
    // What was set up before stays in force until something takes its place.
    if (request.protocol === 'udp' && !udp) return { status: 461 };
    this.#releaseSession();
    this.#tornDown = false;
    let transport: MediaTransport;
    if (udp) {
      this.#udp = new UdpTransport(ports, this.peer.address, clientPorts, this);
      transport = this.#udp;
    } else {
      this.#interleaved = new InterleavedTransport(this.#socket, interleaved ?? [0, 1], this);
      transport = this.#interleaved;
    }
    this.#camera = camera;
    this.#protocol = request.protocol;
    const card = offline.open(camera, this.#reachedAt);
    const maxPayloadBytes = transport.interleavedChannel < 0 ? packetBytes : tcpPacketBytes;
    this.#session = new PlaySession(play, camera.index, transport, this, maxPayloadBytes, card);
    return { serverPorts: udp ? [ports.rtpPort, ports.rtcpPort] : null, ssrc: this.#session.ssrc };
  }

  play(): PlayReply {
    const session = this.#session!;
    const { clock, loop } = this.#context;
    const nowMs = clock.nowMs();
    const startMs = loop.startMs(session.camera, nowMs);
    this.#starting = true;
    return {
      sequence: session.nextSequence,
      rtpTimestamp: session.begin(startMs, nowMs),
      wallMs: clock.wallMs() - (nowMs - startMs),
    };
  }

  pause(): void {
    this.#stopMedia();
  }

  teardown(): void {
    this.#tornDown = true;
    this.#releaseSession();
  }

  onInterleaved(_channel: number, _bytes: Uint8Array): void {
    // A receiver report: that it came is all that counts, and the RTSP session has noted that.
  }

  // ---- media --------------------------------------------------------------------------------------------------------
  onReady(): void {
    if (this.#session !== null && this.#playing) this.#context.loop.resume(this.#session);
  }

  onLost(reason: ErrorCode, detail: string): void {
    this.#close(reason, detail);
  }

  endPlay(reason: ErrorCode, detail?: string): void {
    if (reason === 'write_stalled' && this.#session !== null) this.#context.loop.cutOff(this.#session);
    this.#close(reason, detail);
  }

  onReport(bytes: Uint8Array): void {
    if (this.#session !== null && isReaderReport(bytes, 0, bytes.length))
      this.#rtsp.keepAlive(this.#context.clock.nowMs());
  }

  #startMedia(): void {
    if (!this.#starting || this.#session === null) return;
    this.#starting = false;
    this.#playing = true;
    const { offline, clock, loop } = this.#context;
    if (this.#session.frames === 0 && !offline.covers(this.#session.camera)) this.#waitingSinceMs = clock.nowMs();
    loop.join(this.#session);
  }

  #stopMedia(): void {
    this.#starting = false;
    this.#waitingSinceMs = Number.POSITIVE_INFINITY;
    if (!this.#playing || this.#session === null) return;
    this.#playing = false;
    this.#context.loop.leave(this.#session);
  }

  #releaseSession(): void {
    const session = this.#session;
    if (session === null) return;
    this.#stopMedia();
    const udp = this.#udp;
    this.#session = null;
    this.#udp = null;
    this.#interleaved = null;
    this.#frames += session.frames;
    this.#lost += session.lost;
    this.#octets += session.octets;
    try {
      session.sendBye(this.#context.clock.nowMs());
    } finally {
      udp?.close();
    }
  }

  // ---- the end ------------------------------------------------------------------------------------------------------
  /** The first reason wins; the socket closes after our last words are out, or after {@link farewellMs}. */
  #close(reason: ErrorCode, detail?: string): void {
    if (this.#reason !== null) return;
    this.#reason = reason === 'peer_closed' && this.#tornDown ? 'teardown' : reason;
    const { logger, tally, clock } = this.#context;
    const nowMs = clock.nowMs();
    try {
      this.#releaseSession();
    } catch (error) {
      logger.error({ err: error, conn: this.peer.id }, 'internal error at the end of a session');
    }
    this.#entry?.close();
    this.#input.close();
    this.#stranger.leave();
    this.#destroyAtMs = nowMs + farewellMs;
    if (lastWordsReach(reason)) this.#socket.destroySoon();
    else this.#socket.destroy();
    tally.ended(this.#reason, this.#rtsp.counters.failedLogins);
    const end = { reason: this.#reason, detail, camera: this.#camera?.name, isPost: this.#entry?.isPost === true };
    logReaderEnd(logger, this.info, end, nowMs);
  }

  /**
   * A reader that is stopped while media is on its way resets the connection: for a reader that is the ordinary way to
   * leave. What is left, such as a network that went away, is worth a look.
   */
  #onSocketError(code: string | undefined): void {
    const detail = this.#handshake.phase ?? code;
    if (code === 'ECONNRESET' || code === 'EPIPE') this.#close('peer_closed', detail);
    else this.#close('peer_reset', detail);
  }

  #onSocketClosed(): void {
    this.#close('peer_closed', this.#handshake.phase);
    this.#onClosed(this);
  }
}
