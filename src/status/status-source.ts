import type { ReaderInfo } from '../control/messages.ts';
import type { Verdict } from '../stats/verdict.ts';
import type { EventRecord } from './event-feed.ts';
import type { ProcessMetric } from './process-metrics.ts';
import type { ServerFacts } from './server-facts.ts';
import type { StreamFigures } from './stream-table.ts';

/** Everything that the HTTP port shows, as the server knows it at the moment of asking. */
export interface StatusSource {
  readonly version: string;
  facts(): ServerFacts;
  /** All cameras, in the order of the configuration. */
  streams(): StreamFigures[];
  /** One camera by its index; null if there is none. */
  stream(index: number): StreamFigures | null;
  /** By camera index: what the newest block of statistics of the stream that runs says. */
  readonly verdicts: ReadonlyMap<number, Verdict>;
  publishers(): PublisherInfo[];
  /** Asks the consumers; `complete` is false if one of them did not answer in time. */
  readers(): Promise<{ readonly readers: readonly ReaderInfo[]; readonly complete: boolean }>;
  hardware(): HardwareInfo[];
  /** The configuration in force by the keys of the file, without secrets. */
  config(): Readonly<Record<string, unknown>>;
  processMetrics(): Promise<readonly ProcessMetric[]>;
  /** Newest first. */
  events(): readonly EventRecord[];
  /** Calls back for every event from now on, until the returned function is called. */
  onEvent(listener: (event: EventRecord) => void): () => void;
  /** Ends the connection of a camera's publisher. Returns the connection's name; null if nobody publishes. */
  kick(index: number): string | null;
  /** Monotonic milliseconds, of the clock that connections are stamped with. */
  nowMs(): number;
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
  readonly name: string;
  /** Null while ONVIF is off. */
  readonly onvifPort: number | null;
  readonly rtmpPort: number;
  /** Indexes of its cameras. */
  readonly streams: readonly number[];
}
