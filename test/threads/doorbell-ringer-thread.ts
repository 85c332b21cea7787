/** Rings random cameras in bursts and, after each burst, waits until the consumer has seen all of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { Doorbell } from '../../src/shm/doorbell.ts';
import { seededRandom } from './ring-pattern.ts';

/** What a ringer thread is given. */
export interface RingerData {
  readonly bell: SharedArrayBuffer;
  /** Per camera: how often it was rung. */
  readonly posted: Int32Array;
  /** Per camera: how many of those the consumer has seen. */
  readonly seen: Int32Array;
  readonly rings: number;
  readonly seed: number;
  /** Cameras of this ringer: `firstCamera` and the `cameras` - 1 after it. */
  readonly firstCamera: number;
  readonly cameras: number;
}

const data = workerData as RingerData;
const bell = new Doorbell(data.bell);
const random = seededRandom(data.seed);
let lost = 0;
let left = data.rings;
while (left > 0 && lost === 0) {
  let camera = data.firstCamera;
  for (let burst = Math.min(left, 1 + Math.floor(random() * 80)); burst > 0; burst--, left--) {
    camera = data.firstCamera + Math.floor(random() * data.cameras);
    Atomics.add(data.posted, camera, 1);
    bell.ring(camera);
    // Now and then give the consumer the time to fall asleep in the middle of a burst.
    if (random() < 0.05) for (let i = random() * 3000; i > 0; i--);
  }
  for (let other = data.firstCamera; other < data.firstCamera + data.cameras; other++) {
    for (;;) {
      const seen = Atomics.load(data.seen, other);
      if (seen === data.posted[other]) break;
      if (Atomics.wait(data.seen, other, seen, 3000) === 'timed-out') {
        lost++;
        break;
      }
    }
  }
}
parentPort?.postMessage(lost);
