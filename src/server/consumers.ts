import type { MessagePort } from 'node:worker_threads';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { ConsumerBoot, ConsumerToMain, MainToConsumer, ReaderInfo } from '../control/messages.ts';
import { HungThreads } from '../ingest/hung-threads.ts';
import type { ThreadLoad } from '../shm/worker-load.ts';
import { type ConsumerTime, failIfEnded, noTime, RestartPause, Thread } from './thread.ts';

/** What {@link Consumers} need of the server. */
export interface ConsumersOwner {
  readonly entry: URL;
  readonly logger: Logger;
  /** What the consumer with this index starts with now. */
  boot(index: number): ConsumerBoot;
  /** The consumer is ready for readers, for the first time or anew. */
  onReady(index: number): void;
  /** How busy the threads are. */
  load(): readonly ThreadLoad[];
}

type ConsumerThread = Thread<MainToConsumer, ConsumerToMain>;

/** Keeps all consumers running from {@link start} to {@link stop}. */
export class Consumers {
  readonly #owner: ConsumersOwner;
  readonly #threads: (ConsumerThread | null)[];
  readonly #pauses: readonly RestartPause[];
  /** Indexes of those that have said that they are ready. */
  readonly #ready = new Set<number>();
  /** How often each was started, and failed. */
  readonly #lives: number[];
  readonly #questions = new Map<number, (readers: readonly ReaderInfo[]) => void>();
  readonly #hung = new HungThreads();
  #watch: NodeJS.Timeout | null = null;
  #asked = 0;
  #running = false;
  /** What {@link times} said when they were stopped; null before. */
  #lastTimes: ConsumerTime[] | null = null;
  /** Those that failed so far. */
  failures = 0;

  constructor(count: number, owner: ConsumersOwner) {
    this.#owner = owner;
    this.#threads = Array<ConsumerThread | null>(count).fill(null);
    this.#pauses = Array.from({ length: count }, () => new RestartPause());
    this.#lives = Array<number>(count).fill(0);
  }

  /** How long each was busy and idle so far. Those that were stopped go on having been: the last streams are told of after them. */
  get times(): ConsumerTime[] {
    if (this.#lastTimes !== null) return this.#lastTimes;
    return this.#threads.map((thread, index) => {
      const { active, idle } = thread?.time ?? noTime;
      return { active, idle, lives: this.#lives[index]! };
    });
  }

  /** Resolves when all are ready; throws `StartError` if one is not. */
  async start(): Promise<void> {
    await Promise.all(this.#threads.map((_, index) => this.#start(index)));
    this.#running = true;
    this.#watch = setInterval(() => this.#endHung(), limits.load.sampleMs).unref();
    // One that failed meanwhile.
    for (const [index, thread] of this.#threads.entries()) if (thread === null) this.#replace(index);
  }

  /** Indexes of those that serve readers. */
  get ready(): number[] {
    return [...this.#threads.keys()].filter((index) => this.#ready.has(index));
  }

  send(index: number, message: MainToConsumer, transfer?: MessagePort[]): void {
    this.#threads[index]?.send(message, transfer);
  }

  broadcast(message: MainToConsumer): void {
    for (const thread of this.#threads) thread?.send(message);
  }

  /** Who reads. `complete` is false if a consumer did not answer within `timeoutMs`. */
  async readers(timeoutMs: number): Promise<{ readers: readonly ReaderInfo[]; complete: boolean }> {
    const requests: number[] = [];
    const expired = Promise.withResolvers<null>();
    const timer = setTimeout(() => expired.resolve(null), timeoutMs);
    const answers = await Promise.all(
      this.ready.map((index) => {
        const request = ++this.#asked;
        requests.push(request);
        const answer = Promise.withResolvers<readonly ReaderInfo[]>();
        this.#questions.set(request, answer.resolve);
        this.send(index, { type: 'list_readers', request });
        return Promise.race([answer.promise, expired.promise]);
      }),
    );
    clearTimeout(timer);
    for (const request of requests) this.#questions.delete(request);
    const complete = answers.length === this.#threads.length && !answers.includes(null);
    return { readers: answers.flatMap((readers) => readers ?? []), complete };
  }

  /** Farewells. Resolves when all threads have ended. */
  async stop(): Promise<void> {
    this.#endWatch();
    this.broadcast({ type: 'stop' });
    await Promise.all(this.#threads.map((thread) => thread?.ended));
  }

  async terminate(): Promise<void> {
    this.#endWatch();
    await Promise.all(this.#threads.map((thread) => thread?.terminate()));
  }

  #endWatch(): void {
    if (this.#running) this.#lastTimes = this.times;
    this.#running = false;
    if (this.#watch !== null) clearInterval(this.#watch);
    this.#watch = null;
  }

  /** The end of one that hangs is a failure like any other. */
  #endHung(): void {
    for (const { kind, index } of this.#hung.sample(this.#owner.load())) {
      // What one that has ended left in the table is silent too.
      if (kind !== 'consumer' || !this.#ready.has(index)) continue;
      this.#owner.logger.error({ consumer: index }, 'a consumer hangs; it is ended');
      void this.#threads[index]?.terminate();
    }
  }

  async #start(index: number): Promise<void> {
    const { promise: ready, resolve } = Promise.withResolvers<void>();
    const thread: ConsumerThread = new Thread(this.#owner.entry, this.#owner.boot(index), (message) => {
      if (message.type === 'ready') resolve();
      else if (message.type === 'readers') this.#questions.get(message.request)?.(message.readers);
    });
    this.#threads[index] = thread;
    this.#lives[index]!++;
    void thread.ended.then((failure) => this.#onEnded(index, failure));
    await Promise.race([ready, thread.ended.then(failIfEnded('consumer'))]);
    this.#pauses[index]!.reset();
    this.#ready.add(index);
    this.#owner.onReady(index);
  }

  #onEnded(index: number, failure: Error | null): void {
    this.#threads[index] = null;
    this.#ready.delete(index);
    if (!this.#running) return;
    this.failures++;
    this.#lives[index]!++;
    const message = 'a consumer failed; its readers are cut off and it is replaced';
    this.#owner.logger.error({ err: failure, consumer: index }, message);
    this.#replace(index);
  }

  #replace(index: number): void {
    setTimeout(() => {
      // If it fails, its end brings us here again.
      if (this.#running) this.#start(index).catch(() => undefined);
    }, this.#pauses[index]!.next());
  }
}
