import { limits } from '../base/limits.ts';
import { recordFlag, recordKind } from '../shm/frame-ring.ts';
import type { RingReader } from '../shm/ring-reader.ts';
import { type ReaderCounters, readerWord } from '../shm/stream-counters.ts';
import { FeedRing, type StartAt } from './feed-ring.ts';
import type { FeedSession, PlayObserver } from './feed-session.ts';
import { Pacer } from './pacer.ts';
import type { ParameterSets } from './parameter-sets.ts';

/**
 * Records that the pacer looks at, and records that one session sends, before other cameras and the sockets have a
 * turn.
 */
const leadRecordsPerTurn = 64;
const sessionRecordsPerTurn = 16;

/** Milliseconds for which {@link FeedContext.lateMs} knows of a standstill, and those between two looks at a transport. */
const latenessKnownMs = 2500;

/** The pacer starts anew at a record with one of these: time does not go on there, or the backlog is ours and not to be spread. */
const unpacedFlags = recordFlag.discontinuity | recordFlag.heldUp;

/** What the feeds of a thread share. */
export interface FeedContext {
  /** Index of this consumer, which is its reader slot in every ring. */
  readonly slot: number;
  /** A session that joins starts at the newest keyframe instead of the next one. */
  readonly gopCache: boolean;
  /** Milliseconds by which the thread comes late to its work at `nowMs`, or came in the second or two before, at most; 0 without it. */
  readonly lateMs?: (nowMs: number) => number;
  /** A session threw: the feed has ended it and goes on. */
  onSessionFailed(session: FeedSession, error: unknown): void;
}

/**
 * One camera for as long as this thread has readers of it: the pacer releases records of the ring, and each session
 * sends the released ones at its own speed. The slowest cursor is what the writer of the ring sees of us.
 */
export class CameraFeed implements PlayObserver {
  readonly camera: number;
  readonly sessions: FeedSession[] = [];
  shedding = false;
  /** Monotonic ms at which the frame that the pacer holds is due, Infinity when it holds none. */
  dueMs = Number.POSITIVE_INFINITY;
  readonly #context: FeedContext;
  readonly #counters: ReaderCounters;
  readonly #pacer = new Pacer();
  /** Oldest ring that a session still reads; the rings behind it hang on `next`. */
  #oldest: FeedRing | null = null;
  /** The ring that the pacer is in. */
  #current: FeedRing | null = null;
  #generation = -1;
  /** Sessions that the statistics count. */
  #readers = 0;
  #countedSleeps = 0;
  #countedSleepMs = 0;

  /** `published`: see {@link join}. */
  constructor(
    context: FeedContext,
    camera: number,
    counters: ReaderCounters,
    ring: SharedArrayBuffer | null,
    published = true,
  ) {
    this.#context = context;
    this.camera = camera;
    this.#counters = counters;
    if (ring !== null) this.#start(new FeedRing(ring, context.slot, this.#startAt(published)));
  }

  /** Parameter sets of the present stream, null before there are any. */
  get parameters(): ParameterSets | null {
    return this.#newest()?.currentParameters() ?? null;
  }

  /** Where sessions that join begin. */
  #startAt(published: boolean): StartAt {
    return this.#context.gopCache && published ? 'keyframe' : 'next';
  }

  /** A ring for the camera: the first one, or one that follows when the present one is drained. */
  addRing(memory: SharedArrayBuffer): void {
    const last = this.#newest();
    if (last?.memory === memory) return;
    const ring = new FeedRing(memory, this.#context.slot, 'oldest');
    if (last !== null) {
      last.next = ring;
      for (const session of this.sessions) ring.prepare(session);
      return;
    }
    this.#start(ring);
    // These sessions have waited since before the ring was made: its first frames are for them.
    for (const session of this.sessions) session.enter(ring, 'oldest');
  }

  /** Nothing waits in the rings: neither held by the pacer nor still to be looked at. */
  get drained(): boolean {
    return this.#current === null || (this.#current.next === null && this.#current.lead.peek() === 0);
  }

  /** `published`: the camera has a publisher. The ring of one that crashed still looks live, but its pictures are of then. */
  join(session: FeedSession, published = true): void {
    this.sessions.push(session);
    const ring = this.#newest();
    if (ring !== null) session.enter(ring, this.#startAt(published));
    this.#countReaders();
    // At once: until it is told, the writer may rewind over the frames that the session begins at.
    this.#publish();
  }

  leave(session: FeedSession): void {
    const index = this.sessions.indexOf(session);
    if (index < 0) return;
    this.sessions.splice(index, 1);
    session.leave();
    for (let ring = this.#oldest; ring !== null; ring = ring.next) ring.forget(session);
    this.#countReaders();
    this.#publish();
  }

  /** Nobody reads the camera here any more. */
  release(): void {
    for (let ring = this.#oldest; ring !== null; ring = ring.next) ring.release();
    this.#oldest = null;
    this.#current = null;
    this.#counters.set(readerWord.readers, 0);
  }

  /**
   * Releases and sends what can go now: everything, unless the pacer may hold frames (`paced`); but no late frames while the thread
   * is shedding. Returns true when there is more to do at once; {@link dueMs} says when else.
   */
  pump(nowMs: number, paced = true, shedding = false): boolean {
    this.shedding = shedding;
    let more = this.#advance(nowMs, paced);
    // Backwards, because a session that fails leaves the list.
    for (let i = this.sessions.length - 1; i >= 0; i--) {
      if (this.#pumpSession(this.sessions[i]!, nowMs)) more = true;
    }
    this.#publish();
    return more;
  }

  isOwnLoss(nowMs: number, clearMs: number): boolean {
    if (this.shedding) return true;
    const lateMs = this.#context.lateMs?.(nowMs) ?? 0;
    // Who was behind when the thread stood still loses it sooner or later in any case.
    return lateMs >= limits.load.standstillMs && nowMs - clearMs <= lateMs + latenessKnownMs;
  }

  onDelivered(bytes: number, first: boolean, earlier: boolean): void {
    const counters = this.#counters;
    counters.add(readerWord.framesSent, 1);
    if (!first) return;
    counters.add(readerWord.frames, 1);
    counters.add(readerWord.bytes, bytes);
    if (earlier) counters.add(readerWord.earlier, 1);
  }

  /** A session was disconnected because it was too slow. */
  onCutOff(): void {
    this.#counters.add(readerWord.cutOff, 1);
  }

  onLost(frames: number, shed: boolean): void {
    this.#counters.add(readerWord.overflow, frames);
    if (shed) this.#counters.add(readerWord.shed, frames);
  }

  #countReaders(): void {
    this.#readers = this.sessions.filter(({ counted }) => counted).length;
    this.#counters.set(readerWord.readers, this.#readers);
  }

  #start(ring: FeedRing): void {
    this.#oldest = ring;
    this.#current = ring;
  }

  #newest(): FeedRing | null {
    let ring = this.#current;
    while (ring !== null && ring.next !== null) ring = ring.next;
    return ring;
  }

  /** Moves the leading cursor over everything that may go now. */
  #advance(nowMs: number, paced: boolean): boolean {
    this.dueMs = Number.POSITIVE_INFINITY;
    for (let records = 0; this.#current !== null; records++) {
      if (records === leadRecordsPerTurn) return true;
      const { lead } = this.#current;
      const state = lead.peek();
      if (state > 0) {
        if (lead.kind === recordKind.video && !this.#releaseFrame(lead, nowMs, paced)) return false;
        lead.advance();
      } else if (state < 0) {
        lead.skipToNewestKeyframe();
        this.#pacer.reset();
      } else if (this.#current.next !== null) {
        this.#current.finished = true;
        this.#current = this.#current.next;
        this.#pacer.reset();
      } else return false;
    }
    return false;
  }

  /** False when the pacer holds the frame that `lead` has loaded. */
  #releaseFrame(lead: RingReader, nowMs: number, paced: boolean): boolean {
    const pacer = this.#pacer;
    if (lead.generation !== this.#generation || (lead.flags & unpacedFlags) !== 0) {
      this.#generation = lead.generation;
      pacer.reset();
    }
    const arrivalMs = lead.arrivalUs / 1000;
    const dueMs = paced ? pacer.due(lead.dtsMs, arrivalMs, lead.lag - 1, nowMs) : nowMs;
    if (dueMs > nowMs) {
      this.dueMs = dueMs;
      return false;
    }
    pacer.released(lead.dtsMs, arrivalMs, nowMs);
    if (pacer.sleeps !== this.#countedSleeps) this.#countSleeps();
    return true;
  }

  #countSleeps(): void {
    const { sleeps, sleepMs } = this.#pacer;
    if (this.#readers > 0) {
      this.#counters.add(readerWord.pacingSleeps, sleeps - this.#countedSleeps);
      this.#counters.add(readerWord.pacingSleepMs, sleepMs - this.#countedSleepMs);
    }
    this.#countedSleeps = sleeps;
    this.#countedSleepMs = sleepMs;
  }

  #pumpSession(session: FeedSession, nowMs: number): boolean {
    try {
      let more = session.pump(this, nowMs, sessionRecordsPerTurn);
      while (!more && session.ring?.finished && session.drained) {
        session.follow();
        more = session.pump(this, nowMs, sessionRecordsPerTurn);
      }
      return more;
    } catch (error) {
      this.#context.onSessionFailed(session, error);
      return false;
    }
  }

  /** Tells the writers how far we are, and lets go of rings that nobody here reads any more. */
  #publish(): void {
    for (let ring = this.#oldest; ring !== null; ring = ring.next) {
      let readers = 0;
      let cursor = ring.lead.cursor;
      for (let i = 0; i < this.sessions.length; i++) {
        const session = this.sessions[i]!;
        if (session.ring !== ring) continue;
        readers++;
        if (((session.cursor - cursor) | 0) < 0) cursor = session.cursor;
      }
      if (readers === 0 && ring === this.#oldest && ring !== this.#current) {
        this.#oldest = ring.next;
        ring.release();
      } else ring.publish(cursor);
    }
  }
}
