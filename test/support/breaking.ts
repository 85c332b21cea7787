import { BroadcastChannel } from 'node:worker_threads';

/** `throw`: the thread ends with an error. `hang`: it does nothing any more, not even end. */
type Break = 'throw' | 'hang';

/** In a thread: does what {@link breakWorkers} says to threads of this name. */
export function obeyBreaking(name: string): void {
  const channel = new BroadcastChannel(`break ${name}`);
  channel.onmessage = ({ data }: { data: Break }) => {
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
