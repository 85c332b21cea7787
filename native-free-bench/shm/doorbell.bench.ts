/**
 * The doorbell: what a ring costs while the consumer is awake, what drain costs, and how long it takes from a ring in
 * another thread until the sleeping consumer runs, beside a bare MessagePort message from the same thread.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Bench } from 'tinybench';
import { Doorbell } from '../../src/shm/doorbell.ts';

const cameras = 1000;
const wakes = 4000;
/** Operations per clock reading. */
const times = 1000;

/** What the ringing thread is given. */
interface RingerData {
  readonly bell: SharedArrayBuffer;
  /** [0]: monotonic microseconds of the newest ring. */
  readonly at: Float64Array;
  /** [0]: wakes that the consumer has seen, [1]: 1 for messages instead of rings. */
  readonly seen: Int32Array;
}

interface Row {
  readonly name: string;
  readonly ns: number | null;
  readonly p50Us: number | null;
  readonly p99Us: number | null;
  readonly maxUs: number | null;
}

function nowUs(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

if (isMainThread) await main();
else await ringAll(workerData as RingerData);

async function main(): Promise<void> {
  const rows = [...(await awake()), await latency(false), await latency(true)];
  if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
  else console.table(rows);
}

async function awake(): Promise<Row[]> {
  const memory = Doorbell.create(cameras);
  const bell = new Doorbell(memory);
  const into = new Int32Array(cameras);
  const bench = new Bench({ name: 'doorbell', time: 300, warmupTime: 100 });
  bench.add('ring, consumer awake', () => {
    for (let i = 0; i < times; i++) bell.ring(i % cameras);
  });
  bench.add('drain, nothing dirty', () => {
    for (let i = 0; i < times; i++) bell.drain(into);
  });
  bench.add('ring 30 cameras and drain', () => {
    for (let i = 0; i < times; i++) {
      for (let camera = 0; camera < 30; camera++) bell.ring(camera * 33);
      bell.drain(into);
    }
  });
  await bench.run();
  return bench.tasks.map((task) => {
    const ns = task.result.state === 'completed' ? (task.result.latency.p50 * 1e6) / times : Number.NaN;
    return { name: task.name, ns: Math.round(ns * 10) / 10, p50Us: null, p99Us: null, maxUs: null };
  });
}

/** One ring at a time, to a consumer that sleeps in its event loop. */
async function latency(messages: boolean): Promise<Row> {
  const memory = Doorbell.create(cameras);
  const bell = new Doorbell(memory);
  const at = new Float64Array(new SharedArrayBuffer(64));
  const seen = new Int32Array(new SharedArrayBuffer(64));
  seen[1] = messages ? 1 : 0;
  const worker = new Worker(new URL(import.meta.url), { workerData: { bell: memory, at, seen } satisfies RingerData });
  await once(worker, 'online');
  const into = new Int32Array(cameras);
  const samples: number[] = [];
  const took = (): void => {
    samples.push(nowUs() - at[0]!);
    Atomics.add(seen, 0, 1);
    Atomics.notify(seen, 0);
  };
  if (messages) {
    await new Promise<void>((resolve) => {
      worker.on('message', () => {
        took();
        if (samples.length === wakes) resolve();
      });
    });
  } else {
    while (samples.length < wakes) {
      await bell.sleep();
      if (bell.drain(into) > 0) took();
    }
  }
  await worker.terminate();
  const sorted = samples.slice(wakes / 10).sort((a, b) => a - b);
  const quantile = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)]!);
  return {
    name: messages ? 'wake-up by a MessagePort message' : 'wake-up by the doorbell',
    ns: null,
    p50Us: quantile(0.5),
    p99Us: quantile(0.99),
    maxUs: quantile(1),
  };
}

async function ringAll({ bell, at, seen }: RingerData): Promise<void> {
  const doorbell = new Doorbell(bell);
  const nap = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < wakes; i++) {
    // Long enough for the consumer to go back to sleep in epoll.
    Atomics.wait(nap, 0, 0, 0.2);
    at[0] = nowUs();
    if (seen[1] === 1) parentPort!.postMessage(0);
    else doorbell.ring(i % cameras);
    while (Atomics.load(seen, 0) === i) Atomics.wait(seen, 0, i, 1000);
  }
}
