/**
 * How busy the ingest workers and the consumers are, in one SharedArrayBuffer of 64-bit floating-point words. Whoever chooses a
 * worker, decides about overload or shows figures reads it; nobody sends messages for it.
 *
 *      line 0              ┌────────────────┐  written by
 *                          │ constants   64 │  create, once
 *                          ├────────────────┤
 *                          │ decision    64 │  the acceptor, with what the next one must know of it
 *                          ├────────────────┤
 *                          │ owners         │  the acceptor: thread id of the worker that owns an ingest line, 0 without one
 *                          ├────────────────┤  (up to the next 64)
 *                          │ ingest 0    64 │  the worker that owns it; the acceptor while it has no owner, and
 *                          │ ...            │  `sweptMs` until its timer runs
 *                          ├────────────────┤
 *                          │ consumer 0  64 │  consumer 0
 *                          │ ...            │
 *                          └────────────────┘
 *
 * Workers of a pool are all started alike, so a worker looks for its thread id among the owners when its first connection
 * comes. The acceptor stores an owner before it posts that connection, and takes a line back when the thread has ended.
 *
 * Stores are plain, as in the stream counters. They are gauges that the owner works out once a second from a timer that it has
 * anyway; nothing is stored for a read, a chunk or a frame. A thread that hangs stores nothing any more: `sweptMs` gives it away.
 */

/** The kinds of thread that have lines. */
export type LoadedThread = 'ingest' | 'consumer';

/** What a thread's line says, together with how long it has been silent. */
export interface ThreadLoad {
  readonly kind: LoadedThread;
  readonly index: number;
  /** Part of the time in which it worked, 0 to 1. */
  readonly busy: number;
  /** Milliseconds by which it comes too late to its timer: mean of about a second, or more while it hangs. */
  readonly loopDelayMs: number;
  /** The same, largest. */
  readonly worstDelayMs: number;
  /** Received from publishers, or built for readers. */
  readonly bitsPerSecond: number;
  /** Connections that it serves. */
  readonly connections: number;
  /** Cameras whose frames a consumer holds to spread a burst. */
  readonly pacedCameras: number;
  /** Milliseconds for which its look at the timer is overdue. */
  readonly silentMs: number;
}

/** Words of a thread's line. */
export const loadWord = {
  bitsPerSecond: 0,
  connections: 1,
  busy: 2,
  loopDelayMs: 3,
  worstDelayMs: 4,
  /** Monotonic milliseconds of the newest look at the timer; 0 while the thread has no timer, because it has nothing to do. See {@link WorkerLoads.setServing}. */
  sweptMs: 5,
  /** Milliseconds from one look to the next. */
  sweepMs: 6,
  pacedCameras: 7,
} as const;

const wordBytes = Float64Array.BYTES_PER_ELEMENT;
const lineWords = 64 / wordBytes;
const ingestCountWord = 0;
const consumerCountWord = 1;
const overloadedWord = lineWords;
const acceptorSweptWord = lineWords + 1;
const acceptedWord = lineWords + 2;
const ownersStart = 2 * lineWords;

/** Milliseconds of silence after which a thread counts as busy all the time: its own figures would have come by then. */
const longSilenceMs = 1000;

/** The table of lines; every thread opens its own over the same memory. */
export class WorkerLoads {
  readonly #words: Float64Array<SharedArrayBuffer>;
  readonly #ingest: number;
  readonly #consumers: number;

  static create(ingestWorkers: number, consumers: number): SharedArrayBuffer {
    const lines = 2 + ownerLines(ingestWorkers) + ingestWorkers + consumers;
    const memory = new SharedArrayBuffer(lines * lineWords * wordBytes);
    const words = new Float64Array(memory);
    words[ingestCountWord] = ingestWorkers;
    words[consumerCountWord] = consumers;
    return memory;
  }

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Float64Array(memory);
    this.#ingest = this.#words[ingestCountWord]!;
    this.#consumers = this.#words[consumerCountWord]!;
  }

  /** Lines for ingest workers. */
  get ingestWorkers(): number {
    return this.#ingest;
  }

  /** Lines for consumers. */
  get consumers(): number {
    return this.#consumers;
  }

  /** New publishers are refused, because the machine has no room for them. */
  get overloaded(): boolean {
    return this.#words[overloadedWord] === 1;
  }

  /** For the acceptor. */
  set overloaded(overloaded: boolean) {
    this.#words[overloadedWord] = overloaded ? 1 : 0;
  }

  /** For the acceptor: it has looked at the table at this moment, in monotonic milliseconds. */
  set acceptorSweptMs(nowMs: number) {
    this.#words[acceptorSweptWord] = nowMs;
  }

  /** Milliseconds since the acceptor looked at the table; without meaning while there is none. */
  acceptorSilentMs(nowMs: number): number {
    return nowMs - this.#words[acceptorSweptWord]!;
  }

  /**
   * For the acceptor: connections so far, of which each has its number in its id. An acceptor that replaces another one counts on: readers of
   * the time before are still there.
   */
  get accepted(): number {
    return this.#words[acceptedWord]!;
  }

  set accepted(count: number) {
    this.#words[acceptedWord] = count;
  }

  /** The line of a thread, for that thread; index by {@link loadWord}. Throws `RangeError` if there is none. */
  line(kind: LoadedThread, index: number): Float64Array<SharedArrayBuffer> {
    const count = kind === 'ingest' ? this.#ingest : this.#consumers;
    if (!(index >= 0 && index < count)) throw new RangeError(`no ${kind} line ${index}`);
    const before = kind === 'ingest' ? index : this.#ingest + index;
    const at = (2 + ownerLines(this.#ingest) + before) * lineWords;
    return this.#words.subarray(at, at + lineWords);
  }

  // ---- who owns which ingest line --------------------------------------------------------------------------------------

  /** The ingest line of a thread, -1 if it has none. */
  indexOf(threadId: number): number {
    for (let index = 0; index < this.#ingest; index++) if (this.#words[ownersStart + index] === threadId) return index;
    return -1;
  }

  /** For the acceptor: gives a free line to a thread that has none. Returns its index, -1 if no line is free. */
  assign(threadId: number): number {
    const index = this.indexOf(0);
    if (index < 0) return -1;
    this.line('ingest', index).fill(0);
    this.#words[ownersStart + index] = threadId;
    return index;
  }

  /** For the acceptor: takes back the lines of all threads but these. */
  keep(threadIds: ReadonlySet<number>): void {
    for (let index = 0; index < this.#ingest; index++) {
      const owner = this.#words[ownersStart + index]!;
      if (owner !== 0 && !threadIds.has(owner)) this.#words[ownersStart + index] = 0;
    }
  }

  /**
   * For the acceptor: a worker that has started has connections, or none, so far as is known. Its timer starts with the first; until then it
   * counts as silent from this moment, so that one which hangs without any is found when it is given some.
   */
  setServing(index: number, serving: boolean, nowMs: number): void {
    const line = this.line('ingest', index);
    if (!serving) line[loadWord.sweptMs] = 0;
    else if (line[loadWord.sweptMs] === 0) line[loadWord.sweptMs] = nowMs;
  }

  // ---- figures -----------------------------------------------------------------------------------------------------------

  /** All threads, ingest workers first; all zero for one that does not run. */
  read(nowMs: number): ThreadLoad[] {
    const loads: ThreadLoad[] = [];
    for (let index = 0; index < this.#ingest; index++) {
      const owned = this.#words[ownersStart + index] !== 0;
      loads.push(owned ? this.#read('ingest', index, nowMs) : idle('ingest', index));
    }
    for (let index = 0; index < this.#consumers; index++) loads.push(this.#read('consumer', index, nowMs));
    return loads;
  }

  #read(kind: LoadedThread, index: number, nowMs: number): ThreadLoad {
    const line = this.line(kind, index);
    const sweptMs = line[loadWord.sweptMs]!;
    if (sweptMs === 0) return idle(kind, index);
    const silentMs = Math.max(0, nowMs - sweptMs - line[loadWord.sweepMs]!);
    return {
      kind,
      index,
      busy: silentMs >= longSilenceMs ? 1 : line[loadWord.busy]!,
      loopDelayMs: Math.max(line[loadWord.loopDelayMs]!, silentMs),
      worstDelayMs: Math.max(line[loadWord.worstDelayMs]!, silentMs),
      bitsPerSecond: line[loadWord.bitsPerSecond]!,
      connections: line[loadWord.connections]!,
      pacedCameras: line[loadWord.pacedCameras]!,
      silentMs,
    };
  }
}

function idle(kind: LoadedThread, index: number): ThreadLoad {
  return {
    ...{ kind, index, busy: 0, loopDelayMs: 0, worstDelayMs: 0 },
    ...{ bitsPerSecond: 0, connections: 0, pacedCameras: 0, silentMs: 0 },
  };
}

function ownerLines(ingestWorkers: number): number {
  return Math.ceil(ingestWorkers / lineWords);
}
