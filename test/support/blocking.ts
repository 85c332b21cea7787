import { BroadcastChannel } from 'node:worker_threads';

/** What threads of a name are to do until the flag is 1. */
interface Order {
  readonly what: 'stand still' | 'work';
  readonly flag: Int32Array;
}

/** Milliseconds of work between two looks at sockets and timers. */
const workMs = 5;

/** In a thread: does what {@link blockWorkers} and {@link occupyWorkers} of this name say. */
export function obeyBlocking(name: string): void {
  const channel = new BroadcastChannel(`block ${name}`);
  channel.onmessage = ({ data }) => {
    const { what, flag } = data as Order;
    if (what === 'stand still') Atomics.wait(flag, 0, 0);
    else work(flag);
  };
  channel.unref();
}

/** Lets all threads of a name in this process stand still, sockets and timers and all, until the function that is returned is called. */
export function blockWorkers(name: string): () => void {
  return order(name, 'stand still');
}

/** Lets all threads of a name in this process work all the time, beside what they have to do, until the function that is returned is called. */
export function occupyWorkers(name: string): () => void {
  return order(name, 'work');
}

function order(name: string, what: Order['what']): () => void {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const channel = new BroadcastChannel(`block ${name}`);
  channel.postMessage({ what, flag } satisfies Order);
  channel.close();
  return () => {
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  };
}

function work(flag: Int32Array): void {
  if (Atomics.load(flag, 0) !== 0) return;
  const endMs = performance.now() + workMs;
  while (performance.now() < endMs);
  setImmediate(() => work(flag));
}
