/** Thread of the readers. Answers every 'figures' with the figures; 'measure' forgets latencies so far; 'stop' ends it. */
import { parentPort, workerData } from 'node:worker_threads';
import { CameraReaders, type ReadersOptions } from './camera-readers.ts';

/** What the thread is told. */
export type ReaderCommand = 'figures' | 'measure' | 'stop';

const readers = new CameraReaders(workerData as ReadersOptions);

parentPort!.on('message', (command: ReaderCommand) => {
  if (command === 'figures') parentPort!.postMessage(readers.figures());
  else if (command === 'measure') readers.measure();
  else {
    readers.stop();
    parentPort!.close();
  }
});
readers.start();
