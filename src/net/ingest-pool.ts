import type { Socket } from 'node:net';
import type { MessagePort } from 'node:worker_threads';
import { FixedQueue, Piscina } from 'piscina';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { percent } from '../base/percent.ts';
import type { AcceptorBoot, IngestLine, IngestResult, IngestTask } from '../control/messages.ts';
import { youngHeapMb } from '../control/thread-entry.ts';
import { HungThreads } from '../ingest/hung-threads.ts';
import { Overload } from '../ingest/overload.ts';
import { type WorkerCandidate, WorkerChoice } from '../ingest/worker-choice.ts';
import { type ThreadLoad, WorkerLoads } from '../shm/worker-load.ts';

/** More tasks than one worker can ever be given, so that the balancer alone decides. */
const tasksPerWorker = 65_536;

/** Megabytes. Connections need little heap; a worker that passes this has gone wrong and is replaced. */
const workerHeapMb = 512;

type LoadBalancer = NonNullable<NonNullable<ConstructorParameters<typeof Piscina>[0]>['loadBalancer']>;
type PoolWorker = Parameters<LoadBalancer>[1][number];

/** What a worker can be asked for: exports of `workers/ingest.ts`. */
const serveTask = 'serve';
const endTask = 'end';
/** What no worker is asked for: it starts one. */
const startTask = 'start';

/** Tasks that wait for a worker. One that only starts a worker does not. */
class WaitingTasks extends FixedQueue {
  override push(task: Parameters<FixedQueue['push']>[0]): void {
    if ((task as { readonly name?: string }).name !== startTask) super.push(task);
  }
}

/** Who hears of the workers. */
export interface IngestPoolOwner {
  /** A worker has started; `port` is for main. */
  onLine(port: MessagePort): void;
  /** A worker died. */
  onFailed(): void;
}

interface Candidate extends WorkerCandidate {
  readonly worker: PoolWorker;
}

/**
 * The pool of ingest workers. A publisher's connection is one task; it goes to the worker with the least to do
 * ({@link WorkerChoice}). Whether there is room for further publishers follows from the load of all threads ({@link Overload}).
 */
export class IngestPool {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #loads: WorkerLoads;
  readonly #choice: WorkerChoice;
  readonly #overload = new Overload();
  readonly #hung = new HungThreads();
  readonly #pool: Piscina<IngestTask | null, IngestResult | undefined>;
  /** By line of the load table: the worker that it belongs to, or belonged to. */
  readonly #workers: (PoolWorker | undefined)[] = [];
  /** By line: the worker came much too late when it was last looked at. */
  readonly #late: boolean[];
  /** Thread ids of the workers when they were last looked at. */
  #threadIds: ReadonlySet<number>;
  /** Thread ids of the workers that can serve: one that takes long to start, as on a busy machine, is neither late nor does it hang. */
  readonly #begun = new Set<number>();
  /** How many there shall be. */
  readonly #count: number;
  #closing = false;
  /** It was told that the system has no thread for a worker. */
  #lacking = false;
  /** Thread ids of the workers that were asked to end. */
  readonly #asked = new Set<number>();

  constructor(boot: AcceptorBoot, clock: Clock, logger: Logger, owner: IngestPoolOwner) {
    this.#clock = clock;
    this.#logger = logger;
    this.#loads = new WorkerLoads(boot.ingest.loads);
    // An acceptor that failed has left its workers in the table and took them with it.
    this.#loads.keep(new Set());
    this.#loads.overloaded = false;
    this.#loads.acceptorSweptMs = clock.nowMs();
    this.#choice = new WorkerChoice(boot.ingestWorkers);
    this.#late = Array<boolean>(boot.ingestWorkers).fill(false);
    this.#pool = new Piscina({
      filename: boot.ingestEntry,
      name: serveTask,
      workerData: boot.ingest,
      minThreads: boot.ingestWorkers,
      maxThreads: boot.ingestWorkers,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: tasksPerWorker,
      maxQueue: Number.POSITIVE_INFINITY,
      taskQueue: new WaitingTasks(),
      loadBalancer: ({ name }, workers) => {
        if (name === startTask) return null;
        return name === endTask ? this.#chooseToEnd(workers) : this.#choose(workers);
      },
      // Piscina's wait on Atomics would block the thread, and with it every socket of the worker.
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMb, maxYoungGenerationSizeMb: youngHeapMb },
    });
    this.#pool.on('message', ({ threadId, port }: IngestLine) => {
      this.#begun.add(threadId);
      owner.onLine(port);
    });
    this.#pool.on('error', (error: Error) => {
      this.#logger.error({ err: error }, 'an ingest worker failed; its connections are closed and it is replaced');
    });
    // Connections are spread over the first workers from the start. Later Piscina would start some itself: where the system has no thread
    // to give, that would throw, in an event handler, or while a connection is given to it that it would keep all the same.
    this.#pool.options.minThreads = 0;
    this.#pool.options.maxThreads = 0;
    this.#count = boot.ingestWorkers;
    this.#threadIds = this.#workerIds();
    setInterval(() => {
      this.#sample();
      this.#countFailed(owner);
      if (!this.#closing) this.#refill();
    }, limits.load.sampleMs).unref();
  }

  /** The machine has no room for another publisher. */
  get overloaded(): boolean {
    return this.#overload.active;
  }

  /** Gives a connection to a worker. Resolves when it has ended; rejects when the worker died, there is none, or the socket could not move. */
  async serve(task: IngestTask, socket: Socket): Promise<void> {
    if (this.#pool.threads.length === 0) this.#refill();
    if (this.#pool.threads.length === 0) throw new Error('no ingest worker can be started');
    // Node's types do not know yet that a socket can be transferred.
    await this.#pool.run(task, { transferList: [socket] as never });
  }

  /** Resolves when all connections have ended, and the workers with them. */
  async close(): Promise<void> {
    this.#closing = true;
    // Piscina terminates all of them, with what they have logged and not written yet, as soon as one has nothing to do.
    const ends = this.#pool.threads.map(() => this.#pool.run(null, { name: endTask }).catch(() => undefined));
    // Those that are still starting cannot be asked, and have nothing to end.
    await Promise.all(ends.slice(0, this.#asked.size));
    await this.#pool.close();
  }

  /** Starts workers that are missing. The system may have no thread for one at the moment. */
  #refill(): void {
    const { options, threads } = this.#pool;
    options.maxThreads = this.#count;
    try {
      // For a task that it finds no worker for Piscina starts one, if there may be more of them.
      for (let missing = this.#count - threads.length; missing > 0; missing--)
        this.#pool.run(null, { name: startTask }).catch(() => undefined);
      this.#lacking = false;
    } catch (error) {
      if (!this.#lacking)
        this.#logger.error({ err: error }, 'an ingest worker cannot be started; it is tried until it can');
      this.#lacking = true;
    } finally {
      options.maxThreads = 0;
    }
  }

  // ---- the choice ------------------------------------------------------------------------------------------------------

  #choose(workers: readonly PoolWorker[]): PoolWorker | null {
    const candidates: Candidate[] = [];
    for (const worker of workers) {
      const index = this.#indexOf(worker);
      if (index < 0) continue;
      const full = this.#late[index]! || this.#overload.isFull('ingest', index);
      candidates.push({ index, connections: worker.currentUsage, full, worker });
    }
    return this.#choice.choose(candidates, this.#clock.nowMs())?.worker ?? null;
  }

  /** Each once. */
  #chooseToEnd(workers: readonly PoolWorker[]): PoolWorker | null {
    const worker = workers.find(({ id }) => !this.#asked.has(id));
    if (worker === undefined) return null;
    this.#asked.add(worker.id);
    return worker;
  }

  /** The worker's line of the load table; one that is new gets one. -1 for a thread that has ended. */
  #indexOf(worker: PoolWorker): number {
    if (worker.id < 0) return -1;
    const known = this.#loads.indexOf(worker.id);
    if (known >= 0) return known;
    this.#loads.keep(this.#workerIds());
    const index = this.#loads.assign(worker.id);
    if (index >= 0) {
      this.#workers[index] = worker;
      this.#choice.reset(index);
      this.#late[index] = false;
    }
    return index;
  }

  // ---- the load --------------------------------------------------------------------------------------------------------

  #workerIds(): Set<number> {
    return new Set(this.#pool.threads.map(({ threadId }) => threadId));
  }

  /** The pool tells of a worker that died only if that had no connection; none is ended otherwise before the pool is. */
  #countFailed(owner: IngestPoolOwner): void {
    const ids = this.#workerIds();
    for (const id of this.#threadIds) {
      if (ids.has(id)) continue;
      this.#begun.delete(id);
      if (!this.#closing) owner.onFailed();
    }
    this.#threadIds = ids;
  }

  #sample(): void {
    const nowMs = this.#clock.nowMs();
    this.#loads.acceptorSweptMs = nowMs;
    // The line of a worker that died would look like one that is late, and keep everybody out.
    this.#loads.keep(this.#workerIds());
    for (const [index, worker] of this.#workers.entries())
      if (worker !== undefined && this.#loads.indexOf(worker.id) === index)
        this.#loads.setServing(index, worker.currentUsage > 0 && this.#begun.has(worker.id), nowMs);
    const loads = this.#loads.read(nowMs);
    for (const { kind, index, bitsPerSecond, loopDelayMs } of loads) {
      if (kind !== 'ingest') continue;
      this.#choice.measured(index, bitsPerSecond, nowMs);
      this.#late[index] = loopDelayMs >= limits.overload.fullDelayMs;
    }
    for (const { kind, index } of this.#hung.sample(loads)) if (kind === 'ingest') this.#end(index);
    if (!this.#overload.sample(loads, nowMs)) return;
    const overloaded = this.#overload.active;
    this.#loads.overloaded = overloaded;
    if (overloaded) {
      const full = loads.filter(({ kind, index }) => this.#overload.isFull(kind, index)).map(describe);
      const reason = 'overloaded';
      this.#logger.warn(
        { reason, threads: full },
        `new publishers are refused until the load falls: ${full.join('; ')}`,
      );
    } else this.#logger.warn({}, 'there is room for new publishers again');
  }

  /** The worker hangs. Its end is a failure, and the pool starts another one. */
  #end(index: number): void {
    const worker = this.#pool.threads.find(({ threadId }) => this.#loads.indexOf(threadId) === index);
    const text = 'an ingest worker hangs; its connections are closed and it is replaced';
    this.#logger.error({ reason: 'worker_failed', tid: worker?.threadId }, text);
    void worker?.terminate();
  }
}

/** One thread in the words of the log: `consumer 0: busy 100 %, 312 ms late, 480 Mbit/s, 100 connections`. */
function describe({ kind, index, busy, loopDelayMs, bitsPerSecond, connections }: ThreadLoad): string {
  const figures = [
    `busy ${percent(busy)}`,
    `${Math.round(loopDelayMs)} ms late`,
    `${Math.round(bitsPerSecond / 1e6)} Mbit/s`,
    `${connections} connections`,
  ];
  return `${kind === 'ingest' ? 'ingest worker' : 'consumer'} ${index}: ${figures.join(', ')}`;
}
