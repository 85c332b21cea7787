import { Worker } from 'node:worker_threads';
import { youngHeapMb } from '../control/thread-entry.ts';

/** A worker thread with typed messages, and a promise of its end. */
export class Thread<In, Out> {
  readonly #worker: Worker;
  /** Resolves when the thread has ended, with the error that ended it or null. */
  readonly ended: Promise<Error | null>;

  constructor(entry: URL, workerData: object, onMessage: (message: Out) => void) {
    this.#worker = new Worker(entry, { workerData, resourceLimits: { maxYoungGenerationSizeMb: youngHeapMb } });
    this.#worker.on('message', onMessage);
    let failure: Error | null = null;
    this.#worker.on('error', (error) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    this.ended = new Promise((resolve) => {
      this.#worker.on('exit', () => resolve(failure));
    });
  }

  /** Milliseconds that the thread was busy and idle since it started; zeros before and after its life. */
  get time(): { readonly active: number; readonly idle: number } {
    return this.#worker.performance.eventLoopUtilization();
  }

  send(message: In, transfer: Parameters<Worker['postMessage']>[1] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }
}
