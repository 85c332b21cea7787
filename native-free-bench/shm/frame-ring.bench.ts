/**
 * The frame ring with records of 19 kB (a frame of 4.6 Mbit/s at 30 fps) that arrive in chunks of 4096 bytes: written and
 * read in one thread, and from thread to thread, beside the bare copy of the same bytes. Also what it leaves on the heap
 * for each record, and the resident memory of 1000 rings.
 */
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Bench } from 'tinybench';
import { createRing, recordFlag } from '../../src/shm/frame-ring.ts';
import { ReaderSlot, RingReader } from '../../src/shm/ring-reader.ts';
import { RingWriter } from '../../src/shm/ring-writer.ts';

const MiB = 1024 * 1024;
const recordBytes = 19_000;
const chunkBytes = 4096;
/** Records per operation: the clock is read once for all of them. */
const records = 16;
const source = Buffer.alloc(recordBytes, 0x55);

interface Row {
  readonly name: string;
  readonly nsPerRecord: number;
  readonly gigabytesPerSecond: number;
  readonly heapBytesPerRecord: number | null;
  readonly note: string;
}

/** What the writing thread of the second part is given. */
interface WriterData {
  readonly ring: SharedArrayBuffer;
  readonly records: number;
  /** The writer pauses while more records than this wait for the reader; 0: never. */
  readonly window: number;
}

function newRing(gopCache = false): SharedArrayBuffer {
  return createRing({
    frames: 300,
    initialBytes: MiB,
    maximumBytes: 8 * MiB,
    hardMaximumBytes: 24 * MiB,
    gopCache,
  });
}

let written = 0;
function write(writer: RingWriter): void {
  const keyframe = written % 60 === 0;
  writer.begin(recordBytes, keyframe);
  for (let at = 0; at < recordBytes; at += chunkBytes) {
    writer.append(source, at, Math.min(at + chunkBytes, recordBytes));
  }
  writer.commit(keyframe ? recordFlag.keyframe : 0, written * 33, 0, written * 33_333);
  written++;
}

let sum = 0;
/** Looks at a byte of each page, as a reader that copies would; returns the records read. */
function readAll(reader: RingReader, slot: ReaderSlot): number {
  let count = 0;
  for (;;) {
    const loaded = reader.peek();
    if (loaded === 0) return count;
    if (loaded === 1) {
      const { buffer, offset, length } = reader;
      for (let at = 0; at < length; at += 4096) sum += buffer[offset + at]!;
      if (reader.stillValid()) {
        count++;
        reader.advance();
        slot.publish(reader.cursor);
        continue;
      }
    }
    reader.skipToNewestKeyframe();
  }
}

if (isMainThread) await main();
else await writeAll(workerData as WriterData);

async function main(): Promise<void> {
  const rows = [...(await oneThread()), await twoThreads(40), await twoThreads(0), resident()];
  if (process.argv.includes('--json')) console.log(JSON.stringify(rows));
  else console.table(rows);
  if (sum === 0) throw new Error('nothing was read');
}

async function oneThread(): Promise<Row[]> {
  const bench = new Bench({ name: 'frame ring', time: 500, warmupTime: 200 });
  const operations = new Map<string, () => void>();
  const target = Buffer.from(new SharedArrayBuffer(records * recordBytes));
  operations.set('bare copy in chunks', () => {
    for (let i = 0; i < records; i++)
      for (let at = 0; at < recordBytes; at += chunkBytes)
        source.copy(target, i * recordBytes + at, at, Math.min(at + chunkBytes, recordBytes));
  });
  for (const gopCache of [false, true]) {
    const ring = newRing(gopCache);
    const writer = new RingWriter(ring);
    const reader = new RingReader(ring);
    const slot = ReaderSlot.claim(ring, 0);
    writer.startStream();
    operations.set(gopCache ? 'write and read, GOP cache' : 'write and read, drained', () => {
      for (let i = 0; i < records; i++) {
        write(writer);
        readAll(reader, slot);
      }
    });
  }
  const ring = newRing();
  const writer = new RingWriter(ring);
  ReaderSlot.claim(ring, 0);
  writer.startStream();
  operations.set('write only, the reader hangs', () => {
    for (let i = 0; i < records; i++) write(writer);
  });
  for (const [name, operation] of operations) bench.add(name, operation);
  await bench.run();
  return bench.tasks.map((task) => {
    const ns = task.result.state === 'completed' ? (task.result.latency.p50 * 1e6) / records : Number.NaN;
    const heap = heapPerRecord(operations.get(task.name)!);
    return row(task.name, ns, heap, heap < 20 ? 'at most one boxed time' : 'ALLOCATES');
  });
}

/**
 * Bytes that the heap grows by for each record: the least of several rounds, so that other work does not count. 16 bytes are
 * one number beyond 32 bits, the arrival time, boxed by V8 for a call to `commit` that it did not inline.
 */
function heapPerRecord(operation: () => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 6; round++) {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < 1000; i++) operation();
    const grown = (process.memoryUsage().heapUsed - before) / (1000 * records);
    if (grown >= 0 && grown < least) least = grown;
  }
  return Math.round(least * 100) / 100;
}

/** Another thread writes, this one reads. */
async function twoThreads(window: number): Promise<Row> {
  const count = 150_000;
  const ring = newRing();
  const slot = ReaderSlot.claim(ring, 0);
  const reader = new RingReader(ring);
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { ring, records: count, window } satisfies WriterData,
  });
  await once(worker, 'message');
  const start = performance.now();
  worker.postMessage('go');
  let received = 0;
  while (received + reader.lostVideo < count) {
    received += readAll(reader, slot);
  }
  const ns = ((performance.now() - start) * 1e6) / count;
  await worker.terminate();
  const name = window === 0 ? 'thread to thread, writer never pauses' : `thread to thread, ${window} records in flight`;
  return row(name, ns, null, `${received} received, ${reader.lostVideo} lost`);
}

/** The writing thread of `twoThreads`. */
async function writeAll(data: WriterData): Promise<void> {
  const warm = new RingWriter(newRing());
  for (let i = 0; i < 5000; i++) write(warm);
  const writer = new RingWriter(data.ring);
  parentPort!.postMessage('ready');
  await once(parentPort!, 'message');
  const nap = new Int32Array(new SharedArrayBuffer(4));
  written = 0;
  while (written < data.records) {
    while (data.window > 0 && writer.depth >= data.window) Atomics.wait(nap, 0, 0, 0.02);
    write(writer);
  }
  writer.endStream();
  setInterval(() => {}, 1000); // the reader ends this thread
}

/** 1000 rings, and then the first frames of 1000 live streams in them. */
function resident(): Row {
  const before = process.memoryUsage.rss();
  const rings = Array.from({ length: 1000 }, () => newRing());
  const created = process.memoryUsage.rss();
  const writers = rings.map((ring) => new RingWriter(ring));
  const slots = rings.map((ring) => ReaderSlot.claim(ring, 0));
  for (let i = 0; i < 400; i++) {
    for (const [camera, writer] of writers.entries()) {
      write(writer);
      slots[camera]!.publish(i + 1);
    }
  }
  const live = process.memoryUsage.rss();
  const each = (bytes: number): string => `${Math.round(bytes / rings.length / 1024)} KiB`;
  return {
    name: 'resident memory a ring, of 1000 rings',
    nsPerRecord: 0,
    gigabytesPerSecond: 0,
    heapBytesPerRecord: null,
    note: `${each(created - before)} created, ${each(live - before)} after 400 records each, drained`,
  };
}

function row(name: string, ns: number, heapBytesPerRecord: number | null, note: string): Row {
  return {
    name,
    nsPerRecord: Math.round(ns),
    gigabytesPerSecond: Math.round((recordBytes / ns) * 10) / 10,
    heapBytesPerRecord,
    note,
  };
}
