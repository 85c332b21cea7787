/** Verifies every record that the ring lets through, until a stream ends in order; reports once. */
import { parentPort, workerData } from 'node:worker_threads';
import { recordKind } from '../../src/shm/frame-ring.ts';
import { ReaderSlot, RingReader } from '../../src/shm/ring-reader.ts';
import { checkRecord, type ReaderReport } from './ring-pattern.ts';

const data = workerData as { ring: SharedArrayBuffer; slot: number; lazy: boolean };
const nap = new Int32Array(new SharedArrayBuffer(4));
const slot = ReaderSlot.claim(data.ring, data.slot);
const reader = new RingReader(data.ring);
parentPort?.postMessage('ready');

let received = 0;
let overruns = 0;
let tornCaught = 0;
let problem = '';
let ended = false;
const generations = new Set<number>();

while (!ended && problem === '') {
  const loaded = reader.peek();
  if (loaded === 0) {
    slot.publish(reader.cursor);
    Atomics.wait(nap, 0, 0, 0.05);
  } else if (loaded === -1) {
    overruns++;
    reader.skipToNewestKeyframe();
  } else {
    verify();
  }
}
slot.release();
const report: ReaderReport = {
  received,
  lost: reader.lostVideo,
  overruns,
  tornCaught,
  generations: generations.size,
  problem,
};
parentPort?.postMessage(report);

function verify(): void {
  if (reader.kind === recordKind.video) {
    const number = checkRecord(reader.buffer, reader.offset, reader.length);
    if (!reader.stillValid()) {
      if (number === -1) tornCaught++;
      overruns++;
      reader.skipToNewestKeyframe();
      return;
    }
    if (number === -1) problem = `torn record ${reader.sequence} was accepted`;
    else if (number !== received + reader.lostVideo)
      problem = `record ${number} after ${received} received and ${reader.lostVideo} lost`;
    else if (reader.dtsMs !== number || reader.arrivalUs !== number * 1000) problem = `wrong times at ${number}`;
    received++;
  } else {
    const wellFormed = uniform();
    if (!reader.stillValid()) {
      overruns++;
      reader.skipToNewestKeyframe();
      return;
    }
    if (!wellFormed) problem = `torn record of kind ${reader.kind} was accepted`;
    const parameters = reader.readParameters();
    if (parameters?.payload.some((value) => value !== parameters.payload[0])) problem = 'torn parameters were accepted';
    ended = reader.kind === recordKind.endOfStream;
  }
  generations.add(reader.generation);
  reader.advance();
  if (!data.lazy || received % 16 === 0) slot.publish(reader.cursor);
}

/** Sequence headers and metadata of the test are 512 times the same byte. */
function uniform(): boolean {
  const buffer = reader.buffer;
  if (reader.kind === recordKind.endOfStream) return reader.length === 0;
  if (reader.length !== 512) return false;
  for (let i = 1; i < 512; i++) if (buffer[reader.offset + i] !== buffer[reader.offset]) return false;
  return true;
}
