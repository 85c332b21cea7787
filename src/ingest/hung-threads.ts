import { limits } from '../base/limits.ts';

/** What is asked of a thread. */
interface Watched {
  readonly kind: string;
  readonly index: number;
  /** Milliseconds for which its look at the timer is overdue. */
  readonly silentMs: number;
}

interface Silence {
  ms: number;
  /** Samples at which it had grown, since anything last broke it. */
  samples: number;
}

/**
 * Milliseconds by which a silence has grown at a sample that counts: some of the time between two. One that looks at its timer as often as
 * we sample seems a little more silent each time too, when we come a little later each time; and a sample may come soon after a late one.
 */
const growthMs = limits.load.sampleMs / 4;

/**
 * Finds threads that do nothing any more, not even look at their timers, and will not recover. Time is counted in our own
 * samples, not by the clock: when the whole process, or the machine, has stood still, nobody is to blame.
 */
export class HungThreads {
  /** By kind and index. */
  readonly #silences = new Map<string, Silence>();

  /** To be called every `limits.load.sampleMs`. Returns the threads that hang, each once until it moves again. */
  sample<T extends Watched>(threads: readonly T[]): T[] {
    return threads.filter(({ kind, index, silentMs: ms }) => {
      const key = `${kind} ${index}`;
      const before = this.#silences.get(key);
      // One that has looked at its timer in between, however late, is only slow.
      if (before === undefined || ms < before.ms) {
        this.#silences.set(key, { ms, samples: 0 });
        return false;
      }
      const grown = ms - before.ms >= growthMs;
      before.ms = ms;
      if (grown) before.samples++;
      return grown && before.samples === limits.load.hungSamples;
    });
  }
}
