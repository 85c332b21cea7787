/**
 * Thread of readers. With `restMs` it sleeps that long between two looks at its sockets once all of them play: then a socket
 * has several frames, and one read takes them all, which costs a fraction of a read for each. Answers every 'figures' with the figures; 'measure' forgets latencies so far; 'stop' ends it.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { CameraReaders, type ReadersOptions } from './camera-readers.ts';

/** What the thread is told. */
export type ReaderCommand = 'figures' | 'measure' | 'stop';

const options = workerData as ReadersOptions;
const readers = new CameraReaders(options);
const { restMs = 0 } = options;
/** Milliseconds until the next look at whether all play. */
const unsettledMs = 200;
/** Nobody wakes it: waiting for it is sleeping. */
const pillow = new Int32Array(new SharedArrayBuffer(4));
let stopped = false;

parentPort!.on('message', (command: ReaderCommand) => {
  if (command === 'figures') parentPort!.postMessage(readers.figures());
  else if (command === 'measure') readers.measure();
  else {
    stopped = true;
    readers.stop();
    parentPort!.close();
  }
});
readers.start();
if (restMs > 0) rest();

function rest(): void {
  if (stopped) return;
  if (readers.settled) {
    Atomics.wait(pillow, 0, 0, restMs);
    setImmediate(rest);
  } else setTimeout(rest, unsettledMs);
}
