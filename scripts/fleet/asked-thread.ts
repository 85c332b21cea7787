/** A thread that answers questions one after another. */
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** `Command` is what it is told, `Answer` what it says to those that ask. */
export class AskedThread<Command, Answer> {
  readonly #worker: Worker;
  readonly #waiting: ((answer: Answer) => void)[] = [];
  #failure: Error | null = null;
  #ended = false;

  /** `file` lies beside this one. */
  constructor(file: string, data: unknown) {
    this.#worker = new Worker(join(import.meta.dirname, file), { workerData: data });
    this.#worker.on('message', (answer: Answer) => this.#waiting.shift()?.(answer));
    this.#worker.on('error', (error) => {
      this.#failure = error as Error;
    });
    this.#worker.on('exit', () => {
      this.#ended = true;
    });
  }

  tell(command: Command): void {
    this.#worker.postMessage(command);
  }

  /** Rejects when the thread fails or does not answer in `ms`. */
  async ask(command: Command, ms: number): Promise<Answer> {
    if (this.#ended) throw new Error(`a thread of the fleet has ended (${this.#failure?.message ?? 'by itself'})`);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push(resolve);
    this.#worker.once('error', reject);
    const timer = setTimeout(() => reject(new Error('a thread of the fleet does not answer')), ms);
    this.#worker.postMessage(command);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#worker.off('error', reject);
    }
  }

  /** Tells it to end and waits, at most `ms`. */
  async stop(command: Command, ms: number): Promise<void> {
    if (this.#ended) return;
    const gone = once(this.#worker, 'exit');
    this.tell(command);
    const timer = setTimeout(() => void this.#worker.terminate(), ms);
    await gone;
    clearTimeout(timer);
  }
}
