import { randomBytes, randomUUID } from 'node:crypto';
import { MessageChannel } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import type { FiguresLogger, Logger } from '../base/logger.ts';
import { keepFixed } from '../config/changes.ts';
import type { Credentials } from '../config/credentials.ts';
import type { CameraPlace } from '../config/edits.ts';
import { StartError } from '../config/errors.ts';
import type { LoadedConfig } from '../config/load.ts';
import { type Config, usesCertificate } from '../config/schema.ts';
import type { Camera, ListenerPorts, LogOptions } from '../control/messages.ts';
import { threadEntry } from '../control/thread-entry.ts';
import { letPicturesGoFirst } from '../control/thread-priority.ts';
import type { ChannelVideo } from '../onvif/device.ts';
import { publisherWord } from '../shm/stream-counters.ts';
import type { ThreadLoad } from '../shm/worker-load.ts';
import { type CameraSnapshot, readCamera } from '../stats/camera-snapshot.ts';
import { CameraVideoMeter, cardVideo } from '../stats/camera-video.ts';
import { readVersion } from '../version.ts';
import { AcceptorSupervisor } from './acceptor-supervisor.ts';
import { assignIndexes, cameraPlaces } from './camera-table.ts';
import { Certificates } from './certificates.ts';
import { ConfigStore } from './config-store.ts';
import { Consumers } from './consumers.ts';
import { EventHistory } from './event-history.ts';
import { listenOptions, type OpenPorts, publishAddresses } from './listen-options.ts';
import { Management } from './management.ts';
import { OnvifDevices, type OpenDevice } from './onvif-devices.ts';
import { PathRegistry } from './path-registry.ts';
import { PublishAuth } from './publish-auth.ts';
import { Publishers } from './publishers.ts';
import { RingStore, ringOptions } from './ring-store.ts';
import { ServerMemory } from './server-memory.ts';
import { StreamEvents } from './stream-events.ts';
import { logStreams } from './stream-log.ts';
import { acceptorBoot, consumerBoot, picturePriority, type ServerState } from './thread-boots.ts';

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
  /** For blocks of statistics; {@link ServerOptions.logger} without it. */
  readonly figuresLogger?: FiguresLogger;
  readonly logOptions: LogOptions;
  /** Tells this installation from every other: ONVIF devices are recognised by it. */
  readonly serverId: string;
  /** Reads the configuration anew, with this text for what its file holds; without it nothing is changed over HTTP. */
  readonly loadConfig?: (text?: string) => LoadedConfig;
  readonly entries?: Partial<ThreadEntries>;
}

/** Where a server is reached. */
export interface ServerAddresses {
  readonly host: string;
  /** Of the first listener. */
  readonly rtmpPort: number;
  /** A second RTMP port, with TLS, of the first listener; null is none. */
  readonly rtmpsPort: number | null;
  readonly rtspPort: number;
  readonly listeners: readonly ListenerPorts[];
  readonly onvif: readonly OpenDevice[];
  /** Of the operator's HTTP; null is none. */
  readonly httpPort: number | null;
}

/** Starts every thread and resolves when the listeners are open; throws {@link StartError} and leaves nothing behind otherwise. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const server = new Server(options);
  await server.start();
  return server;
}

/**
 * The program as one object: the main thread's side of all threads. It starts them in order (consumers, then the acceptor,
 * so that nothing arrives before it can be served), has those replaced that fail, and drains them in the opposite order.
 */
export class Server {
  readonly events = new StreamEvents();
  readonly history = new EventHistory(this.events, systemClock);
  readonly configStore: ConfigStore;
  readonly #options: ServerOptions;
  readonly #entries: ThreadEntries;
  readonly #memory: ServerMemory;
  readonly #rings: RingStore;
  readonly #registry: PathRegistry;
  readonly #publishAuth: PublishAuth;
  readonly #publishers: Publishers;
  readonly #certificates: Certificates;
  readonly #consumers: Consumers;
  readonly #acceptor: AcceptorSupervisor;
  readonly #devices: OnvifDevices;
  readonly #management: Management;
  readonly #videoMeter = new CameraVideoMeter();
  /** By camera index: it has a publisher. */
  readonly #live = Array<boolean>(cameraPlaces).fill(false);
  readonly #tunnelChannel = `skyweir-tunnels-${randomUUID()}`;
  readonly #pipePass = randomBytes(32).toString('hex');
  #config: Config;
  #cameras: readonly Camera[];
  #ports: OpenPorts | null = null;
  #changing: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | null = null;

  constructor(options: ServerOptions) {
    const { config, logger } = options;
    this.#options = options;
    this.#config = config;
    this.configStore = new ConfigStore({
      load: options.loadConfig ?? null,
      running: () => this.#config,
      apply: (wanted, same) => this.apply(wanted, same),
      logger,
    });
    this.#entries = {
      acceptor: threadEntry('acceptor', import.meta.url, '../../'),
      consumer: threadEntry('consumer', import.meta.url, '../../'),
      ingest: threadEntry('ingest', import.meta.url, '../../'),
      ...options.entries,
    };
    this.#cameras = assignIndexes(config.cameraList, [], new Set())!;
    this.#memory = new ServerMemory(config);
    const { streamCounters } = this.#memory;
    this.#rings = new RingStore(
      cameraPlaces,
      ringOptions(config),
      (camera) => this.#memory.consumersOf(camera),
      (camera, ring) => this.#consumers.broadcast({ type: 'ring', camera: camera.index, ring }),
      systemClock,
    );
    this.#registry = new PathRegistry(this.#cameras, config.publishConflict, (camera, nowMs) => {
      return nowMs - streamCounters.publisher(camera.index).get(publisherWord.lastArrivalMs);
    });
    this.#publishAuth = new PublishAuth({
      stateDir: config.stateDir,
      clock: systemClock,
      logger,
      onCut: (keyId) => this.#publishers.revoke(keyId),
    });
    this.#publishers = new Publishers(this.#registry, this.#rings, this.events, systemClock, logger, {
      auth: this.#publishAuth,
      listenerPort: (key) => this.addresses.listeners.find((ports) => ports.key === key)?.rtmp ?? 0,
    });
    this.#certificates = new Certificates({
      source: usesCertificate(config) ? config : null,
      password: options.tlsPassword ?? '',
      logger,
      wallMs: systemClock.wallMs,
    });
    this.#consumers = new Consumers(config.consumers, {
      entry: this.#entries.consumer,
      logger,
      boot: (index) => consumerBoot(this.#state, index),
      onReady: (index) => {
        this.#linkConsumer(index);
        // It takes the place of one that had been told.
        this.#consumers.send(index, { type: 'listener_error', reason: this.#acceptor.problem });
      },
      load: () => this.load(),
    });
    this.#acceptor = new AcceptorSupervisor({
      entry: this.#entries.acceptor,
      logger,
      boot: () => acceptorBoot(this.#state),
      silentMs: () => this.#memory.workerLoads.acceptorSilentMs(systemClock.nowMs()),
      onStarted: () => this.#linkConsumers(),
      onListening: (ports) => this.#onListening(ports),
      onIngest: (port) => this.#publishers.ingest.add(port),
      onRejected: (rejections) => {
        this.#management.view.rejected(rejections);
        this.#management.measures.watch.rejected(rejections);
      },
      onFailed: (reason) => {
        this.#consumers.broadcast({ type: 'listener_error', reason });
        this.events.emit('listener_failed', { text: reason });
      },
    });
    this.#devices = new OnvifDevices({
      credentials: options.credentials,
      clock: systemClock,
      logger,
      events: this.events,
      tls: this.#certificates.memory,
      serverId: options.serverId,
      version: readVersion(),
      video: (camera) => this.video(camera),
      live: this.#live,
      pipePass: this.#pipePass,
    });
    logStreams(this.events, logger);
    this.events.on('started', ({ camera }) => this.#setLive(camera, true));
    this.events.on('stopped', ({ camera }) => this.#setLive(camera, false));
    this.#management = new Management({
      server: this,
      options,
      clock: systemClock,
      events: this.events,
      history: this.history,
      memory: this.#memory,
      publishers: this.#publishers,
      publishAuth: this.#publishAuth,
      consumers: this.#consumers,
      acceptor: this.#acceptor,
      devices: this.#devices,
      tls: this.#certificates.memory,
      live: this.#live,
    });
  }

  /** The configuration in force. */
  get config(): Config {
    return this.#config;
  }

  /** The cameras of now; an index may be missing. */
  get cameras(): readonly Camera[] {
    return this.#cameras;
  }

  /** The ports in use; they differ from the configuration where that says 0. */
  get addresses(): ServerAddresses {
    const { listeners, rtsp } = this.#ports ?? { listeners: [], rtsp: 0 };
    const { rtmp = 0, rtmps = null } = listeners[0] ?? {};
    const { open: onvif } = this.#devices;
    const { port: httpPort } = this.#management.status;
    return { host: this.#config.host, rtmpPort: rtmp, rtmpsPort: rtmps, rtspPort: rtsp, listeners, onvif, httpPort };
  }

  /** Connections of publishers at this moment. */
  get connections(): number {
    return this.#publishers.count;
  }

  /** It is being stopped. */
  get draining(): boolean {
    return this.#stopping !== null;
  }

  /** How busy each ingest worker and each consumer is, about a second ago. */
  load(): ThreadLoad[] {
    return this.#memory.workerLoads.read(systemClock.nowMs());
  }

  /** The machine has no room for further publishers, so they are refused. */
  get overloaded(): boolean {
    return this.#memory.workerLoads.overloaded;
  }

  /** What the counters say about a camera. */
  snapshot(camera: number): CameraSnapshot {
    return readCamera(this.#memory.streamCounters, camera);
  }

  /** What readers of a camera see at this moment. */
  video(camera: number): ChannelVideo {
    const { publisher } = this.snapshot(camera);
    if (!this.#live[camera]) return { ...cardVideo, live: false };
    return { ...this.#videoMeter.measure(camera, publisher, systemClock.nowMs()), live: true };
  }

  /** Throws {@link StartError} and leaves nothing behind if it cannot start. */
  start(): Promise<void> {
    const started = this.#startNow();
    // The HTTP port is open before all else is: a change that comes by then waits, and fails with the start.
    this.#changing = started;
    return started;
  }

  async #startNow(): Promise<void> {
    try {
      await this.#certificates.load();
      (await this.#management.hooks.prepare(this.#config)).commit();
      (await this.#publishAuth.prepare(this.#config)).commit();
      const starting = [this.#management.status.prepare(this.#config), this.#consumers.start()] as const;
      const [status, consumers] = await Promise.allSettled(starting);
      if (status.status === 'fulfilled') status.value.commit();
      for (const { status: outcome, reason } of [status, consumers] as PromiseRejectedResult[])
        if (outcome === 'rejected') throw reason;
      const devices = await this.#devices.prepare(this.#config, this.#cameras);
      await this.#acceptor.start().catch((error: unknown) => {
        devices.abort();
        throw error;
      });
      devices.commit(this.#ports!.rtsp);
      this.#certificates.watch();
      letPicturesGoFirst(picturePriority);
    } catch (error) {
      await this.#terminate();
      throw error;
    }
  }

  /**
   * Puts another configuration in force, as far as that can be done while streams run: `describeChanges` tells what waits for
   * the next start. Streams and readers of cameras that are still there go on. Throws {@link StartError} if it cannot be; then
   * all stays as it was.
   */
  apply(config: Config, same: CameraPlace | null = null): Promise<void> {
    const change = this.#changing.then(() => this.#applyNow(config, same));
    this.#changing = change.catch(() => undefined);
    return change;
  }

  /** Closes the listeners, ends every connection and every thread; resolves within the drain timeout. */
  stop(): Promise<void> {
    this.#stopping ??= this.#drain();
    return this.#stopping;
  }

  /** What threads that start now are told. */
  get #state(): ServerState {
    return {
      options: this.#options,
      entries: this.#entries,
      config: this.#config,
      cameras: this.#cameras,
      memory: this.#memory,
      rings: this.#rings,
      live: this.#live,
      tls: this.#certificates.memory,
      ports: this.#ports,
      tunnelChannel: this.#tunnelChannel,
      pipePass: this.#pipePass,
    };
  }

  // ---- changes -------------------------------------------------------------------------------------------------------

  async #applyNow(wanted: Config, same: CameraPlace | null): Promise<void> {
    if (this.#stopping !== null) return;
    const config = keepFixed(wanted, this.#config);
    const cameras = assignIndexes(config.cameraList, this.#cameras, this.#publishers.cameras, same);
    if (cameras === null) throw new StartError('too many cameras are replaced at once; restart Skyweir for that');
    const hooks = await this.#management.hooks.prepare(config);
    const certificate = await this.#certificates.prepare(usesCertificate(config) ? config : null);
    const publishAuth = await this.#publishAuth.prepare(config);
    // What can fail is done first.
    const status = await this.#management.status.prepare(config);
    const devices = await this.#devices.prepare(config, cameras).catch((error: unknown) => {
      status.abort();
      throw error;
    });
    await this.#acceptor.change(listenOptions(config, this.#ports)).catch((error: unknown) => {
      devices.abort();
      status.abort();
      throw error;
    });
    certificate.commit();
    hooks.commit();
    this.#config = config;
    this.#cameras = cameras;
    publishAuth.commit();
    this.#registry.policy = config.publishConflict;
    this.#publishers.replaceCameras(cameras);
    this.#management.configure(config, cameras);
    this.#consumers.broadcast({ type: 'cameras', cameras });
    this.#announceAddresses();
    devices.commit(this.#ports!.rtsp);
    status.commit();
  }

  // ---- consumers -----------------------------------------------------------------------------------------------------

  #linkConsumers(): void {
    for (const index of this.#consumers.ready) this.#linkConsumer(index);
  }

  /** Connects a consumer with the acceptor, which gives it readers. */
  #linkConsumer(index: number): void {
    const { port1, port2 } = new MessageChannel();
    if (!this.#acceptor.send({ type: 'consumer', index, port: port2 }, [port2])) return;
    this.#consumers.send(index, { type: 'acceptor', port: port1 }, [port1]);
    this.#announceAddresses();
  }

  #setLive({ index }: Camera, live: boolean): void {
    this.#live[index] = live;
    this.#consumers.broadcast({ type: 'stream', camera: index, live });
  }

  /** Where publishers are told to push to. */
  #announceAddresses(): void {
    if (this.#ports === null) return;
    const addresses = publishAddresses(this.#config.listenerList, this.#ports);
    this.#consumers.broadcast({ type: 'publish_addresses', addresses });
  }

  // ---- acceptor ------------------------------------------------------------------------------------------------------

  #onListening(ports: OpenPorts): void {
    this.#ports = ports;
    this.#consumers.broadcast({ type: 'listener_error', reason: null });
    this.#announceAddresses();
  }

  // ---- the end ---------------------------------------------------------------------------------------------------------

  /** Order: no new connection, no publisher, no reader, no thread. What does not end in time is terminated. */
  async #drain(): Promise<void> {
    this.#certificates.close();
    this.#publishAuth.close();
    const { drainTimeoutMs } = this.#config;
    const endMs = systemClock.nowMs() + drainTimeoutMs * 0.95;
    const deadline = timeout(drainTimeoutMs * drainShare);
    const acceptorEnded = this.#acceptor.stop();
    const published = this.#publishers.cutAll('shutdown');
    // A worker that does not answer must not cost the readers their farewell.
    await Promise.race([published, timeout((drainTimeoutMs * drainShare) / 2)]);
    // Some readers come through the ports of devices.
    const devicesClosed = this.#consumers.stop().then(() => this.#devices.close());
    await Promise.race([Promise.all([acceptorEnded, devicesClosed]), deadline]);
    await this.#terminate();
    // The ports of a thread that was terminated close a moment after it: the last streams stop now.
    await Promise.race([published, timeout(portCloseMs)]);
    await this.#management.stop(endMs);
  }

  async #terminate(): Promise<void> {
    const parts = [
      this.#acceptor.terminate(),
      this.#consumers.terminate(),
      this.#devices.close(),
      this.#management.status.close(),
    ];
    await Promise.all(parts);
  }
}

/** The part of the drain timeout that threads get to end by themselves; the rest is for ending them. */
const drainShare = 0.8;

/** Milliseconds for the ports of terminated threads to close. */
const portCloseMs = 200;

function timeout(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
