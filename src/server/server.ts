import { randomUUID } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';
import { hostAndPort } from '../base/address.ts';
import { systemClock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Credentials } from '../config/credentials.ts';
import { StartError } from '../config/errors.ts';
import { type Config, rtmpPortIsTls, servesTls } from '../config/schema.ts';
import type {
  AcceptorBoot,
  AcceptorToMain,
  Camera,
  ConsumerBoot,
  ConsumerToMain,
  LogOptions,
  MainToAcceptor,
  MainToConsumer,
  PublishAddress,
} from '../control/messages.ts';
import { threadEntry } from '../control/thread-entry.ts';
import { Doorbell } from '../shm/doorbell.ts';
import { publisherWord, StreamCounters } from '../shm/stream-counters.ts';
import { type CameraSnapshot, readCamera } from '../stats/camera-snapshot.ts';
import { readVersion } from '../version.ts';
import { Certificates } from './certificates.ts';
import { EventHistory } from './event-history.ts';
import { PathRegistry } from './path-registry.ts';
import { Publishers } from './publishers.ts';
import { RingStore } from './ring-store.ts';
import { Statistics } from './statistics.ts';
import { StreamEvents } from './stream-events.ts';
import { Thread } from './thread.ts';

/** Milliseconds before a failed thread is started again, so that a fault at its start cannot spin. */
const restartPauseMs = 200;

/** What the threads are started from; tests put their own in. */
export interface ThreadEntries {
  readonly acceptor: URL;
  readonly consumer: URL;
  readonly ingest: URL;
}

export interface ServerOptions {
  readonly config: Config;
  /** RTSP credentials, null when authentication is off. */
  readonly credentials: Credentials | null;
  /** Of the TLS certificate, where the configuration names no file for it. */
  readonly tlsPassword?: string;
  readonly logger: Logger;
  readonly logOptions: LogOptions;
  readonly entries?: Partial<ThreadEntries>;
}

type AcceptorThread = Thread<MainToAcceptor, AcceptorToMain>;
type ConsumerThread = Thread<MainToConsumer, ConsumerToMain>;

/** Starts every thread and resolves when the listeners are open; throws {@link StartError} and leaves nothing behind otherwise. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const server = new Server(options);
  await server.start();
  return server;
}

/**
 * The program as one object: the main thread's side of all threads. It starts them in order (consumers, then the acceptor,
 * so that nothing arrives before it can be served), replaces one that fails, and drains them in the opposite order.
 */
export class Server {
  readonly events = new StreamEvents();
  readonly history = new EventHistory(this.events, systemClock);
  readonly cameras: readonly Camera[];
  readonly #options: ServerOptions;
  readonly #entries: ThreadEntries;
  readonly #countersMemory: SharedArrayBuffer;
  readonly #counters: StreamCounters;
  readonly #doorbells: readonly SharedArrayBuffer[];
  readonly #rings: RingStore;
  readonly #publishers: Publishers;
  readonly #statistics: Statistics;
  readonly #consumers: (ConsumerThread | null)[];
  /** By camera index: it has a publisher. */
  readonly #live: boolean[];
  readonly #tunnelChannel = `skyweir-tunnels-${randomUUID()}`;
  #acceptor: AcceptorThread | null = null;
  /** The start is complete: from now on a thread that fails is replaced. */
  #running = false;
  readonly #certificates: Certificates | null;
  #ports: { rtmp: number; rtmps: number | null; rtsp: number } = { rtmp: 0, rtmps: null, rtsp: 0 };
  #stopping: Promise<void> | null = null;

  constructor(options: ServerOptions) {
    const { config, logger } = options;
    this.#options = options;
    this.#entries = {
      acceptor: threadEntry('acceptor', import.meta.url, '../../'),
      consumer: threadEntry('consumer', import.meta.url, '../../'),
      ingest: threadEntry('ingest', import.meta.url, '../../'),
      ...options.entries,
    };
    this.cameras = config.cameraList.map((camera, index) => ({ index, name: camera.name, path: camera.path }));
    this.#countersMemory = StreamCounters.create(this.cameras.length, config.consumers);
    this.#counters = new StreamCounters(this.#countersMemory);
    this.#doorbells = Array.from({ length: config.consumers }, () => Doorbell.create(this.cameras.length));
    this.#consumers = Array<ConsumerThread | null>(config.consumers).fill(null);
    this.#live = Array<boolean>(this.cameras.length).fill(false);
    const doorbells = this.#doorbells.map((memory) => new Doorbell(memory));
    this.#rings = new RingStore(
      this.cameras.length,
      ringOptions(config),
      (camera) => [...doorbells.keys()].filter((index) => doorbells[index]!.interested(camera.index)),
      (camera, ring) => this.#toConsumers({ type: 'ring', camera: camera.index, ring }),
    );
    const registry = new PathRegistry(this.cameras, config.publishConflict, (camera, nowMs) => {
      return nowMs - this.#counters.publisher(camera.index).get(publisherWord.lastArrivalMs);
    });
    this.#publishers = new Publishers(registry, this.#rings, this.events, systemClock, logger);
    this.#certificates = servesTls(config)
      ? new Certificates({ source: config, password: options.tlsPassword ?? '', logger, wallMs: systemClock.wallMs })
      : null;
    this.#logEvents();
    this.#statistics = new Statistics({
      events: this.events,
      counters: this.#counters,
      capacity: config.ringFrames,
      intervalMs: config.statsIntervalMs,
      clock: systemClock,
      logger,
      consumerTimes: () => this.#consumers.map((consumer) => consumer?.time ?? { active: 0, idle: 0 }),
    });
  }

  /** The ports in use; they differ from the configuration where that says 0. `rtmpsPort` is a second one, or null. */
  get addresses(): {
    readonly host: string;
    readonly rtmpPort: number;
    readonly rtmpsPort: number | null;
    readonly rtspPort: number;
  } {
    const { rtmp, rtmps, rtsp } = this.#ports;
    return { host: this.#options.config.host, rtmpPort: rtmp, rtmpsPort: rtmps, rtspPort: rtsp };
  }

  /** Connections of publishers at this moment. */
  get connections(): number {
    return this.#publishers.count;
  }

  /** What the counters say about a camera. */
  snapshot(camera: number): CameraSnapshot {
    return readCamera(this.#counters, camera);
  }

  async start(): Promise<void> {
    try {
      await this.#certificates?.load();
      await Promise.all(this.#consumers.map((_, index) => this.#startConsumer(index)));
      await this.#startAcceptor();
      this.#certificates?.watch();
      this.#running = true;
      // One that failed meanwhile.
      for (const [index, consumer] of this.#consumers.entries()) if (consumer === null) this.#replaceConsumer(index);
    } catch (error) {
      await this.#terminate();
      throw error;
    }
  }

  /** Closes the listeners, ends every connection and every thread; resolves within the drain timeout. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain();
    return this.#stopping;
  }

  // ---- consumers -----------------------------------------------------------------------------------------------------

  async #startConsumer(index: number): Promise<void> {
    const { config, credentials, logOptions } = this.#options;
    const boot: ConsumerBoot = {
      log: logOptions,
      index,
      cameras: this.cameras,
      doorbell: this.#doorbells[index]!,
      counters: this.#countersMemory,
      rings: this.#rings.all,
      host: config.host,
      credentials,
      digestSha256: config.rtspDigestSha256,
      packetBytes: config.rtpPacketBytes,
      tcpPacketBytes: config.rtpTcpPacketBytes,
      gopCache: config.gopCache,
      live: this.#live,
      offlineInfo: config.offlineInfo,
      product: `Skyweir ${readVersion()}`,
      tunnelChannel: config.consumers > 1 ? this.#tunnelChannel : null,
    };
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const thread: ConsumerThread = new Thread(this.#entries.consumer, boot, (message) => {
      if (message.type === 'ready') resolve();
    });
    this.#consumers[index] = thread;
    void thread.ended.then((failure) => this.#onConsumerEnded(index, failure));
    await Promise.race([ready, thread.ended.then(failIfEnded('consumer'))]);
    this.#linkConsumer(index);
  }

  #onConsumerEnded(index: number, failure: Error | null): void {
    this.#consumers[index] = null;
    if (this.#stopping !== null || !this.#running) return;
    this.#options.logger.error(
      { err: failure, consumer: index },
      'a consumer failed; its readers are cut off and it is replaced',
    );
    this.#replaceConsumer(index);
  }

  #replaceConsumer(index: number): void {
    setTimeout(() => {
      // If it fails, its end brings us here again.
      if (this.#stopping === null) this.#startConsumer(index).catch(() => undefined);
    }, restartPauseMs);
  }

  /** Connects a consumer with the acceptor, which gives it readers. */
  #linkConsumer(index: number): void {
    const consumer = this.#consumers[index];
    if (this.#acceptor === null || !consumer) return;
    const { port1, port2 } = new MessageChannel();
    consumer.send({ type: 'acceptor', port: port1, publish: this.#publishAddress() }, [port1]);
    this.#acceptor.send({ type: 'consumer', index, port: port2 }, [port2]);
  }

  /** Where publishers are told to push to. */
  #publishAddress(): PublishAddress {
    return { scheme: rtmpPortIsTls(this.#options.config) ? 'rtmps' : 'rtmp', port: this.#ports.rtmp };
  }

  #toConsumers(message: MainToConsumer): void {
    for (const consumer of this.#consumers) consumer?.send(message);
  }

  // ---- acceptor ------------------------------------------------------------------------------------------------------

  async #startAcceptor(): Promise<void> {
    const { promise: listening, resolve, reject } = Promise.withResolvers<void>();
    const thread: AcceptorThread = new Thread(this.#entries.acceptor, this.#acceptorBoot(), (message) => {
      if (message.type === 'connection') this.#publishers.add(message.peer, message.port);
      else if (message.type === 'listening') {
        this.#ports = { rtmp: message.rtmpPort, rtmps: message.rtmpsPort, rtsp: message.rtspPort };
        resolve();
      } else if (message.type === 'listen_failed') reject(listenError(message));
    });
    this.#acceptor = thread;
    void thread.ended.then((failure) => this.#onAcceptorEnded(failure));
    try {
      await Promise.race([listening, thread.ended.then(failIfEnded('acceptor'))]);
    } catch (error) {
      // It may have opened one port and not the other.
      await thread.terminate();
      throw error;
    }
    for (let index = 0; index < this.#consumers.length; index++) this.#linkConsumer(index);
  }

  #acceptorBoot(): AcceptorBoot {
    const { config, logOptions } = this.#options;
    return {
      log: logOptions,
      host: config.host,
      // After a restart the ports stay what they were, also where the system chose them.
      rtmpPort: this.#ports.rtmp || config.rtmpPort,
      rtmpTls: rtmpPortIsTls(config),
      rtmpsPort: config.rtmpsPort === 0 ? null : config.rtmpsPort,
      rtspPort: this.#ports.rtsp || config.rtspPort,
      ingestWorkers: config.ingestWorkers,
      ingestEntry: this.#entries.ingest.href,
      admission: {
        maxConnections: config.maxConnections,
        maxConnectionsPerIp: config.maxConnectionsPerIp,
        ratePerSecond: config.rateLimit ? config.rateLimitPerSecond : 0,
      },
      ingest: {
        log: logOptions,
        timeouts: {
          handshakeMs: config.handshakeTimeoutMs,
          publishMs: config.publishTimeoutMs,
          videoMs: config.videoTimeoutMs,
          receiveMs: config.receiveTimeoutMs,
        },
        doorbells: this.#doorbells,
        counters: this.#countersMemory,
        tls: this.#certificates?.memory ?? null,
      },
    };
  }

  #onAcceptorEnded(failure: Error | null): void {
    this.#acceptor = null;
    if (this.#stopping !== null || !this.#running) return;
    this.#options.logger.error({ err: failure }, 'the acceptor failed; publishers are cut off and it is replaced');
    setTimeout(() => {
      if (this.#stopping !== null) return;
      this.#startAcceptor().catch((error: Error) => {
        // Its end brings us here again.
        this.#options.logger.error({ err: error }, 'the acceptor could not be started again; trying once more');
      });
    }, restartPauseMs);
  }

  // ---- events ----------------------------------------------------------------------------------------------------------

  #logEvents(): void {
    const { logger } = this.#options;
    this.events.on('started', ({ camera, publisher }) => {
      this.#live[camera.index] = true;
      this.#toConsumers({ type: 'stream', camera: camera.index, live: true });
      const fields = {
        camera: camera.name,
        conn: publisher.id,
        publisher: hostAndPort(publisher.address, publisher.port),
      };
      logger.info(fields, 'RTMP Stream Started');
    });
    this.events.on('stopped', ({ camera, publisher, reason }) => {
      this.#live[camera.index] = false;
      this.#toConsumers({ type: 'stream', camera: camera.index, live: false });
      logger.info({ camera: camera.name, conn: publisher.id, reason }, 'RTMP Stream Stopped');
    });
    this.events.on('notice', ({ camera, publisher, notice }) => {
      const { type, ...facts } = notice;
      // Nested: a level of H.264 must not pass for the level of the log line.
      logger.info({ camera: camera.name, conn: publisher.id, stream: facts }, `stream: ${type}`);
    });
  }

  // ---- the end ---------------------------------------------------------------------------------------------------------

  /** Order: no new connection, no publisher, no reader, no thread. What does not end in time is terminated. */
  async #drain(): Promise<void> {
    this.#certificates?.close();
    const deadline = timeout(this.#options.config.drainTimeoutMs * drainShare);
    this.#acceptor?.send({ type: 'stop' });
    const published = this.#publishers.cutAll('shutdown');
    await Promise.race([published, deadline]);
    this.#toConsumers({ type: 'stop' });
    const ends = [this.#acceptor, ...this.#consumers].map((thread) => thread?.ended);
    await Promise.race([Promise.all(ends), deadline]);
    await this.#terminate();
    // The ports of a thread that was terminated close a moment after it: the last streams stop now.
    await Promise.race([published, timeout(portCloseMs)]);
    this.#statistics.stop();
  }

  async #terminate(): Promise<void> {
    await Promise.all([this.#acceptor, ...this.#consumers].map((thread) => thread?.terminate()));
  }
}

/** The part of the drain timeout that threads get to end by themselves; the rest is for ending them. */
const drainShare = 0.8;

/** Milliseconds for the ports of terminated threads to close. */
const portCloseMs = 200;

function ringOptions(config: Config): ConstructorParameters<typeof RingStore>[1] {
  const { initialBytes, maximumBytes, hardMaximumBytes } = limits.ring;
  const fixed = config.ringBytes === 'auto' ? null : config.ringBytes;
  return {
    frames: config.ringFrames,
    initialBytes: fixed ?? initialBytes,
    maximumBytes: fixed ?? maximumBytes,
    hardMaximumBytes: Math.max(hardMaximumBytes, fixed ?? 0),
    gopCache: config.gopCache,
  };
}

function listenError(message: Extract<AcceptorToMain, { type: 'listen_failed' }>): StartError {
  const { flag, port, code } = message;
  if (code === 'EADDRINUSE')
    return new StartError(
      `${flag} ${port}: the port is in use by another program; stop it or choose another port with ${flag}`,
    );
  if (code === 'EACCES')
    return new StartError(`${flag} ${port}: no permission to listen on this port; choose one above 1023 with ${flag}`);
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAFNOSUPPORT')
    return new StartError(`--host: this machine has no such address (${code}); name one of its own with --host`);
  return new StartError(`${flag} ${port}: cannot listen (${code})`);
}

function failIfEnded(name: string): (failure: Error | null) => never {
  return (failure) => {
    throw new StartError(`the ${name} thread ended while it started: ${failure?.message ?? 'no reason given'}`);
  };
}

function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
