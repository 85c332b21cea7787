import type { FeedRing, StartAt } from './feed-ring.ts';

/** Who is told what a session does: its camera's feed. */
export interface PlayObserver {
  /** The thread has not caught up for some time: sessions leave out what is late. */
  readonly shedding: boolean;
  /** What a session for which nothing waited at `clearMs` loses at `nowMs` is lost because this thread cannot keep up, or stood still. */
  isOwnLoss(nowMs: number, clearMs: number): boolean;
  /** A frame of `bytes` went to this session; `first`: to no session before it; `earlier`: another stream has begun since. */
  onDelivered(bytes: number, first: boolean, earlier: boolean): void;
  /** Frames will never go to this session; `shed`: because this thread cannot keep up. */
  onLost(frames: number, shed: boolean): void;
}

/** Who reads a camera's feed: its cursor in the rings, and what it makes of their records. All times are monotonic ms. */
export interface FeedSession {
  readonly camera: number;
  /** It is a reader of the camera in the statistics. */
  readonly counted: boolean;
  /** Where the session reads; null until its camera has a ring. Set by {@link enter} and its like. */
  readonly ring: FeedRing | null;
  /** Record number in {@link ring} that the session needs next. */
  readonly cursor: number;
  /** Nothing that its ring has released is left to send. */
  readonly drained: boolean;
  /** True while frames of a publisher go out, false before the first and after the end of a stream. */
  readonly live: boolean;
  /** When the last frame of a publisher went out. */
  readonly lastFrameMs: number;
  /** Starts reading `ring` where `start` says. */
  enter(ring: FeedRing, start: StartAt): void;
  /** Goes on in the ring that replaces the drained one, from its first record. */
  follow(): void;
  /** Stops reading. */
  leave(): void;
  /** The stream ended, in order or not: the next frames are of another one. */
  goIdle(nowMs: number): void;
  /** Takes what its ring has released, at most `most` records. Returns true when there is more to take at once. */
  pump(observer: PlayObserver, nowMs: number, most: number): boolean;
  /** Coarse timekeeping. Returns whether its transport has room or made progress since the last one. */
  sweep(observer: PlayObserver, nowMs: number): boolean;
}
