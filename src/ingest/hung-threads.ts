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
  /** Samples on end in which nothing has broken it. */
  samples: number;
}

/**
 * Milliseconds by which a silence grows at least from one sample to the next if nothing breaks it: some of the time between them. One that
 * looks at its timer as often as we sample seems a little more silent each time too, when we come a little later each time.
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
      const samples = before !== undefined && ms - before.ms >= growthMs ? before.samples + 1 : 0;
      this.#silences.set(key, { ms, samples });
      return samples === limits.load.hungSamples;
    });
  }
}
