import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { addressKey, hostAndPort } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { ConnectionError, type ErrorCode, errorTable } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { ConnectionToMain, IngestTask, MainToConnection, PublisherEvent } from '../control/messages.ts';
import type { Publisher } from '../ingest/publisher.ts';
import type { ConnectInfo, PublishRequest, ServerSessionHandler } from '../rtmp/server-session.ts';
import { ServerSession } from '../rtmp/server-session.ts';
import { keyInPath, withoutKeys } from '../rtmp/stream-path.ts';
import type { Newcomers } from './newcomers.ts';
import { type Allowance, freshAllowance, type ReadTurns, type TurnTaker } from './read-turns.ts';
import { readIntoSharedBuffer, type SocketReader } from './socket-handover.ts';
import { acceptTls } from './tls-accept.ts';
import type { TlsContexts } from './tls-context.ts';

/** Milliseconds a refused or ended peer gets to read our last words before the socket is destroyed. */
const farewellMs = 1000;

/** Refusals that will pass by themselves. */
const passingRefusals: ReadonlySet<ErrorCode> = new Set([
  'path_busy',
  'path_flapping',
  'rule_hold_off',
  'credential_throttled',
  'credential_unavailable',
]);

/** What the connections of one ingest thread share. */
export interface IngestContext {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Every socket of the thread is read into it: a read is parsed before the next one starts. */
  readonly readBuffer: Buffer;
  readonly turns: ReadTurns;
  readonly random: (into: Uint8Array) => void;
  /** What TLS connections are served with; null where there are none. */
  readonly tls: TlsContexts | null;
  readonly newcomers: Newcomers;
  /** Tells main of a connection that is about to ask for a path; from now on main can reach it. */
  introduce(connection: RtmpConnection, task: IngestTask): void;
  /** Of a connection that was introduced. */
  tellMain(id: string, message: ConnectionToMain): void;
  /** The writing side of a camera that the path registry granted. */
  createPublisher(granted: Extract<MainToConnection, { type: 'granted' }>, connection: RtmpConnection): Publisher;
}

/**
 * One publisher's socket with its RTMP session, from hand-over to the one reason for which it ends. Bytes go from the shared
 * read buffer through the session to the publisher; the path is claimed from the registry in the main thread.
 */
export class RtmpConnection implements ServerSessionHandler, TurnTaker, SocketReader {
  readonly address: string;
  readonly allowance: Allowance;
  readonly #context: IngestContext;
  readonly #task: IngestTask;
  #introduced = false;
  readonly #session: ServerSession;
  /** With TLS this is the bare socket until the peer has begun the handshake. */
  #socket: Socket;
  readonly #finished: (reason: ErrorCode) => void;
  #publisher: Publisher | null = null;
  /** Bytes that must wait: for the registry's answer to a publish command, or for the turn of this connection. */
  #unread: Buffer | null = null;
  #encoder = '';
  #streamPath = '';
  /** How far TLS is, in words for the log; undefined without TLS and when it is up. */
  #tlsPhase: string | undefined;
  #tlsVersion = '';
  /** The peer has ended a stream in order at least once. */
  #unpublished = false;
  /** Oddities of the session that are in the counters of a stream. */
  #countedOddities = 0;
  /** Audio messages up to the newest note. */
  #countedAudio = 0;
  #reason: ErrorCode | null = null;
  /** The peer has gone, and is seen off when it is its turn. */
  #leaving = false;
  #closed = false;
  #destroyAtMs = Number.POSITIVE_INFINITY;
  /**
   * No deadline is before this, monotonic ms, so that a sweep of a thousand connections touches little more of each. What may bring a
   * deadline nearer sets it to 0.
   */
  #quietUntilMs = 0;

  /** `finished` is called once, with the reason, when the socket is closed. */
  constructor(context: IngestContext, task: IngestTask, finished: (reason: ErrorCode) => void) {
    this.#context = context;
    this.#task = task;
    this.address = addressKey(task.peer.address);
    this.#finished = finished;
    this.allowance = freshAllowance(context.clock.nowMs());
    context.newcomers.add(task);
    this.#session = new ServerSession(this, {
      nowMs: task.acceptedMs,
      handshakeTimeoutMs: task.timeouts.handshakeMs,
      publishTimeoutMs: task.timeouts.publishMs,
      videoTimeoutMs: task.timeouts.videoMs,
      receiveTimeoutMs: task.timeouts.receiveMs,
      random: context.random,
    });
    const transferred = task.socket as Socket;
    if (task.tls) {
      this.#socket = transferred;
      this.#startTls(transferred);
    } else {
      this.#socket = readIntoSharedBuffer(transferred, context.readBuffer, this);
    }
    this.#socket.setNoDelay(true);
    this.#socket.setKeepAlive(true, 30_000);
    this.#watch(this.#socket);
  }

  /** So far, without what TLS takes. */
  get bytesReceived(): number {
    return this.#session.counters.bytesReceived;
  }

  /** A rare fact about the stream, for the operator. */
  report(event: PublisherEvent): void {
    if (this.#reason === null) this.#post({ type: 'event', event });
  }

  /** Main knows it: it has asked for a path. */
  get introduced(): boolean {
    return this.#introduced;
  }

  /** Ends it for this reason. */
  cut(reason: ErrorCode): void {
    this.#end(reason);
  }

  /** Deadlines: called by the thread's sweep. */
  sweep(nowMs: number): void {
    if (nowMs < this.#quietUntilMs) return;
    if (this.#reason !== null) {
      if (nowMs >= this.#destroyAtMs) this.#socket.destroy();
      return;
    }
    if (nowMs >= this.#session.deadlineMs) {
      const reason = this.#session.expired(nowMs);
      if (reason !== null) this.#end(reason, this.#tlsPhase);
    }
    try {
      if (this.#publisher !== null && nowMs >= this.#publisher.deadlineMs) this.#publisher.flush(nowMs);
    } catch (error) {
      this.#fail(error);
    }
    if (this.#reason === null)
      this.#quietUntilMs = Math.min(this.#session.deadlineMs, this.#publisher?.deadlineMs ?? Number.POSITIVE_INFINITY);
  }

  /** Milliseconds that the thread was busy and idle so far, for the statistics of the stream. */
  threadTime(busyMs: number, idleMs: number, nowMs: number): void {
    if (this.#publisher === null) return;
    this.#publisher.threadTime(busyMs, idleMs, nowMs);
    const { audioMessages } = this.#session.counters;
    if (audioMessages !== this.#countedAudio) this.#publisher.audio(nowMs);
    this.#countedAudio = audioMessages;
    this.#countOddities(this.#publisher);
  }

  /** What the session has put up with since the last time is the stream's: nobody else tells an operator of it. */
  #countOddities(publisher: Publisher): void {
    const { tolerated } = this.#session.counters;
    publisher.tolerate(tolerated - this.#countedOddities);
    this.#countedOddities = tolerated;
  }

  // ---- socket ----------------------------------------------------------------------------------------------------------

  #watch(socket: Socket): void {
    // Encoders hang up right after the end of their stream, some with our last acknowledgement still unread.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#onPeerGone(this.#unpublished && !this.#session.publishing ? 'unpublished' : 'peer_reset', error.code),
    );
    socket.on('end', () => this.#onPeerGone('peer_closed', this.#tlsPhase));
    socket.on('close', () => {
      // Not for the bare socket that TLS has taken over.
      if (socket === this.#socket) this.#onClosed();
    });
  }

  #startTls(transferred: Socket): void {
    const { tls, readBuffer, turns, clock } = this.#context;
    this.#tlsPhase = 'before TLS began';
    acceptTls(transferred, () => tls!.current(), readBuffer, {
      onHello: (start) => {
        turns.inTurn(this, clock.nowMs(), () => {
          if (!transferred.destroyed) start();
        });
      },
      onTls: (socket) => {
        this.#tlsPhase = 'during the TLS handshake';
        this.#socket = socket;
        this.#watch(socket);
      },
      onSecure: (socket: TLSSocket) => {
        this.#tlsPhase = undefined;
        this.#tlsVersion = socket.getProtocol() ?? '';
      },
      onRead: (length, bytes) => this.onRead(length, bytes),
      onFailure: (error) => this.#fail(error),
    });
  }

  // ---- socket -> session ---------------------------------------------------------------------------------------------

  onRead(length: number, bytes: Buffer): boolean {
    if (this.#reason !== null) return true;
    if (!this.#session.awaitingDecision && this.#mayReceive()) return this.#receive(bytes, 0, length);
    // What comes behind a publish command; and TLS delivers what has arrived also while reading is paused.
    const more = bytes.subarray(0, length);
    this.#unread = Buffer.concat(this.#unread === null ? [more] : [this.#unread, more]);
    return false;
  }

  /** Only who publishes is served whenever bytes come, within its allowance. */
  #mayReceive(): boolean {
    if (this.allowance.waiting) return false;
    return this.#publisher !== null || this.#context.turns.admits(this, this.#context.clock.nowMs());
  }

  /** Returns false when reading must pause: the registry has to answer first, or others have their turn. */
  #receive(bytes: Buffer, start: number, end: number): boolean {
    const { clock, turns } = this.#context;
    try {
      const nowMs = clock.nowMs();
      this.#publisher?.arrived(nowMs);
      const consumed = this.#session.receive(bytes, start, end, nowMs);
      if (this.#publisher === null) turns.charge(clock.nowMs() - nowMs);
      if ((this.#publisher?.deadlineMs ?? 0) < this.#quietUntilMs) this.#quietUntilMs = 0;
      const isWithinAllowance = turns.spend(this, nowMs, this.#session.costMs);
      if (consumed === end && !this.#session.awaitingDecision) return isWithinAllowance;
      this.#keep(bytes, consumed, end);
      // Who waits for an answer and has nothing more to say is read on: else it is not noticed when that one leaves.
      if (this.#session.awaitingDecision) return this.#unread === null;
      turns.wait(this);
      return false;
    } catch (error) {
      this.#fail(error);
      return true;
    }
  }

  /** Keeps what could not be parsed yet; the shared read buffer is needed for others meanwhile. */
  #keep(bytes: Buffer, start: number, end: number): void {
    if (start === end) return;
    const rest = bytes.subarray(start, end);
    this.#unread = bytes === this.#context.readBuffer ? Buffer.from(rest) : rest;
  }

  /** Hundreds may go at once, and each costs as much as one that comes. */
  #onPeerGone(reason: ErrorCode, detail?: string): void {
    if (this.#reason !== null || this.#leaving) return;
    if (this.allowance.waiting) {
      this.#seeOff(reason, detail);
      return;
    }
    const { turns, clock } = this.#context;
    this.#leaving = true;
    turns.inTurn(this, clock.nowMs(), () => this.#seeOff(reason, detail));
  }

  /** TLS tells of the end while what came in front of it still waits for the turn. */
  #seeOff(reason: ErrorCode, detail?: string): void {
    while (reason === 'peer_closed' && this.#unread !== null && !this.#session.awaitingDecision) {
      const unread = this.#unread;
      this.#unread = null;
      this.#receive(unread, 0, unread.length);
      if (this.#reason !== null) return;
    }
    this.#end(reason, detail);
  }

  onTurn(): void {
    if (this.#reason === null && !this.#session.awaitingDecision) this.#resumeReading();
  }

  #resumeReading(): void {
    if (this.allowance.waiting) return;
    const unread = this.#unread;
    this.#unread = null;
    if (unread !== null && !this.#receive(unread, 0, unread.length)) return;
    if (this.#reason === null) this.#socket.resume();
  }

  // ---- session -> here -----------------------------------------------------------------------------------------------

  onOutput(bytes: Uint8Array): void {
    if (this.#socket.writableLength + bytes.length > limits.rtmp.outputBytes)
      throw new ConnectionError('output_exceeded');
    this.#socket.write(bytes);
  }

  onConnect(info: ConnectInfo): void {
    this.#encoder = info.flashVer.slice(0, limits.rtmp.encoderCharacters);
  }

  onPublishRequest(request: PublishRequest): void {
    const { path, decodedPath, query } = request;
    const pathKey = keyInPath(request);
    // A key must not be in the log, whether or not publishers are asked for one.
    this.#streamPath = withoutKeys(pathKey?.path ?? path);
    const { deadlineMs } = this.#session;
    if (!this.#introduced) {
      this.#introduced = true;
      this.#context.introduce(this, this.#task);
    }
    this.#post({ type: 'claim', path, decodedPath, query, pathKey, tls: this.#task.tls, deadlineMs });
  }

  onUnpublish(): void {
    this.#unpublished = true;
    this.#stopPublishing();
    this.#post({ type: 'release', reason: 'unpublished' });
  }

  onMetadata(values: Parameters<ServerSessionHandler['onMetadata']>[0]): void {
    this.#publisher?.metadata(values, this.#context.clock.nowMs());
  }

  // ---- path registry -> here -----------------------------------------------------------------------------------------

  onMain(message: MainToConnection): void {
    if (this.#reason !== null) return;
    if (message.type === 'cut') this.#end(message.reason, message.detail);
    else if (message.type === 'refused') this.#refuse(message.reason, message.detail);
    else this.#grant(message);
  }

  #grant(granted: Extract<MainToConnection, { type: 'granted' }>): void {
    try {
      const nowMs = this.#context.clock.nowMs();
      this.#publisher = this.#context.createPublisher(granted, this);
      this.#publisher.start(nowMs);
      this.#session.acceptPublish(nowMs, this.#publisher);
      this.#quietUntilMs = 0;
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#resumeReading();
  }

  /** Encoders give up after an error status, so what will pass, such as a path that is busy, is refused by closing. */
  #refuse(reason: ErrorCode, detail?: string): void {
    try {
      if (!passingRefusals.has(reason)) this.#session.rejectPublish();
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#end(reason, detail);
  }

  // ---- the end ---------------------------------------------------------------------------------------------------------

  #fail(error: unknown): void {
    if (error instanceof ConnectionError) this.#end(error.code, error.detail);
    else {
      this.#context.logger.error({ err: error, conn: this.#task.peer.id }, 'internal error on a connection');
      this.#end('internal');
    }
  }

  /** The first reason wins; the socket closes after our last words are out, or after {@link farewellMs}. */
  #end(reason: ErrorCode, detail?: string): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#quietUntilMs = 0;
    this.#context.turns.leave(this);
    this.#session.close();
    this.#stopPublishing();
    if (this.#introduced) this.#post({ type: 'ended', reason, detail });
    else this.#context.newcomers.ended(this.#task.peer, reason);
    this.#log(reason, detail);
    this.#destroyAtMs = this.#context.clock.nowMs() + farewellMs;
    if (errorTable[reason].layer === 'publish') this.#socket.end();
    else if (this.#task.tls || this.#socket.writableLength > 0) this.#socket.destroySoon();
    // The same, but for the call that says so to the system first.
    else this.#socket.destroy();
    // Reading may be paused; a peer that leaves must not keep its place among the connections.
    this.#unread = null;
    this.#socket.resume();
    if (this.#closed) this.#finished(reason);
  }

  #post(message: ConnectionToMain): void {
    this.#context.tellMain(this.#task.peer.id, message);
  }

  #stopPublishing(): void {
    const publisher = this.#publisher;
    this.#publisher = null;
    try {
      if (publisher === null) return;
      this.#countOddities(publisher);
      publisher.stop();
    } catch (error) {
      this.#context.logger.error({ err: error, conn: this.#task.peer.id }, 'internal error at the end of a stream');
    }
  }

  #onClosed(): void {
    this.#closed = true;
    if (this.#reason !== null) this.#finished(this.#reason);
    else if (!this.#leaving) this.#end('peer_closed');
  }

  #log(reason: ErrorCode, detail: string | undefined): void {
    const { peer, acceptedMs } = this.#task;
    const fields = {
      conn: peer.id,
      peer: hostAndPort(peer.address, peer.port),
      reason,
      detail,
      tls: this.#tlsVersion || undefined,
      path: this.#streamPath || undefined,
      encoder: this.#encoder || undefined,
      seconds: Math.round((this.#context.clock.nowMs() - acceptedMs) / 100) / 10,
      bytes: this.#session.counters.bytesReceived,
    };
    if (errorTable[reason].peer) this.#context.logger.warn(fields, `connection closed: ${errorTable[reason].text}`);
    else this.#context.logger.info(fields, `connection closed: ${errorTable[reason].text}`);
  }
}
