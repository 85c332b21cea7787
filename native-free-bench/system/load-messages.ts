/** What the runner and its load processes say to each other over the IPC channel. */
import type { HistogramData } from './histogram.ts';
import type { StreamShape } from './synthetic-stream.ts';

/** One stream of a target, as both sides address it. */
export interface StreamNames {
  readonly app: string;
  /** Stream name of RTMP publishing and playing. */
  readonly name: string;
  /** Path of an RTSP URL with its slash. */
  readonly rtspPath: string;
}

/** First message to the publishers' process. */
export interface PublishOptions {
  readonly type: 'publish';
  readonly port: number;
  readonly streams: readonly StreamNames[];
  readonly shape: StreamShape;
  /** How many connections may be on their way at once while ramping up. */
  readonly connecting: number;
  /** Write by the public `socket.write` only. */
  readonly plainWrites: boolean;
}

/** First message to the readers' process. */
export interface ReadOptions {
  readonly type: 'read';
  readonly protocol: 'rtmp' | 'rtsp';
  readonly port: number;
  /** Reader i reads stream i modulo the number of streams. */
  readonly streams: readonly StreamNames[];
  readonly readers: number;
  readonly connecting: number;
  readonly credentials: { readonly user: string; readonly password: string } | null;
}

/** First message to the churn process. */
export interface ChurnOptions {
  readonly type: 'churn';
  readonly port: number;
  readonly streams: readonly StreamNames[];
  readonly connections: number;
  readonly concurrency: number;
}

/** `begin` starts a window, `end` asks for its figures, `stop` ends the process. */
export interface WindowCommand {
  readonly type: 'begin' | 'end' | 'stop';
}

/** Everything the runner says. */
export type LoadCommand = PublishOptions | ReadOptions | ChurnOptions | WindowCommand;

/** Ready to go on: `active` of `wanted` connections publish, or play and have seen a frame. */
export interface LoadProgress {
  readonly type: 'progress';
  readonly active: number;
  readonly wanted: number;
  readonly failed: number;
  /** What went wrong first, or '' . */
  readonly firstFailure: string;
}

/** What every load process reports of itself for one window. */
export interface LoadSelf {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Share of the window in which the event loop was busy, 0 to 1. */
  readonly loopUtilization: number;
}

/** The publishers' figures for one window. */
export interface PublishFigures extends LoadSelf {
  readonly type: 'published';
  readonly frames: number;
  readonly bytes: number;
  /** Frames given up because the target took no data for too long. */
  readonly notSent: number;
  /** Connections the target closed. */
  readonly closed: number;
  /** Writes the kernel did not take whole at once. */
  readonly deferredWrites: number;
  /** Actual minus due time of sending: says whether the generator itself keeps up. */
  readonly lateness: HistogramData;
}

/** The readers' figures for one window. */
export interface ReadFigures extends LoadSelf {
  readonly type: 'received';
  readonly frames: number;
  readonly bytes: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Frames of another publisher than the path's. */
  readonly misrouted: number;
  /** Frames without a stamp, such as an offline card. */
  readonly unstamped: number;
  /** RTP sequence numbers that did not follow each other. */
  readonly sequenceGaps: number;
  /** Readers that got nothing in the last second of the window. */
  readonly silent: number;
  readonly closed: number;
  /** Due time to arrival of the frame's last byte. */
  readonly latency: HistogramData;
  /** Actual start of sending to arrival of the frame's last byte: without the generator's own lateness. */
  readonly transit: HistogramData;
  /** How late a 5 ms timer of the readers' loop fires. */
  readonly lag: HistogramData;
}

/** The result of a churn run. */
export interface ChurnFigures extends LoadSelf {
  readonly type: 'churned';
  readonly completed: number;
  readonly rejected: number;
  readonly failed: number;
  readonly firstFailure: string;
}

/** Everything a load process says. */
export type LoadReport = LoadProgress | PublishFigures | ReadFigures | ChurnFigures;
