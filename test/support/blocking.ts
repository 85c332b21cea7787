import { BroadcastChannel } from 'node:worker_threads';

/** In a thread: stands still, sockets and timers and all, for as long as {@link blockWorkers} of this name says. */
export function obeyBlocking(name: string): void {
  const channel = new BroadcastChannel(`block ${name}`);
  channel.onmessage = ({ data }) => {
    Atomics.wait(data as Int32Array, 0, 0);
  };
  channel.unref();
}

/** Blocks all threads of a name in this process until the function that is returned is called. */
export function blockWorkers(name: string): () => void {
  const flag = new Int32Array(new SharedArrayBuffer(4));
  const channel = new BroadcastChannel(`block ${name}`);
  channel.postMessage(flag);
  channel.close();
  return () => {
    Atomics.store(flag, 0, 1);
    Atomics.notify(flag, 0);
  };
}
