import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Doorbell } from '../shm/doorbell.ts';
import { ReaderSlot } from '../shm/ring-reader.ts';
import { readerWord, type StreamCounters } from '../shm/stream-counters.ts';
import { CameraFeed, type FeedContext } from './camera-feed.ts';
import { CameraQueue } from './camera-queue.ts';
import { FeedRing, openReader } from './feed-ring.ts';
import type { FeedSession } from './feed-session.ts';
import type { ParameterSets } from './parameter-sets.ts';

/** Milliseconds of pumping after which sockets get a turn. */
const turnMs = 4;

/** Milliseconds without a frame after which a stream whose publisher is gone has ended, though no record says so. */
const silentMs = 500;

/** Feeds pumped between two looks at the clock. */
const feedsPerLook = 8;

/**
 * Milliseconds for which a busy thread lets frames gather before it looks again by itself. While it rests, writers wake
 * nobody, and the frames of several cameras share a turn. At 100 cameras with a reader each that takes 11 % off what the
 * whole server costs, for half a millisecond of latency; 1 ms is the least that a timer can do.
 */
const restMs = 1;

/** Milliseconds from one turn with work to the next up to which the thread counts as busy. */
const busyMs = 2;

/** What a {@link FeedLoop} works on. */
export interface FeedLoopOptions extends FeedContext {
  readonly clock: Clock;
  readonly doorbell: Doorbell;
  readonly counters: StreamCounters;
  /** By camera index; null where there is none yet. */
  readonly rings: readonly (SharedArrayBuffer | null)[];
}

/**
 * The feeds of one consumer thread and what wakes them: the doorbell, one timer for all frames that pacers hold,
 * sessions whose transport has room again. Work is done in turns; between two turns the event loop serves the sockets.
 *
 *     doorbell ──┐
 *     timers ────┼──► pending cameras ──► turn: pump each ──► more: next turn · busy: rest · else: sleep on the doorbell
 *     onReady ───┘
 */
export class FeedLoop {
  readonly #options: FeedLoopOptions;
  readonly #rings: (SharedArrayBuffer | null)[];
  readonly #feeds: (CameraFeed | null)[];
  /** 1 while a camera is known to have no publisher. */
  readonly #offline: Uint8Array;
  readonly #rung: Int32Array;
  /** Cameras to pump. In the order in which they came, so that deep backlogs of some do not keep the others waiting. */
  readonly #pending: CameraQueue;
  /** Feeds whose pacer holds a frame. */
  readonly #held = new Set<CameraFeed>();
  #timer: NodeJS.Timeout | null = null;
  #timerDueMs = Number.POSITIVE_INFINITY;
  #scheduled = false;
  /** When the last turn with work began, monotonic ms. */
  #workedMs = Number.NEGATIVE_INFINITY;
  /** Since when there have been cameras waiting at the end of every turn; Infinity when all were served. Monotonic ms. */
  #behindSinceMs = Number.POSITIVE_INFINITY;
  #restTimer: NodeJS.Timeout | null = null;
  /** {@link #onRung} will be called when the doorbell wakes the thread. */
  #listening = false;
  #stopped = false;

  constructor(options: FeedLoopOptions) {
    const cameras = options.rings.length;
    this.#options = options;
    this.#rings = [...options.rings];
    this.#feeds = Array<CameraFeed | null>(cameras).fill(null);
    this.#offline = new Uint8Array(cameras);
    this.#rung = new Int32Array(cameras);
    this.#pending = new CameraQueue(cameras);
  }

  /** Takes back what a predecessor that crashed left in shared memory, and starts to listen to the doorbell. */
  start(): void {
    const { doorbell, counters, slot } = this.#options;
    for (let camera = 0; camera < this.#rings.length; camera++) {
      doorbell.setInterest(camera, false);
      counters.reader(camera, slot).set(readerWord.readers, 0);
      const ring = this.#rings[camera];
      if (ring) ReaderSlot.claim(ring, slot).release();
    }
    this.#schedule();
  }

  /** Parameter sets of the stream that a camera has now, null without one. */
  parameters(camera: number): ParameterSets | null {
    const feed = this.#feeds[camera];
    if (feed) return feed.parameters;
    const ring = this.#rings[camera];
    return ring ? FeedRing.parametersIn(ring) : null;
  }

  setRing(camera: number, ring: SharedArrayBuffer): void {
    this.#rings[camera] = ring;
    const feed = this.#feeds[camera];
    if (!feed) {
      // It was made for readers who have left meanwhile: their place in it is not needed.
      ReaderSlot.claim(ring, this.#options.slot).release();
      return;
    }
    feed.addRing(ring);
    this.#wake(camera);
  }

  join(session: FeedSession): void {
    const { camera } = session;
    const { counters, doorbell, slot } = this.#options;
    const published = this.#offline[camera] === 0;
    let feed = this.#feeds[camera];
    if (!feed) {
      // Before the ring is looked at, so that no record comes unnoticed between the two.
      doorbell.setInterest(camera, true);
      const ring = this.#rings[camera] ?? null;
      feed = new CameraFeed(this.#options, camera, counters.reader(camera, slot), ring, published);
      this.#feeds[camera] = feed;
    }
    feed.join(session, published);
    this.#wake(camera);
  }

  leave(session: FeedSession): void {
    const { camera } = session;
    const feed = this.#feeds[camera];
    if (!feed) return;
    feed.leave(session);
    if (feed.sessions.length > 0) return;
    this.#options.doorbell.setInterest(camera, false);
    this.#held.delete(feed);
    this.#feeds[camera] = null;
    feed.release();
  }

  /** A publisher took or left the camera. */
  setLive(camera: number, live: boolean): void {
    this.#offline[camera] = live ? 0 : 1;
  }

  /** Coarse timekeeping of one session. Returns whether its transport has room or made progress. */
  sweep(session: FeedSession, nowMs: number): boolean {
    const feed = this.#feeds[session.camera];
    if (!feed) return false;
    // After a crash no record says that the stream ended. A stream that has just begun may be known here before main says so.
    const silent = this.#offline[session.camera] === 1 && nowMs - session.lastFrameMs >= silentMs;
    if (silent && session.live && session.drained) {
      if (feed.drained) session.goIdle(nowMs);
      // The publisher's thread may have died before it rang for the last picture, for which nobody else rings.
      else this.#wake(session.camera);
    }
    return session.sweep(feed, nowMs);
  }

  /** Once a second or so: mends a wake-up that was lost with the thread of a writer. */
  rescue(): void {
    this.#options.doorbell.rescue();
  }

  /** Cameras whose frames are held now to spread a burst; see `limits.pacing`. */
  get pacedCameras(): number {
    return this.#held.size;
  }

  /** When the first frame that a session would get arrived, or now if it would have to wait. Monotonic ms. */
  startMs(camera: number, nowMs: number): number {
    const ring = this.#rings[camera];
    // The ring of a publisher that crashed still looks live.
    if (!ring || !this.#options.gopCache || this.#offline[camera] === 1) return nowMs;
    const reader = openReader(ring, 'keyframe');
    return reader.peek() > 0 ? Math.min(nowMs, reader.arrivalUs / 1000) : nowMs;
  }

  cutOff(session: FeedSession): void {
    this.#feeds[session.camera]?.onCutOff();
  }

  /** A session's transport has room again. */
  resume(session: FeedSession): void {
    this.#wake(session.camera);
  }

  /** Nothing is pumped any more. Sessions leave by themselves. */
  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#restTimer !== null) clearTimeout(this.#restTimer);
    this.#restTimer = null;
  }

  #wake(camera: number): void {
    this.#pending.add(camera);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  /** One turn. A field, so that scheduling it makes no closure. */
  readonly #turn = (): void => {
    this.#scheduled = false;
    if (this.#stopped) return;
    this.#collect();
    if (this.#pending.length === 0) {
      this.#sleep();
      return;
    }
    const nowMs = this.#options.clock.nowMs();
    const busy = nowMs - this.#workedMs <= busyMs;
    this.#workedMs = nowMs;
    this.#pumpPending(nowMs);
    if (this.#pending.length > 0) {
      if (nowMs < this.#behindSinceMs) this.#behindSinceMs = nowMs;
      this.#schedule();
      return;
    }
    this.#behindSinceMs = Number.POSITIVE_INFINITY;
    if (busy) this.#rest();
    else this.#sleep();
  };

  /** The next turn is in a moment; nobody needs to ring for it. */
  #rest(): void {
    if (this.#restTimer === null) this.#restTimer = setTimeout(this.#onRested, restMs);
    else this.#restTimer.refresh();
  }

  readonly #onRested = (): void => {
    if (!this.#scheduled) this.#turn();
  };

  readonly #onRung = (): void => {
    this.#listening = false;
    if (!this.#scheduled) this.#turn();
  };

  #sleep(): void {
    if (this.#scheduled) return;
    const rung = this.#options.doorbell.sleep();
    if (rung === null) this.#schedule();
    else if (!this.#listening) {
      this.#listening = true;
      void rung.then(this.#onRung);
    }
  }

  #collect(): void {
    const count = this.#options.doorbell.drain(this.#rung);
    for (let i = 0; i < count; i++) this.#pending.add(this.#rung[i]!);
  }

  /** Pumps the cameras that are pending now; those that the turn has no time for, and those with more to do, stay so. */
  #pumpPending(startMs: number): void {
    const { clock } = this.#options;
    const endMs = startMs + turnMs;
    let nowMs = startMs;
    for (let i = 1, count = this.#pending.length; i <= count && nowMs < endMs; i++) {
      this.#pump(this.#pending.take(), nowMs);
      if (i % feedsPerLook === 0) nowMs = clock.nowMs();
    }
  }

  #pump(camera: number, nowMs: number): void {
    const feed = this.#feeds[camera];
    if (!feed) return;
    const more = this.#pumpFeed(feed, nowMs);
    // The last session may have failed, and the feed with it.
    if (this.#feeds[camera] !== feed) return;
    if (more) this.#pending.add(camera);
    if (feed.dueMs < Number.POSITIVE_INFINITY) {
      this.#held.add(feed);
      this.#arm(feed.dueMs, nowMs);
    } else if (this.#held.size > 0) this.#held.delete(feed);
  }

  /** What a feed throws ends its sessions; the other cameras do not notice. */
  #pumpFeed(feed: CameraFeed, nowMs: number): boolean {
    try {
      const shedding = nowMs - this.#behindSinceMs >= limits.shedding.behindMs;
      const paced = !shedding && (this.#held.size < limits.pacing.cameras || this.#held.has(feed));
      return feed.pump(nowMs, paced, shedding);
    } catch (error) {
      for (const session of [...feed.sessions]) this.#options.onSessionFailed(session, error);
      return false;
    }
  }

  // ---- frames that are due later ------------------------------------------------------------------------------------

  #arm(dueMs: number, nowMs: number): void {
    if (dueMs >= this.#timerDueMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(this.#onTimer, Math.max(1, Math.ceil(dueMs - nowMs)));
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#options.clock.nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const feed of this.#held) {
      if (feed.dueMs <= nowMs) this.#pending.add(feed.camera);
      else if (feed.dueMs < nextMs) nextMs = feed.dueMs;
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#arm(nextMs, nowMs);
    if (this.#pending.length > 0) this.#schedule();
  };
}
