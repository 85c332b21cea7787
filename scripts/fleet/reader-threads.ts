/**
 * All readers of a fleet. The first of them are in a thread that takes every frame at once and can tell its latency. The others,
 * where there are many, are in one that takes several frames at a time: it checks each frame just as well, for less.
 */
import { AskedThread } from './asked-thread.ts';
import type { ReadersFigures, ReadersOptions } from './camera-readers.ts';
import type { ReaderCommand } from './reader-thread.ts';

/** Readers that take every frame at once, where nothing else is asked for; more of them cost a core for some 1000. */
export const promptReaders = 100;
/** Milliseconds between two looks at the sockets of the others: some three frames. */
const restMs = 100;

type Thread = AskedThread<ReaderCommand, ReadersFigures>;

/** Seen from the main thread as one. */
export class ReaderThreads {
  readonly #threads: readonly Thread[];

  /** The first `prompt` readers take every frame at once. */
  constructor(options: ReadersOptions, prompt: number) {
    this.#threads = partsOf(options, prompt).map((part) => new AskedThread('reader-thread.ts', part));
  }

  /** Rejects when a thread fails or does not answer in `ms`. */
  async figures(ms: number): Promise<ReadersFigures> {
    const parts = await Promise.all(this.#threads.map((thread) => thread.ask('figures', ms)));
    return {
      cameras: parts.flatMap(({ cameras }) => cameras),
      latency: parts[0]!.latency,
      cpuSeconds: parts.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    };
  }

  /** From now on latency is measured. */
  measure(): void {
    for (const thread of this.#threads) thread.tell('measure');
  }

  async stop(ms: number): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.stop('stop', ms)));
  }
}

/** What each thread is started with; one is enough for few cameras, and where nobody asks for latency it is as good. */
export function partsOf(options: ReadersOptions, prompt: number): ReadersOptions[] {
  const { cameras } = options;
  if (cameras.length <= prompt || !options.measureLatency) return [options];
  return [
    { ...options, cameras: cameras.slice(0, prompt) },
    { ...options, cameras: cameras.slice(prompt), firstCamera: prompt, restMs, measureLatency: false },
  ];
}
