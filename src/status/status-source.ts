import type { Camera, ReaderInfo } from '../control/messages.ts';
import type { Violation } from '../ingest-rules/ingest-rules.ts';
import type { Verdict } from '../stats/verdict.ts';
import type { EventRecord } from './event-record.ts';
import type { ProcessMetric } from './process-metrics.ts';
import type { ServerFacts } from './server-facts.ts';
import type { StreamFigures } from './stream-table.ts';

/** Everything that the HTTP port shows, as the server knows it at the moment of asking. */
export interface StatusSource {
  readonly version: string;
  facts(): ServerFacts;
  /** In the order of the configuration. */
  readonly cameras: readonly Camera[];
  /** What reads the figures of a camera, for many of them as of one moment. */
  streamReader(): (camera: Camera) => StreamFigures;
  /** All cameras, in the order of the configuration. */
  streams(): StreamFigures[];
  /** One camera by its index; null if there is none. */
  stream(index: number): StreamFigures | null;
  /** By camera index: what the newest block of statistics of the stream that runs says. */
  readonly verdicts: ReadonlyMap<number, Verdict>;
  /** The ingest rules that the stream of the camera with this index breaks now. */
  violations(index: number): readonly Violation[];
  /** Frames a second that the publisher of the camera with this index promises; 0 unknown. */
  promisedFps(index: number): number;
  publishers(): PublisherInfo[];
  /** Where publishers push to, by the key of a listener. */
  publishPorts(): ReadonlyMap<string, PublishPort>;
  /** Publishers of a camera need more than its path: a key, a signed address or the like. */
  asksForKey(camera: Camera): boolean;
  /** Where readers pull from. */
  readonly rtspPort: number;
  /** Asks the consumers; `complete` is false if one of them did not answer in time. */
  readers(): Promise<{ readonly readers: readonly ReaderInfo[]; readonly complete: boolean }>;
  hardware(): HardwareInfo[];
  processMetrics(): Promise<readonly ProcessMetric[]>;
  /** Ids of events begin with it: it tells this run of the server from every other. */
  readonly eventEpoch: string;
  /** Newest first. */
  events(): readonly EventRecord[];
  /** Those of the camera with this index, newest first: other cameras push none of them out. */
  eventsOf(index: number): readonly EventRecord[];
  /** Calls back for every event from now on, until the returned function is called. */
  onEvent(listener: (event: EventRecord) => void): () => void;
  /** Ends the connection of a camera's publisher. Returns the connection's name; null if nobody publishes. */
  kick(index: number): string | null;
  /** Monotonic milliseconds, of the clock that connections are stamped with. */
  nowMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
}

/** Where publishers of a listener push to. A port that there is not is null. */
export interface PublishPort {
  readonly rtmp: number | null;
  readonly rtmps: number | null;
}

/** A publisher's connection. */
export interface PublisherInfo {
  readonly connection: string;
  readonly address: string;
  readonly port: number;
  readonly listenerPort: number;
  /** Monotonic ms. */
  readonly acceptedMs: number;
  /** Index of the camera that it publishes to, null before it does. */
  readonly camera: number | null;
}

/** An ONVIF device with its cameras. */
export interface HardwareInfo {
  /** What it is known by, from 1. */
  readonly number: number;
  readonly name: string;
  /** Null while ONVIF is off. */
  readonly onvifPort: number | null;
  readonly rtmpPort: number;
  /** Indexes of its cameras. */
  readonly streams: readonly number[];
}
