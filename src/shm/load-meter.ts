import { limits } from '../base/limits.ts';
import { loadWord } from './worker-load.ts';

/** What a thread knows of itself once a second. The first two only ever grow. */
export interface LoadNote {
  /** Bytes moved so far. */
  readonly bytes: number;
  /** Milliseconds that the event loop worked and waited so far. */
  readonly busyMs: number;
  readonly idleMs: number;
  readonly connections: number;
  /** Of a consumer: cameras whose frames it holds to spread a burst. */
  readonly pacedCameras?: number;
}

/**
 * Keeps a thread's line of the load table ({@link WorkerLoads}) from a timer that the thread has anyway: how late that comes is
 * how late everything else comes.
 */
export class LoadMeter {
  readonly #line: Float64Array;
  readonly #sweepMs: number;
  #sweptMs = 0;
  #sweeps = 0;
  #lateSumMs = 0;
  #lateMaxMs = 0;
  /** Up to the newest note. */
  #lateMaxBeforeMs = 0;
  #notedMs = 0;
  #before: LoadNote | null = null;
  /** Times on end that there was nothing but work between two notes. */
  #fullNotes = 0;

  /** `sweepMs` is the period of the timer. */
  constructor(line: Float64Array, sweepMs: number) {
    this.#line = line;
    this.#sweepMs = sweepMs;
    line.fill(0);
    line[loadWord.sweepMs] = sweepMs;
  }

  /** The timer was started. */
  start(nowMs: number): void {
    this.#sweptMs = nowMs;
    this.#line[loadWord.sweptMs] = nowMs;
  }

  /** The timer has fired. */
  swept(nowMs: number): void {
    const lateMs = Math.max(0, nowMs - this.#sweptMs - this.#sweepMs);
    this.#sweeps++;
    this.#lateSumMs += lateMs;
    if (lateMs > this.#lateMaxMs) this.#lateMaxMs = lateMs;
    this.start(nowMs);
  }

  /** About once a second: the figures since the note before. */
  note(nowMs: number, note: LoadNote): void {
    const line = this.#line;
    const { bytes, busyMs, idleMs, connections, pacedCameras = 0 } = note;
    const before = this.#before;
    if (before !== null) {
      const worked = busyMs - before.busyMs;
      const whole = worked + idleMs - before.idleMs;
      line[loadWord.bitsPerSecond] = ((bytes - before.bytes) * 8000) / Math.max(1, nowMs - this.#notedMs);
      const busy = whole > 0 ? Math.min(1, worked / whole) : 0;
      this.#fullNotes = busy >= limits.overload.fullBusy ? this.#fullNotes + 1 : 0;
      line[loadWord.busy] = busy;
      line[loadWord.loopDelayMs] = this.#lateSumMs / Math.max(1, this.#sweeps);
      line[loadWord.worstDelayMs] = this.#lateMaxMs;
    }
    line[loadWord.connections] = connections;
    line[loadWord.pacedCameras] = pacedCameras;
    this.#before = note;
    this.#notedMs = nowMs;
    this.#lateMaxBeforeMs = this.#lateMaxMs;
    this.#sweeps = 0;
    this.#lateSumMs = 0;
    this.#lateMaxMs = 0;
  }

  /** Milliseconds by which the timer was late since the note before the newest one, or is now, at most. */
  lateMs(nowMs: number): number {
    return Math.max(this.#lateMaxMs, this.#lateMaxBeforeMs, nowMs - this.#sweptMs - this.#sweepMs);
  }

  /** The thread had nothing but work for some notes on end: not once only, as when it or the machine stood still. */
  get saturated(): boolean {
    return this.#fullNotes >= limits.shedding.fullNotes;
  }

  /** The thread has nothing to do, and its timer was stopped. */
  stop(): void {
    this.#line.fill(0);
    this.#line[loadWord.sweepMs] = this.#sweepMs;
    this.#before = null;
    this.#fullNotes = 0;
    this.#sweeps = 0;
    this.#lateSumMs = 0;
    this.#lateMaxMs = 0;
    this.#lateMaxBeforeMs = 0;
  }
}
