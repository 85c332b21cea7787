import { getEnvironmentData, setEnvironmentData } from 'node:worker_threads';

const key = 'starts of ingest workers';
const countWord = 0;
const failWord = 1;
const slowWord = 2;
const slowMsWord = 3;

/** Counts the ingest workers that this process starts from now on, from `faint-ingest.ts`, and lets some of them fail or take long. */
export class WorkerStarts {
  readonly #words = new Int32Array(new SharedArrayBuffer(16));

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

  /** The next ones, so many, do nothing for some time before they start. */
  slow(count: number, ms: number): void {
    Atomics.store(this.#words, slowMsWord, ms);
    Atomics.store(this.#words, slowWord, count);
  }
}

/** In a worker that starts: counts it, waits if it is to be slow, and throws if it has to fail. */
export function countStart(): void {
  const words = getEnvironmentData(key) as unknown as Int32Array;
  Atomics.add(words, countWord, 1);
  if (Atomics.sub(words, slowWord, 1) > 0)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Atomics.load(words, slowMsWord));
  if (Atomics.sub(words, failWord, 1) > 0) throw new Error('a failure at the start that a test asked for');
}
