import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRing, entryFlags, recordFlag, recordKind } from '../../src/shm/frame-ring.ts';
import { descriptorNumber, descriptorWord, RingMemory, writerWord } from '../../src/shm/layout.ts';
import { ReaderSlot, RingReader } from '../../src/shm/ring-reader.ts';
import { RingWriter } from '../../src/shm/ring-writer.ts';

const frames = 7; // does not divide 2^32
const maximumBytes = 2000;
const hardMaximumBytes = 4000;

/** What the ring must give back. */
interface ModelRecord {
  readonly kind: number;
  readonly flags: number;
  readonly generation: number;
  readonly dtsMs: number;
  readonly payload: Buffer;
}

/** An operation: what, how much, and which reader or slot or flag. */
type Operation = readonly [name: keyof Rig['operations'], amount: number, which: number];

/** The ring, and beside it a list of everything that was ever committed. */
class Rig {
  readonly first: number;
  readonly gopCache: boolean;
  readonly ring: SharedArrayBuffer;
  readonly memory: RingMemory;
  writer: RingWriter;
  readonly readers: RingReader[];
  /** Per reader: video records committed before it joined, and received since. */
  readonly joined = [0, 0];
  readonly received = [0, 0];
  readonly slots: (ReaderSlot | null)[] = [null, null];
  readonly slotCursors = [0, 0];
  readonly records: ModelRecord[] = [];
  generation = 0;
  open: { declared: number; bytes: Buffer } | null = null;
  waiting: Buffer | null = null;
  tail: number;
  #filler = 0;
  #checked = 0;

  constructor(first: number, gopCache: boolean) {
    this.first = first;
    this.gopCache = gopCache;
    const initialBytes = 1000;
    this.ring = createRing({ frames, initialBytes, maximumBytes, hardMaximumBytes, gopCache, firstSequence: first });
    this.memory = new RingMemory(this.ring);
    this.writer = new RingWriter(this.ring);
    this.readers = [new RingReader(this.ring), new RingReader(this.ring)];
    this.tail = first;
  }

  readonly operations = {
    begin: (amount: number, which: number): void => {
      if (this.open) this.operations.abandon();
      const drained = this.slots.every((slot, i) => slot === null || this.slotCursors[i] === this.head);
      this.keepingTail(() => this.writer.begin(amount, which % 2 === 1));
      if (drained && (!this.gopCache || which % 2 === 1))
        assert.equal(this.writer.recordStart, 0, 'rewound when drained');
      this.open = { declared: amount, bytes: Buffer.alloc(0) };
    },
    append: (amount: number): void => {
      if (!this.open) return;
      const count = Math.min(amount, this.open.declared - this.open.bytes.length);
      const bytes = this.bytes(count);
      this.writer.append(Buffer.concat([Buffer.from('<'), bytes, Buffer.from('>')]), 1, 1 + count);
      this.open.bytes = Buffer.concat([this.open.bytes, bytes]);
    },
    extend: (amount: number): void => {
      if (!this.open) return;
      const empty = this.open.bytes.length === 0;
      if (this.open.declared + amount > hardMaximumBytes) {
        assert.throws(() => this.writer.extend(amount), RangeError);
        return;
      }
      if (empty) this.keepingTail(() => this.writer.extend(amount));
      else this.writer.extend(amount);
      this.open.declared += amount;
    },
    truncate: (amount: number): void => {
      if (!this.open) return;
      const length = Math.min(amount, this.open.bytes.length);
      this.keepingTail(() => this.writer.truncate(length));
      this.open.bytes = this.open.bytes.subarray(0, length);
      this.open.declared = length;
    },
    commit: (_amount: number, which: number): void => {
      if (!this.open) return;
      this.operations.append(this.open.declared - this.open.bytes.length);
      this.writer.commit(which % 16, this.records.length, 0, this.records.length * 1000);
      this.record(recordKind.video, this.open.bytes, which % 16);
      this.close();
    },
    commitPrefix: (amount: number, which: number): void => {
      if (!this.open) return;
      const length = Math.min(amount, this.open.bytes.length);
      this.writer.commitPrefix(length, which % 16, this.records.length, 0, this.records.length * 1000);
      this.record(recordKind.video, this.open.bytes.subarray(0, length), which % 16);
      this.open = { declared: this.open.declared - length, bytes: this.open.bytes.subarray(length) };
    },
    abandon: (): void => {
      this.writer.abandon();
      if (this.open) this.close();
    },
    sequenceHeader: (amount: number): void => {
      const payload = this.bytes(amount % 300);
      if ((this.open?.declared ?? 0) + payload.length > hardMaximumBytes) {
        assert.throws(() => this.writer.writeSequenceHeader(payload, 0, 0), RangeError);
        return;
      }
      this.writer.writeSequenceHeader(payload, this.records.length, this.records.length * 1000);
      this.record(recordKind.sequenceHeader, payload, 0);
      const read = this.readers[0]!.readParameters();
      if (payload.length > 0) assert.deepEqual(Buffer.from(read!.payload), payload);
    },
    metadata: (amount: number): void => {
      const payload = this.bytes(amount % 300);
      this.writer.writeMetadata(payload, 0, 0);
      if (this.open) this.waiting = payload;
      else this.record(recordKind.metadata, payload, 0, 0);
    },
    start: (): void => {
      this.open = null;
      this.waiting = null;
      assert.equal(this.writer.startStream(), ++this.generation);
      assert.equal(this.readers[0]!.readParameters(), null);
    },
    end: (): void => {
      this.open = null;
      this.waiting = null;
      this.writer.endStream();
      this.record(recordKind.endOfStream, Buffer.alloc(0), 0, null);
    },
    /** The writer dies as it is, and another attaches. */
    attach: (): void => {
      this.open = null;
      this.waiting = null;
      this.keepingTail(() => {
        this.writer = new RingWriter(this.ring);
      });
    },
    slot: (_amount: number, which: number): void => {
      const at = which % 2;
      const slot = this.slots[at]!;
      if (slot === null) {
        this.slots[at] = ReaderSlot.claim(this.ring, at * 7);
        this.slotCursors[at] = this.head;
      } else if (which % 8 > 1) {
        this.slotCursors[at] = this.head;
        slot.publish(this.head);
      } else {
        slot.release();
        this.slots[at] = null;
      }
    },
    read: (amount: number, which: number): void => {
      const at = which % 2;
      const reader = this.readers[at]!;
      for (let left = amount % 9; left > 0; left--) {
        const result = reader.peek();
        if (result === -1) assert.ok(((reader.cursor - this.tail) | 0) < 0, 'overrun only behind the tail');
        if (result !== 1) return;
        const record = this.records[(reader.sequence - this.first) | 0]!;
        assert.equal(reader.kind, record.kind);
        assert.equal(reader.flags, record.flags);
        assert.equal(reader.generation, record.generation);
        if (record.kind !== recordKind.endOfStream) assert.equal(reader.dtsMs, record.dtsMs);
        assert.deepEqual(reader.buffer.subarray(reader.offset, reader.offset + reader.length), record.payload);
        assert.ok(reader.stillValid());
        if (record.kind === recordKind.video) this.received[at] = this.received[at]! + 1;
        reader.advance();
        this.checkLosses(at);
      }
    },
    skip: (_amount: number, which: number): void => {
      const at = which % 2;
      const reader = this.readers[at]!;
      const before = reader.cursor;
      const lostBefore = reader.lostVideo;
      const lost = reader.skipToNewestKeyframe();
      assert.equal(reader.lostVideo - lostBefore, lost);
      assert.ok(((reader.cursor - before) | 0) >= 0, 'never back');
      assert.ok(((reader.cursor - this.tail) | 0) >= 0, 'readable');
      this.checkLosses(at);
    },
    join: (_amount: number, which: number): void => {
      const at = which % 2;
      const reader = this.readers[at]!;
      const found = which % 4 > 1 && reader.seekNewestKeyframe();
      if (!found) reader.seekLive();
      const index = (reader.cursor - this.first) | 0;
      if (found) {
        assert.notEqual(this.records[index]!.flags & entryFlags, 0);
        assert.equal(this.records[index]!.generation, this.generation);
        assert.ok(!this.records.slice(index + 1).some((record) => (record.flags & entryFlags) !== 0), 'the newest');
      } else {
        assert.equal(index, this.records.length);
      }
      this.joined[at] = this.videoBefore(index) - reader.lostVideo;
      this.received[at] = 0;
    },
  };

  get head(): number {
    return (this.first + this.records.length) | 0;
  }

  /** Every record between tail and head is as it was committed, and the open one as it was appended. */
  check(): void {
    const { words, numbers } = this.memory;
    const tail = Atomics.load(words, writerWord.tail);
    assert.equal(Atomics.load(words, writerWord.head), this.head);
    assert.ok(((tail - this.tail) | 0) >= 0, 'the tail never goes back');
    this.tail = tail;
    const readable = (this.head - tail) | 0;
    assert.ok(readable >= 0 && readable <= frames);
    if (this.records.length > this.#checked) assert.notEqual(readable, 0, 'what was just committed can be read');
    this.#checked = this.records.length;
    const area = this.memory.payload();
    assert.ok(area.length <= hardMaximumBytes && this.writer.capacityBytes <= maximumBytes);
    for (let sequence = tail; sequence !== this.head; sequence = (sequence + 1) | 0) {
      const record = this.records[(sequence - this.first) | 0]!;
      const at = this.memory.descriptorOf(sequence);
      assert.equal(words[at + descriptorWord.sequence], sequence);
      assert.equal(words[at + descriptorWord.kind], record.kind);
      if (record.kind !== recordKind.endOfStream) assert.equal(numbers[at / 2 + descriptorNumber.dtsMs], record.dtsMs);
      const offset = words[at + descriptorWord.offset]!;
      assert.ok(area.subarray(offset, offset + words[at + descriptorWord.length]!).equals(record.payload));
    }
    assert.equal(this.writer.open, this.open !== null);
    if (this.open) {
      const { recordStart } = this.writer;
      assert.equal(this.writer.recordLength, this.open.declared);
      assert.ok(recordStart + this.open.declared <= area.length);
      assert.ok(area.subarray(recordStart, recordStart + this.open.bytes.length).equals(this.open.bytes));
    }
  }

  /** What a reader received, plus what it counts as lost, is all the video up to its cursor. */
  checkLosses(at: number): void {
    const reader = this.readers[at]!;
    const video = this.videoBefore((reader.cursor - this.first) | 0);
    assert.equal(this.received[at]! + reader.lostVideo, video - this.joined[at]!);
  }

  videoBefore(index: number): number {
    return this.records.slice(0, index).filter((record) => record.kind === recordKind.video).length;
  }

  keepingTail(change: () => void): void {
    const before = Atomics.load(this.memory.words, writerWord.tail);
    change();
    assert.equal(Atomics.load(this.memory.words, writerWord.tail), before, 'nothing is retired before bytes arrive');
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let i = 0; i < count; i++) bytes[i] = this.#filler++ % 251;
    return bytes;
  }

  record(kind: number, payload: Buffer, flags: number, dtsMs: number | null = this.records.length): void {
    this.records.push({ kind, payload, flags, dtsMs: dtsMs ?? Number.NaN, generation: this.generation });
  }

  close(): void {
    this.open = null;
    if (this.waiting) this.record(recordKind.metadata, this.waiting, 0, 0);
    this.waiting = null;
  }
}

const amount = fc.oneof(
  // A few round sizes, of which some add up to the capacity: offsets that coincide are where the mistakes hide.
  { weight: 8, arbitrary: fc.constantFrom(0, 1, 100, 200, 250, 299, 500, 750, 1000) },
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 600 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: hardMaximumBytes }) },
);
const operation: fc.Arbitrary<Operation> = fc.tuple(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant('begin' as const) },
    { weight: 6, arbitrary: fc.constant('append' as const) },
    { weight: 8, arbitrary: fc.constant('commit' as const) },
    { weight: 6, arbitrary: fc.constant('read' as const) },
    { weight: 3, arbitrary: fc.constant('slot' as const) },
    {
      weight: 10,
      arbitrary: fc.constantFrom(
        ...(['extend', 'truncate', 'commitPrefix', 'abandon', 'sequenceHeader'] as const),
        ...(['metadata', 'start', 'end', 'attach', 'skip', 'join'] as const),
      ),
    },
  ),
  amount,
  fc.nat(255),
);

test('whatever writers and readers do, the ring gives back what was committed, or says that it is lost', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(0, -5, -40, 0x7fff_fffa),
      fc.boolean(),
      fc.array(operation, { minLength: 1, maxLength: 120, size: 'max' }),
      (first, gopCache, operations) => {
        const rig = new Rig(first, gopCache);
        for (const [name, size, which] of operations) {
          rig.operations[name](size, which);
          rig.check();
        }
      },
    ),
    { numRuns: 5000, seed: 20261120, interruptAfterTimeLimit: 4000 },
  );
});

test('the newest group of pictures stays readable while it fits in half of the maximum', () => {
  const picture = fc.tuple(fc.integer({ min: 1, max: 120 }), fc.boolean());
  fc.assert(
    fc.property(fc.array(picture, { minLength: 1, maxLength: 100 }), (pictures) => {
      const ring = createRing({ frames: 50, initialBytes: 500, maximumBytes, hardMaximumBytes, gopCache: true });
      const writer = new RingWriter(ring);
      const slot = ReaderSlot.claim(ring, 0);
      writer.startStream();
      let group = 0;
      let groupBytes = 0;
      for (const [i, [size, drained]] of pictures.entries()) {
        const keyframe = group === 0 || group === 12 || groupBytes + size > maximumBytes / 2;
        const bytes = Buffer.alloc(size, i);
        writer.begin(size, keyframe);
        writer.append(bytes, 0, size);
        writer.commit(keyframe ? recordFlag.keyframe : 0, i * 40, 0, i * 40_000);
        group = keyframe ? 1 : group + 1;
        groupBytes = keyframe ? size : groupBytes + size;
        const joining = new RingReader(ring);
        assert.ok(joining.seekNewestKeyframe());
        assert.equal(joining.lag, group);
        if (drained) slot.publish(joining.cursor + group);
      }
    }),
    { numRuns: 300, seed: 20261120, interruptAfterTimeLimit: 2000 },
  );
});
