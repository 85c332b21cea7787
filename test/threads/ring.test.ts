import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { recordFlag, recordKind } from '../../src/shm/frame-ring.ts';
import { RingMemory, videoCountWord, writerWord } from '../../src/shm/layout.ts';
import { ReaderSlot, RingReader } from '../../src/shm/ring-reader.ts';
import { RingWriter } from '../../src/shm/ring-writer.ts';
import {
  checkRecord,
  fillRecord,
  type ReaderReport,
  type RingThreadData,
  seededRandom,
  tightRing,
} from './ring-pattern.ts';

const largest = 12_000;

function newGate(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(64));
}

function openGate(gate: Int32Array): void {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
}

function startWriter(data: Partial<RingThreadData> & Pick<RingThreadData, 'ring' | 'gate' | 'records'>): Worker {
  return new Worker(new URL('./ring-writer-thread.ts', import.meta.url), {
    workerData: { seed: 1, largest, first: 0, dieAt: -1, ...data },
  });
}

/** Resolves, once the reader's cursor stands, with a promise of its report. */
async function startReader(
  ring: SharedArrayBuffer,
  slot: number,
  lazy = false,
): Promise<{ report: Promise<ReaderReport> }> {
  const worker = new Worker(new URL('./ring-reader-thread.ts', import.meta.url), { workerData: { ring, slot, lazy } });
  await once(worker, 'message');
  return { report: once(worker, 'message').then(([report]) => report as ReaderReport) };
}

/** Video records that were committed to the ring so far. */
function committed(ring: SharedArrayBuffer): number {
  const { words } = new RingMemory(ring);
  return Atomics.load(words, videoCountWord(Atomics.load(words, writerWord.head)));
}

describe('one writing and several reading threads', () => {
  for (const gopCache of [false, true]) {
    test(`no torn record is accepted and every record is received or counted as lost, GOP cache ${gopCache}`, async (t) => {
      const ring = tightRing(gopCache);
      const gate = newGate();
      const readers = [await startReader(ring, 0), await startReader(ring, 1, true)];
      const records = 60_000;
      const writer = startWriter({ ring, gate, records });
      openGate(gate);
      await once(writer, 'exit');
      for (const { report } of readers) {
        const seen = await report;
        t.diagnostic(JSON.stringify(seen));
        assert.equal(seen.problem, '');
        assert.equal(seen.received + seen.lost, records);
        assert.ok(seen.received > 0);
        assert.equal(seen.generations, 1);
      }
    });
  }

  test('a reader that keeps up loses nothing', async () => {
    const ring = tightRing();
    const slot = ReaderSlot.claim(ring, 0);
    const reader = await startReader(ring, 1);
    const writer = new RingWriter(ring);
    writer.startStream();
    slot.release();
    const source = Buffer.alloc(largest);
    const random = seededRandom(7);
    const nap = newGate();
    for (let number = 0; number < 5000; number++) {
      const length = 12 + Math.floor(random() * (largest - 12));
      fillRecord(source, number, length);
      writer.begin(length);
      writer.append(source, 0, length);
      writer.commit(0, number, 0, number * 1000);
      while (writer.depth > 3) Atomics.wait(nap, 0, 0, 0.05);
    }
    writer.endStream();
    const seen = await reader.report;
    assert.equal(seen.problem, '');
    assert.equal(seen.received, 5000);
    assert.equal(seen.lost, 0);
  });
});

describe('death of a writer thread', () => {
  test('terminated in mid-frame, its half record is never seen and the next thread goes on', async () => {
    const ring = tightRing();
    const reader = await startReader(ring, 0);
    let first = 0;
    for (let round = 0; round < 4; round++) {
      const gate = newGate();
      openGate(gate);
      const writer = startWriter({ ring, gate, first, seed: round, records: 5000, dieAt: 1000 + round });
      const dead = Atomics.waitAsync(gate, 1, 0);
      if (dead.async) await dead.value;
      await writer.terminate();
      first = committed(ring);
    }
    const gate = newGate();
    openGate(gate);
    await once(startWriter({ ring, gate, first, records: 500 }), 'exit');
    const seen = await reader.report;
    assert.equal(seen.problem, '');
    assert.equal(seen.received + seen.lost, first + 500);
    assert.ok(first >= 4000);
  });

  test('terminated anywhere at full speed, the ring stays whole', async (t) => {
    const ring = tightRing();
    const reader = await startReader(ring, 0);
    const random = seededRandom(3);
    let first = 0;
    for (let round = 0; round < 8; round++) {
      const gate = newGate();
      const writer = startWriter({ ring, gate, first, seed: round, records: 2 ** 30 });
      await once(writer, 'online');
      openGate(gate);
      const goal = first + Math.floor(random() * 2000);
      while (committed(ring) <= goal) await new Promise((resolve) => setImmediate(resolve));
      await writer.terminate();
      first = committed(ring);
    }
    const gate = newGate();
    openGate(gate);
    await once(startWriter({ ring, gate, first, records: 500 }), 'exit');
    const seen = await reader.report;
    t.diagnostic(JSON.stringify(seen));
    assert.equal(seen.problem, '');
    assert.equal(seen.received + seen.lost, first + 500);
  });
});

test('death of a reader thread: its slot can be released, or claimed by the thread that replaces it', async () => {
  const ring = tightRing();
  const worker = new Worker(new URL('./ring-reader-thread.ts', import.meta.url), {
    workerData: { ring, slot: 4, lazy: false },
  });
  await once(worker, 'message');
  await worker.terminate();
  const writer = new RingWriter(ring);
  writer.startStream();
  for (let i = 0; i < 3; i++) writer.writeMetadata(Buffer.alloc(512), 0, 0);
  assert.equal(writer.depth, 3);
  writer.begin(100);
  assert.notEqual(writer.recordStart, 0, 'the dead reader holds the rewind up, nothing else');
  writer.abandon();
  const replacement = await startReader(ring, 4);
  assert.equal(writer.depth, 0);
  writer.endStream();
  assert.equal((await replacement.report).problem, '');
});

test('a ring that one thread grows is read in another', async () => {
  const ring = tightRing();
  ReaderSlot.claim(ring, 0);
  const reader = new RingReader(ring);
  const before = ring.byteLength;
  const gate = newGate();
  openGate(gate);
  // Sizes up to 800 kB in an area of 64 KiB.
  await once(startWriter({ ring, gate, records: 6, largest: 800_000, seed: 4 }), 'exit');
  assert.ok(ring.byteLength > before, 'the other thread grew it');
  if (reader.peek() === -1) reader.skipToNewestKeyframe();
  let largestSeen = 0;
  while (reader.peek() === 1) {
    if (reader.kind === recordKind.video) {
      const number = checkRecord(reader.buffer, reader.offset, reader.length);
      assert.ok(reader.stillValid());
      assert.notEqual(number, -1);
      largestSeen = Math.max(largestSeen, reader.length);
    }
    reader.advance();
  }
  const main = new RingWriter(ring);
  const source = Buffer.alloc(900_000, 1);
  main.begin(source.length);
  main.append(source, 0, source.length);
  main.commit(recordFlag.keyframe, 0, 0, 0);
  assert.equal(reader.peek(), 1);
  assert.equal(reader.buffer[reader.offset + reader.length - 1], 1);
});

test('parameters that one thread replaces at full speed are never read torn', async (t) => {
  const ring = tightRing();
  const reader = new RingReader(ring);
  const worker = new Worker(new URL('./parameters-writer-thread.ts', import.meta.url), { workerData: { ring } });
  const versions = new Set<number>();
  try {
    while (reader.readParameters() === null) await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 30_000; i++) {
      const parameters = reader.readParameters();
      if (parameters === null) continue; // unsteady for longer than the reader tries
      const { payload, version } = parameters;
      versions.add(version);
      const torn = payload.findIndex((value) => value !== (payload.length & 255));
      assert.equal(torn, -1, `version ${version}, ${payload.length} bytes`);
    }
  } finally {
    await worker.terminate();
  }
  t.diagnostic(`${versions.size} versions read`);
  assert.ok(versions.size > 10);
});
