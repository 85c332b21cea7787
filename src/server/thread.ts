import { type MessagePort, Worker } from 'node:worker_threads';
import { StartError } from '../config/errors.ts';
import { youngHeapMb } from '../control/thread-entry.ts';

/** Milliseconds before a failed thread is started again, and before one is that goes on failing while it starts. */
const shortestPauseMs = 200;
const longestPauseMs = 2000;

/** How long to wait before a failed thread is started again: longer and longer, so that a fault at its start cannot spin. */
export class RestartPause {
  #ms = shortestPauseMs;

  /** Milliseconds of the next pause. */
  next(): number {
    const ms = this.#ms;
    this.#ms = Math.min(2 * ms, longestPauseMs);
    return ms;
  }

  /** A thread has started. */
  reset(): void {
    this.#ms = shortestPauseMs;
  }
}

/** Milliseconds a thread was busy and idle since it started. */
export interface ThreadTime {
  readonly active: number;
  readonly idle: number;
}

/** The same of whatever thread a consumer has: each starts again at zero. */
export interface ConsumerTime extends ThreadTime {
  /** Becomes more whenever a thread is started or fails. */
  readonly lives: number;
}

/** Of a thread that there is not. */
export const noTime: ThreadTime = { active: 0, idle: 0 };

/** A worker thread with typed messages, and a promise of its end. One that the system has no thread for has ended at once. */
export class Thread<In, Out> {
  readonly #worker: Worker | null;
  /** Resolves when the thread has ended, with the error that ended it or null. */
  readonly ended: Promise<Error | null>;

  constructor(entry: URL, workerData: object, onMessage: (message: Out) => void) {
    let worker: Worker;
    try {
      worker = new Worker(entry, { workerData, resourceLimits: { maxYoungGenerationSizeMb: youngHeapMb } });
    } catch (error) {
      this.#worker = null;
      this.ended = Promise.resolve(asError(error));
      return;
    }
    this.#worker = worker;
    worker.on('message', onMessage);
    let failure: Error | null = null;
    worker.on('error', (error) => {
      failure = asError(error);
    });
    this.ended = new Promise((resolve) => {
      worker.on('exit', () => resolve(failure));
    });
  }

  /** Zeros before and after its life. */
  get time(): ThreadTime {
    return this.#worker?.performance.eventLoopUtilization() ?? noTime;
  }

  send(message: In, transfer: readonly MessagePort[] = []): void {
    if (this.#worker !== null) this.#worker.postMessage(message, transfer);
    else for (const port of transfer) port.close();
  }

  async terminate(): Promise<void> {
    await this.#worker?.terminate();
  }
}

/** For the end of a thread that should be starting: throws {@link StartError}. */
export function failIfEnded(name: string): (failure: Error | null) => never {
  return (failure) => {
    throw new StartError(`the ${name} thread ended while it started: ${failure?.message ?? 'no reason given'}`);
  };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
