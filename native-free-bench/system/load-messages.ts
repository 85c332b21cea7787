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
  /** Where they are not the ports of all. */
  readonly rtmpPort?: number;
  readonly readPort?: number;
}

/** First message to the publishers' process. */
export interface PublishOptions {
  readonly type: 'publish';
  readonly port: number;
  readonly streams: readonly StreamNames[];
  readonly shape: StreamShape;
  /** In place of `shape`: publisher i sends the one of i modulo their number. All have the frames per second of `shape`. */
  readonly shapes?: readonly StreamShape[];
  /** RTMPS; any certificate will do. */
  readonly tls?: boolean;
  /** Publish, and then send no frame. */
  readonly silent?: boolean;
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
  /** RTSP over UDP: only the first `udpSample` readers are taken apart frame by frame, the kernel counts for the others. */
  readonly udpSample?: number;
  /** The first `readers` stop reading for `ms` when a window begins. */
  readonly stall?: { readonly readers: number; readonly ms: number };
}

/** First message to the churn process. */
export interface ChurnOptions {
  readonly type: 'churn';
  readonly port: number;
  readonly streams: readonly StreamNames[];
  readonly connections: number;
  readonly concurrency: number;
}

/**
 * First message to the storm's process: all connect within `overMs`, publish, and come back when the connection is lost. `begin`
 * starts its account anew.
 */
export interface StormOptions {
  readonly type: 'storm';
  readonly port: number;
  readonly streams: readonly StreamNames[];
  readonly shape: StreamShape;
  readonly overMs: number;
  /** Milliseconds from the loss of a connection to the next attempt: half as much to half as much again. */
  readonly retryMs: number;
}

/** `begin` starts a window, `end` asks for its figures, `stop` ends the process. */
export interface WindowCommand {
  readonly type: 'begin' | 'end' | 'stop';
}

/** Everything the runner says. */
export type LoadCommand = PublishOptions | ReadOptions | ChurnOptions | StormOptions | WindowCommand;

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
  /**
   * How readers came in, since the start of the process: from the connect to the target's first byte, from there to the answer
   * to PLAY, and from there to the first whole frame.
   */
  readonly greeting: HistogramData;
  readonly dialogue: HistogramData;
  readonly firstFrame: HistogramData;
  /** Null but for readers over UDP. */
  readonly udp: UdpFigures | null;
}

/** What the kernel saw of datagrams in one window. */
export interface UdpFigures {
  readonly sampledReaders: number;
  /** Datagrams that the sampled readers took, and those that their full receive buffers lost: the reader's own fault. */
  readonly sampledDatagrams: number;
  readonly sampledDrops: number;
  /** Datagrams that came to this machine, whether somebody read them or a buffer was full. */
  readonly arrived: number;
}

/** The storm's account since its last `begin`. */
export interface StormFigures extends LoadSelf {
  readonly type: 'stormed';
  /** Connections that publish, every `stepMs`. */
  readonly publishing: readonly number[];
  readonly stepMs: number;
  /** Milliseconds from `begin` until each connection published (again), in no order. */
  readonly publishedMs: readonly number[];
  readonly attempts: number;
  readonly failedAttempts: number;
  /** Connections that the target ended after they had published. */
  readonly broken: number;
  readonly firstFailure: string;
  readonly frames: number;
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
export type LoadReport = LoadProgress | PublishFigures | ReadFigures | ChurnFigures | StormFigures;
