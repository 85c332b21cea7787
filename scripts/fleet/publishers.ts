/** What the fleet knows of its publishing cameras, whether FFmpeg or a thread sends. */
import type { ActionKind } from './schedule.ts';

/** Where a camera stands. */
export type PublisherState = 'waiting' | 'starting' | 'live' | 'away';

/** A run that has ended, and how many frames it had sent then. */
export interface EndedRun {
  readonly run: number;
  readonly sent: number;
}

/** One camera's publishing side; plain data. */
export interface PublisherFigures {
  readonly state: PublisherState;
  /** Connections asked for, kills among their ends. */
  readonly starts: number;
  readonly kills: number;
  /** Frames sent in all runs, as far as it is known. */
  readonly sent: number;
  readonly bytes: number;
  /** Frames that were given up because the server took no data for too long. */
  readonly notSent: number;
  /** Streams that ended without our wish. */
  readonly broken: number;
  /** Attempts that never came to a stream. */
  readonly refused: number;
  /** Of the newest stream that broke or attempt that failed, '' if there was none. */
  readonly problem: string;
  /** The newest ones that ended in order. */
  readonly finished: readonly EndedRun[];
  /** The newest ones that were killed; with FFmpeg some more frames had left each than are known. */
  readonly killed: readonly EndedRun[];
}

/** The publishing side of a fleet. */
export interface Publishers {
  /** Why the fleet cannot fly on, with what to do; null while it can. */
  readonly failure: string | null;
  act(camera: number, kind: ActionKind): void;
  figures(): Promise<readonly PublisherFigures[]>;
  /** Ends all streams in order, within `ms`; what has not ended then is killed. */
  stop(ms: number): Promise<void>;
}

/** Milliseconds before an attempt that failed is made again. */
export const retryMs = 1000;

/** Runs that are remembered, of each kind of end. */
const keptRuns = 64;

/** Remembers a run. */
export function remember(runs: EndedRun[], run: EndedRun): void {
  runs.push(run);
  if (runs.length > keptRuns) runs.shift();
}
