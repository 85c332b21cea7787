import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Config } from '../config/schema.ts';
import type { Camera, ListenerPorts, Rejections } from '../control/messages.ts';
import type { Violation } from '../ingest-rules/ingest-rules.ts';
import { readTallies } from '../shm/reader-tally.ts';
import type { StreamCounters } from '../shm/stream-counters.ts';
import type { ThreadLoad } from '../shm/worker-load.ts';
import type { Verdict } from '../stats/verdict.ts';
import { Counts, newHttpCounts } from '../status/counts.ts';
import type { EventRecord } from '../status/event-record.ts';
import type { HookSource } from '../status/hook-facts.ts';
import type { ProcessMetric } from '../status/process-metrics.ts';
import type { ListenerFacts, ServerFacts } from '../status/server-facts.ts';
import type { HardwareInfo, PublisherInfo, PublishPort, StatusSource } from '../status/status-source.ts';
import { type StreamFigures, StreamTable } from '../status/stream-table.ts';
import { readVersion } from '../version.ts';
import type { AcceptorSupervisor } from './acceptor-supervisor.ts';
import type { Consumers } from './consumers.ts';
import type { EventHistory } from './event-history.ts';
import type { IngestRuleWatch } from './ingest-rules.ts';
import type { OnvifDevices } from './onvif-devices.ts';
import { PreviewChannels } from './preview-channels.ts';
import type { PublishAuth } from './publish-auth.ts';
import type { Publishers } from './publishers.ts';
import type { StreamEvents } from './stream-events.ts';
import type { StreamMeasures } from './stream-measures.ts';

/** Milliseconds that a consumer gets to tell who reads. */
const answerMs = 2000;

/** What is asked of the server itself. */
export interface ShownServer {
  readonly config: Config;
  readonly cameras: readonly Camera[];
  readonly addresses: { readonly rtspPort: number; readonly listeners: readonly ListenerPorts[] };
  readonly events: StreamEvents;
  readonly history: EventHistory;
  readonly overloaded: boolean;
  readonly draining: boolean;
  load(): ThreadLoad[];
}

/** The parts of the server that are shown. */
export interface StatusViewOptions {
  readonly server: ShownServer;
  readonly clock: Clock;
  readonly counters: StreamCounters;
  /** {@link ReaderTally} memory. */
  readonly readerTally: SharedArrayBuffer;
  readonly publishers: Publishers;
  readonly consumers: Consumers;
  readonly acceptor: AcceptorSupervisor;
  readonly measures: StreamMeasures;
  readonly hooks: HookSource;
  readonly rules: IngestRuleWatch;
  readonly auth: Pick<PublishAuth, 'requires'>;
  readonly devices: OnvifDevices;
  /** By camera index: it has a publisher. */
  readonly live: readonly boolean[];
}

/** The server as its HTTP port shows it. */
export class StatusView implements StatusSource {
  readonly version = readVersion();
  readonly httpCounts = newHttpCounts();
  readonly previews: PreviewChannels;
  readonly #options: StatusViewOptions;
  readonly #table: StreamTable;
  readonly #startedMs: number;
  /** By listener, null for that of readers. */
  readonly #rejected = new Map<string | null, Counts<ErrorCode>>();
  #indexes: ReadonlySet<number>;
  #processMetrics: (() => Promise<readonly ProcessMetric[]>) | null = null;

  constructor(options: StatusViewOptions) {
    this.#options = options;
    this.previews = new PreviewChannels(options.server, options.consumers);
    this.#table = new StreamTable(options.counters, options.measures.windows);
    this.#startedMs = options.clock.nowMs();
    this.#indexes = new Set(options.server.cameras.map(({ index }) => index));
    options.server.events.on('started', ({ camera }) => this.#table.started(camera.index));
  }

  /** Other cameras than before are in force. What is known of one that is gone is not told of another that has its index. */
  replaceCameras(cameras: readonly Camera[]): void {
    const before = this.#indexes;
    this.#indexes = new Set(cameras.map(({ index }) => index));
    for (const index of this.#indexes.difference(before)) {
      this.#table.replaced(index);
      this.#options.server.history.replaced(index);
    }
  }

  /** New connections were refused. */
  rejected(rejections: readonly Rejections[]): void {
    for (const { listener, reason, count } of rejections) {
      const counts = this.#rejected.get(listener) ?? new Counts<ErrorCode>();
      counts.add(reason, count);
      this.#rejected.set(listener, counts);
    }
  }

  nowMs(): number {
    return this.#options.clock.nowMs();
  }

  wallMs(): number {
    return this.#options.clock.wallMs();
  }

  facts(): ServerFacts {
    const { server, consumers, publishers, acceptor, devices, readerTally } = this.#options;
    const threads = server.load();
    const totals = readTallies(readerTally);
    const open = threads.reduce((sum, { kind, connections }) => sum + (kind === 'consumer' ? connections : 0), 0);
    return {
      version: this.version,
      uptimeMs: this.nowMs() - this.#startedMs,
      draining: server.draining,
      overloaded: server.overloaded,
      listening: acceptor.listening,
      consumersReady: consumers.ready.length,
      consumers: server.config.consumers,
      threads,
      failures: { ingest: acceptor.workerFailures, consumer: consumers.failures, acceptor: acceptor.failures },
      listeners: this.#listeners(open, totals.connections),
      readers: { ...totals, open },
      publishers: publishers.counts,
      onvif: devices.counters,
      hooks: this.#options.hooks.hooks(),
      http: this.httpCounts,
    };
  }

  get cameras(): readonly Camera[] {
    return this.#options.server.cameras;
  }

  streamReader(): (camera: Camera) => StreamFigures {
    const nowMs = this.nowMs();
    return (camera) => this.#table.read(camera, this.#isLive(camera), nowMs);
  }

  streams(): StreamFigures[] {
    return this.cameras.map(this.streamReader());
  }

  stream(index: number): StreamFigures | null {
    const camera = this.#options.server.cameras.find((candidate) => candidate.index === index);
    return camera === undefined ? null : this.#table.read(camera, this.#isLive(camera), this.nowMs());
  }

  get verdicts(): ReadonlyMap<number, Verdict> {
    return this.#options.measures.statistics.verdicts;
  }

  violations(index: number): readonly Violation[] {
    return this.#options.rules.violations(index);
  }

  promisedFps(index: number): number {
    return this.#options.measures.statistics.promisedFps(index);
  }

  publishPorts(): Map<string, PublishPort> {
    const { config, addresses } = this.#options.server;
    const open = new Map(addresses.listeners.map((ports) => [ports.key, ports]));
    return new Map(
      config.listenerList.map(({ key, port, tls }) => {
        const { rtmp = port, rtmps = null } = open.get(key) ?? {};
        return [key, tls ? { rtmp: null, rtmps: rtmp } : { rtmp, rtmps }];
      }),
    );
  }

  asksForKey(camera: Camera): boolean {
    return this.#options.auth.requires(camera);
  }

  get rtspPort(): number {
    return this.#options.server.addresses.rtspPort;
  }

  publishers(): PublisherInfo[] {
    return this.#options.publishers.list(this.#listenerPorts());
  }

  readers(): ReturnType<StatusSource['readers']> {
    return this.#options.consumers.readers(answerMs);
  }

  hardware(): HardwareInfo[] {
    const { server, devices } = this.#options;
    const { config, cameras } = server;
    const ports = this.#listenerPorts();
    const { open } = devices;
    return config.hardwareList.map(({ number, name, listener, onvifPort }, index) => ({
      number,
      name,
      onvifPort: config.onvif ? (open[index]?.port ?? onvifPort) : null,
      rtmpPort: ports.get(listener) ?? 0,
      streams: cameras.filter(({ hardware }) => hardware === index).map((camera) => camera.index),
    }));
  }

  /** prom-client is loaded when somebody asks for the first time: it takes some 15 MB. */
  processMetrics(): Promise<readonly ProcessMetric[]> {
    this.#processMetrics ??= loadProcessMetrics();
    return this.#processMetrics();
  }

  get eventEpoch(): string {
    return this.#options.server.history.epoch;
  }

  events(): readonly EventRecord[] {
    return this.#options.server.history.newest(limits.events.overall);
  }

  eventsOf(index: number): readonly EventRecord[] {
    return this.#options.server.history.ofCamera(index);
  }

  onEvent(listener: (event: EventRecord) => void): () => void {
    return this.#options.server.history.onAdded(listener);
  }

  kick(index: number): string | null {
    return this.#options.publishers.kick(index);
  }

  #isLive({ index }: Camera): boolean {
    return this.#options.live[index] === true;
  }

  #listenerPorts(): Map<string, number> {
    return new Map(this.#options.server.addresses.listeners.map(({ key, rtmp }) => [key, rtmp]));
  }

  #listeners(readers: number, readersAccepted: number): ListenerFacts[] {
    const { publishers, server } = this.#options;
    const { config, addresses } = server;
    const listenerPorts = this.#listenerPorts();
    const perListener = publishers.perListener;
    const none: ReadonlyMap<ErrorCode, number> = new Map();
    const rtmp = config.listenerList.map(({ key, port, tls, maxConnections }): ListenerFacts => {
      return {
        protocol: tls ? 'rtmps' : 'rtmp',
        port: listenerPorts.get(key) ?? port,
        connections: perListener.get(key) ?? 0,
        limit: maxConnections,
        accepted: publishers.counts.accepted.of(key),
        rejected: this.#rejected.get(key)?.all ?? none,
      };
    });
    const rtsp: ListenerFacts = {
      protocol: 'rtsp',
      port: addresses.rtspPort,
      connections: readers,
      limit: limits.rtsp.connections,
      accepted: readersAccepted,
      rejected: this.#rejected.get(null)?.all ?? none,
    };
    return [...rtmp, rtsp];
  }
}

/** Default metrics of prom-client that are not shown, by the beginnings of their names: to make them, every handle and heap space is listed. */
const unshownMetrics = ['nodejs_active_', 'nodejs_heap_space_', 'nodejs_gc_'];

function loadProcessMetrics(): () => Promise<readonly ProcessMetric[]> {
  const loading = import('prom-client').then(({ collectDefaultMetrics, Registry }) => {
    const registry = new Registry();
    collectDefaultMetrics({ register: registry });
    for (const { name } of registry.getMetricsAsArray())
      if (unshownMetrics.some((start) => name.startsWith(start))) registry.removeSingleMetric(name);
    return registry;
  });
  return async () => (await (await loading).getMetricsAsJSON()) as readonly ProcessMetric[];
}
