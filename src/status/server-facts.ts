import type { ErrorCode } from '../base/errors.ts';
import type { ReaderTotals } from '../shm/reader-tally.ts';
import type { ThreadLoad } from '../shm/worker-load.ts';
import type { HttpCounts, PublisherCounts } from './counts.ts';
import type { HookFacts } from './hook-facts.ts';

/** What the server as a whole says of itself at one moment, without its streams. */
export interface ServerFacts {
  readonly version: string;
  readonly uptimeMs: number;
  readonly draining: boolean;
  readonly overloaded: boolean;
  /** The ports for publishers and readers are open. */
  readonly listening: boolean;
  /** Consumers that are ready for readers, and how many there should be. */
  readonly consumersReady: number;
  readonly consumers: number;
  readonly threads: readonly ThreadLoad[];
  /** Threads that failed and were replaced since the process started. */
  readonly failures: { readonly ingest: number; readonly consumer: number; readonly acceptor: number };
  readonly listeners: readonly ListenerFacts[];
  readonly readers: ReaderTotals & { readonly open: number };
  readonly publishers: PublisherCounts;
  readonly onvif: OnvifFacts;
  readonly http: HttpCounts;
  readonly hooks: readonly HookFacts[];
}

/** A port for publishers or readers. */
export interface ListenerFacts {
  readonly protocol: 'rtmp' | 'rtmps' | 'rtsp';
  readonly port: number;
  /** Of a listener with two ports, for both together. */
  readonly connections: number;
  readonly limit: number;
  readonly accepted: number;
  readonly rejected: ReadonlyMap<ErrorCode, number>;
}

/** Sums over all ONVIF devices since the process started, but for `connections`, which is now. */
export interface OnvifFacts {
  readonly connections: number;
  readonly requests: number;
  readonly faults: number;
  readonly authFailures: number;
  readonly refused: number;
  readonly tunnels: number;
}
