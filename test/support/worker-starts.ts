import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const key = 'starts of ingest workers';
const countWord = 0;
const failWord = 1;

/** Counts the ingest workers that this process starts from now on, from `faint-ingest.ts`, and lets some of them fail. */
export class WorkerStarts {
  readonly #words = new Int32Array(new SharedArrayBuffer(8));

  constructor() {
    setEnvironmentData(key, this.#words as never);
  }

  get count(): number {
    return Atomics.load(this.#words, countWord);
  }

  /** The next ones, so many, fail while they start. */
  set failing(count: number) {
    Atomics.store(this.#words, failWord, count);
  }
}

/** In a worker that starts: counts it, and throws if it has to fail. */
export function countStart(): void {
  const words = getEnvironmentData(key) as unknown as Int32Array;
  Atomics.add(words, countWord, 1);
  if (Atomics.sub(words, failWord, 1) > 0) throw new Error('a failure at the start that a test asked for');
}
