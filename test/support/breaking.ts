import { BroadcastChannel } from 'node:worker_threads';

/**
 * `throw`: the thread ends with an error. `hang`: it does nothing any more, not even end. `block`: it does nothing for a
 * second. `step`, `step back`: the wall clock goes forward or back by an hour, as this thread sees it.
 */
type Break = 'throw' | 'hang' | 'block' | 'step' | 'step back';

/** In a thread: does what {@link breakWorkers} says to threads of this name. */
export function obeyBreaking(name: string): void {
  const channel = new BroadcastChannel(`break ${name}`);
  channel.onmessage = ({ data }: { data: Break }) => {
    if (data === 'block') {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
      return;
    }
    if (data === 'step' || data === 'step back') {
      const { now } = Date;
      Date.now = () => now() + (data === 'step' ? 3_600_000 : -3_600_000);
      return;
    }
    while (data === 'hang');
    throw new Error('broken by a test');
  };
  channel.unref();
}

/** Breaks all threads of a name in this process. */
export function breakWorkers(name: string, how: Break): void {
  const channel = new BroadcastChannel(`break ${name}`);
  channel.postMessage(how);
  channel.close();
}
