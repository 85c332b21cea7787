import { limits } from '../base/limits.ts';

/**
 * Tells from looks at a timer that the thread, the process or the machine has stood still. Deadlines seem to be over then, while what
 * peers have sent in time is still to be read: timers come before sockets.
 */
export class Standstill {
  readonly #periodMs: number;
  #lookedMs = Number.NaN;
  #found = false;

  /** `periodMs` is that of the timer. */
  constructor(periodMs: number) {
    this.#periodMs = periodMs;
  }

  /** The timer was started. */
  start(nowMs: number): void {
    this.#lookedMs = nowMs;
    this.#found = false;
  }

  /** The timer has fired. True when that is much too late; never twice on end, so that deadlines hold in a thread that is always late. */
  look(nowMs: number): boolean {
    const lateMs = nowMs - this.#lookedMs - this.#periodMs;
    this.#lookedMs = nowMs;
    this.#found = !this.#found && lateMs >= limits.load.standstillMs;
    return this.#found;
  }
}
