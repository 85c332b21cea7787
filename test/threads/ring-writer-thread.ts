/** Writes numbered records at full speed, in every way the writer knows; never waits for a reader. */
import { parentPort, workerData } from 'node:worker_threads';
import { recordFlag } from '../../src/shm/frame-ring.ts';
import { RingWriter } from '../../src/shm/ring-writer.ts';
import { fillRecord, type RingThreadData, seededRandom, smallest } from './ring-pattern.ts';

const data = workerData as RingThreadData;
const random = seededRandom(data.seed);
const scratch = Buffer.alloc(2 * data.largest);
const parameters = Buffer.alloc(512);

Atomics.wait(data.gate, 0, 0);
const writer = new RingWriter(data.ring);
writer.startStream();
let number = data.first;
const end = data.first + data.records;
while (number < end) {
  if (number - data.first === data.dieAt) dieInMidFrame();
  writeOne();
}
writer.endStream();
parentPort?.postMessage('done');

function size(): number {
  return smallest + Math.floor(random() * (data.largest - smallest));
}

function appendPieces(length: number): void {
  for (let at = 0; at < length; ) {
    const piece = Math.min(length - at, 1 + Math.floor(random() * 8192));
    writer.append(scratch, at, at + piece);
    at += piece;
  }
}

function writeOne(): void {
  const length = size();
  const kind = random();
  const flags = number % 10 === 0 ? recordFlag.keyframe : 0;
  fillRecord(scratch, number, length);
  if (kind < 0.02) {
    writer.begin(length);
    writer.append(scratch, 0, length >> 1);
    writer.abandon();
    return;
  }
  if (kind < 0.04) {
    parameters.fill(number & 255);
    writer.writeSequenceHeader(parameters, number, 0);
  } else if (kind < 0.06 && number + 1 < end) {
    // Two records that arrive as one; the canary at the end of the first is right in front of the second.
    const second = size();
    writer.begin(length + second);
    appendPieces(length);
    fillRecord(scratch, number + 1, second);
    appendPieces(second);
    writer.commitPrefix(length, flags, number, 0, number * 1000);
    number++;
    writer.commit(number % 10 === 0 ? recordFlag.keyframe : 0, number, 0, number * 1000);
    number++;
    return;
  } else if (kind < 0.08) {
    writer.begin(length >> 1);
    writer.append(scratch, 0, length >> 1);
    writer.writeSequenceHeader(parameters, number, 0);
    writer.extend(length - (length >> 1));
    writer.append(scratch, length >> 1, length);
    writer.writeMetadata(parameters, number, 0);
    writer.commit(flags, number, 0, number * 1000);
    number++;
    return;
  }
  writer.begin(length, flags !== 0);
  appendPieces(length);
  writer.commit(flags, number, 0, number * 1000);
  number++;
}

function dieInMidFrame(): void {
  const length = data.largest;
  scratch.fill(0xee);
  writer.begin(length);
  writer.append(scratch, 0, length >> 1);
  Atomics.store(data.gate, 1, 1);
  Atomics.notify(data.gate, 1);
  for (;;) Atomics.wait(data.gate, 2, 0);
}
