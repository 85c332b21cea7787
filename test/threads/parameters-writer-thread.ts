/** Replaces the parameters at full speed until it is terminated: n bytes of value n & 255. */
import { workerData } from 'node:worker_threads';
import { RingWriter } from '../../src/shm/ring-writer.ts';

const { ring } = workerData as { ring: SharedArrayBuffer };
const writer = new RingWriter(ring);
const source = Buffer.alloc(4096);
writer.startStream();
for (let n = 1; ; n = (n % 4000) + 1) {
  source.fill(n & 255, 0, n);
  writer.writeSequenceHeader(source.subarray(0, n), 0, 0);
  for (let i = (n * 7919) % 60_000; i > 0; i--); // leaves the reader a chance, of any length
}
