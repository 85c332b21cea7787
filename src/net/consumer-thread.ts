import { randomBytes, randomFillSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type {
  AcceptorToConsumer,
  Camera,
  ConsumerBoot,
  ConsumerToAcceptor,
  ConsumerToMain,
  MainToConsumer,
  Peer,
} from '../control/messages.ts';
import { FeedLoop } from '../egress/feed-loop.ts';
import type { FeedSession } from '../egress/feed-session.ts';
import { OfflineCards } from '../egress/offline-cards.ts';
import type { PlaySession } from '../egress/play-session.ts';
import { PreviewSession } from '../egress/preview.ts';
import { PacketBatch } from '../rtp/packet-batch.ts';
import { DigestAuthenticator } from '../rtsp/digest-authenticator.ts';
import { Doorbell } from '../shm/doorbell.ts';
import { LoadMeter } from '../shm/load-meter.ts';
import { ReaderTally } from '../shm/reader-tally.ts';
import { StreamCounters } from '../shm/stream-counters.ts';
import { WorkerLoads } from '../shm/worker-load.ts';
import { CameraDirectory } from './camera-directory.ts';
import { PreviewFeeds } from './preview-feeds.ts';
import { ReadTurns } from './read-turns.ts';
import { ReaderTls } from './reader-tls.ts';
import { RtpPorts } from './rtp-udp.ts';
import { RtspConnection } from './rtsp-connection.ts';
import type { RtspContext } from './rtsp-context.ts';
import { Tunnels } from './rtsp-tunnel.ts';
import { Standstill } from './standstill.ts';
import { Strangers } from './strangers.ts';

/** Milliseconds between two looks at the deadlines, reports and stalls of all readers. */
const sweepMs = 250;

/** Looks between two notes of how busy the thread is. */
const sweepsPerNote = 4;

/** Milliseconds that readers get for their farewell when the server stops. */
const stopMs = 1000;

/** Milliseconds. Clients log in again without a question when a nonce has become stale. */
const nonceLifetimeMs = 5 * 60_000;

/** One consumer: the RTSP readers that were handed to it, and the feeds of the cameras that they play. */
export class ConsumerThread {
  readonly #boot: ConsumerBoot;
  readonly #toMain: (message: ConsumerToMain) => void;
  readonly #logger: Logger;
  readonly #directory: CameraDirectory;
  readonly #loop: FeedLoop;
  readonly #cards: OfflineCards;
  readonly #tunnels: Tunnels;
  readonly #previews: PreviewFeeds;
  readonly #connections = new Map<RtspConnection, MessagePort>();
  readonly #acceptors = new Set<MessagePort>();
  readonly #loads: WorkerLoads;
  readonly #meter: LoadMeter;
  /** RTP payload of readers who have left. */
  #endedOctets = 0;
  #sweeps = 0;
  #context: RtspContext | null = null;
  #ports: RtpPorts | null = null;
  #sweeper: NodeJS.Timeout | null = null;
  readonly #standstill = new Standstill(sweepMs);
  #stopping = false;

  constructor(boot: ConsumerBoot, toMain: (message: ConsumerToMain) => void, logger: Logger) {
    this.#boot = boot;
    this.#toMain = toMain;
    this.#logger = logger;
    this.#loads = new WorkerLoads(boot.loads);
    this.#meter = new LoadMeter(this.#loads.line('consumer', boot.index), sweepMs);
    this.#directory = new CameraDirectory(boot.cameras, boot.rings.length);
    this.#loop = new FeedLoop({
      slot: boot.index,
      gopCache: boot.gopCache,
      clock: systemClock,
      doorbell: new Doorbell(boot.doorbell),
      counters: new StreamCounters(boot.counters),
      rings: boot.rings,
      lateMs: (nowMs) => this.#meter.lateMs(nowMs),
      onSessionFailed: (session, error) => this.#onSessionFailed(session, error),
    });
    const { product, host, live } = boot;
    this.#cards = new OfflineCards({ readFont, product, host, live, onWork: () => this.#encodeCards() });
    this.#tunnels = new Tunnels(boot.tunnelChannel);
    this.#previews = new PreviewFeeds({ clock: systemClock, logger, loop: this.#loop, offline: this.#cards });
    for (let camera = 0; camera < live.length; camera++) this.#loop.setLive(camera, live[camera]!);
  }

  /** Opens the UDP ports, takes over from a predecessor, and tells main that readers may come. */
  async start(): Promise<void> {
    const { host, packetBytes, tcpPacketBytes } = this.#boot;
    const ports = await RtpPorts.open(host);
    if (this.#stopping) {
      ports?.close();
      return;
    }
    this.#ports = ports;
    const tally = new ReaderTally(this.#boot.readerTally, this.#boot.index);
    tally.takeOver();
    if (ports === null) this.#logger.warn({ host }, 'no pair of UDP ports: readers are served over TCP only');
    this.#context = {
      clock: systemClock,
      logger: this.#logger,
      loop: this.#loop,
      play: {
        clock: systemClock,
        random: () => randomBytes(4).readUInt32BE() / 2 ** 32,
        batch: new PacketBatch(),
        cname: `skyweir@${hostname()}`,
      },
      offline: this.#cards,
      tunnels: this.#tunnels,
      pipePass: this.#boot.pipePass,
      directory: this.#directory,
      authenticator: this.#authenticator(),
      ports,
      tls: this.#boot.tls === null ? null : new ReaderTls(this.#boot.tls),
      packetBytes,
      tcpPacketBytes,
      randomBytes: (into) => randomFillSync(into),
      tally,
      turns: new ReadTurns(systemClock),
      strangers: new Strangers(this.#loads.consumers),
    };
    this.#loop.start();
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
    const nowMs = systemClock.nowMs();
    this.#standstill.start(nowMs);
    this.#meter.start(nowMs);
    this.#cards.warmUp();
    this.#toMain({ type: 'ready' });
  }

  onMain(message: MainToConsumer): void {
    if (message.type === 'ring') this.#loop.setRing(message.camera, message.ring);
    else if (message.type === 'stream') this.#setLive(message.camera, message.live);
    else if (message.type === 'acceptor') this.#listenTo(message.port);
    else if (message.type === 'publish_addresses') this.#cards.setPublishAddresses(message.addresses);
    else if (message.type === 'listener_error') this.#cards.setCardError(message.reason);
    else if (message.type === 'cameras') this.#setCameras(message.cameras);
    else if (message.type === 'list_readers') this.#listReaders(message.request);
    else if (message.type === 'preview') this.#previews.open(message);
    else void this.#stop();
  }

  #setCameras(cameras: readonly Camera[]): void {
    this.#directory.replace(cameras);
    this.#cards.setCameras(cameras);
    const served = new Set(cameras.map(({ index }) => index));
    for (const connection of this.#connections.keys()) connection.keepCameras(served);
    this.#previews.keepCameras(served);
  }

  #listReaders(request: number): void {
    const connections = [...this.#connections.keys()].slice(0, limits.http.itemsPerAnswer);
    this.#toMain({ type: 'readers', request, readers: connections.map(({ info }) => info) });
  }

  #setLive(camera: number, live: boolean): void {
    this.#loop.setLive(camera, live);
    this.#cards.setLive(camera, live);
  }

  /** One step at a time, between which sockets are served. */
  #encodeCards(): void {
    setTimeout(() => {
      if (!this.#stopping && this.#cards.encode()) this.#encodeCards();
    }, limits.card.stepEveryMs);
  }

  #authenticator(): DigestAuthenticator | null {
    const { credentials, digestSha256 } = this.#boot;
    if (credentials === null) return null;
    return new DigestAuthenticator({
      ...credentials,
      realm: 'Skyweir',
      sha256: digestSha256,
      key: randomBytes(32),
      nonceLifetimeMs,
    });
  }

  // ---- readers ------------------------------------------------------------------------------------------------------

  #listenTo(port: MessagePort): void {
    this.#acceptors.add(port);
    port.on('message', (message: AcceptorToConsumer) => this.#onReader(message.socket as Socket, message.peer, port));
    port.on('close', () => this.#acceptors.delete(port));
    if (this.#connections.size === 0) return;
    // The acceptor that gave them has failed.
    const ids: string[] = [];
    for (const connection of this.#connections.keys()) {
      this.#connections.set(connection, port);
      ids.push(connection.peer.id);
    }
    port.postMessage({ type: 'kept', ids } satisfies ConsumerToAcceptor);
  }

  #onReader(socket: Socket, peer: Peer, port: MessagePort): void {
    if (this.#stopping || this.#context === null || socket.destroyed) {
      socket.destroy();
      port.postMessage({ type: 'closed', id: peer.id } satisfies ConsumerToAcceptor);
      return;
    }
    try {
      const connection = new RtspConnection(this.#context, socket, peer, (closed) => this.#onClosed(closed));
      this.#connections.set(connection, port);
    } catch (error) {
      this.#logger.warn({ err: error, conn: peer.id }, 'a reader left before it could be served');
      socket.destroy();
      port.postMessage({ type: 'closed', id: peer.id } satisfies ConsumerToAcceptor);
    }
  }

  #onClosed(connection: RtspConnection): void {
    const port = this.#connections.get(connection);
    this.#connections.delete(connection);
    this.#endedOctets += connection.octets;
    port?.postMessage({ type: 'closed', id: connection.peer.id } satisfies ConsumerToAcceptor);
  }

  /** What a session throws ends that session and nothing else. */
  #onSessionFailed(session: FeedSession, error: unknown): void {
    if (session instanceof PreviewSession) this.#previews.fail(session, error);
    else ((session as PlaySession).owner as RtspConnection).fail(error);
  }

  #sweep(): void {
    const nowMs = systemClock.nowMs();
    this.#meter.swept(nowMs);
    // After a standstill all are read, and written to, before anybody's time is over.
    if (!this.#standstill.look(nowMs)) this.#sweepConnections(nowMs);
    this.#previews.sweep(nowMs);
    this.#loop.rescue();
    if (this.#sweeps++ % sweepsPerNote === 0) this.#noteLoad(nowMs);
  }

  #sweepConnections(nowMs: number): void {
    for (const connection of this.#connections.keys()) {
      try {
        connection.sweep(nowMs);
      } catch (error) {
        connection.fail(error);
      }
    }
  }

  #noteLoad(nowMs: number): void {
    const { active, idle } = performance.eventLoopUtilization();
    let bytes = this.#endedOctets;
    for (const connection of this.#connections.keys()) bytes += connection.octets;
    this.#meter.note(nowMs, {
      ...{ bytes, busyMs: active, idleMs: idle },
      ...{ connections: this.#connections.size, pacedCameras: this.#loop.pacedCameras },
    });
  }

  // ---- the end ------------------------------------------------------------------------------------------------------

  /** Farewells, then what still stands is destroyed; when nothing keeps the thread alive any more it ends by itself. */
  async #stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#previews.close();
    for (const connection of this.#connections.keys()) connection.shutdown();
    const deadlineMs = systemClock.nowMs() + stopMs;
    while (this.#connections.size > 0 && systemClock.nowMs() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 10));
    for (const connection of this.#connections.keys()) connection.destroy();
    this.#loop.stop();
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    this.#meter.stop();
    this.#ports?.close();
    this.#tunnels.close();
    for (const port of this.#acceptors) port.close();
    this.#toMain({ type: 'stopped' });
  }
}

/** A file of `assets/font`, which lies at the package root: two folders up from here, or three in the built package. */
function readFont(name: string): Buffer {
  const root = import.meta.url.endsWith('.ts') ? '../../' : '../../../';
  return readFileSync(new URL(`${root}assets/font/${name}`, import.meta.url));
}
