import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Timeline } from '../../src/ingest/timeline.ts';
import { recordKind } from '../../src/shm/frame-ring.ts';
import {
  annexB,
  avcc,
  delimiter,
  headerTag,
  idr,
  intraSlice,
  laterSlice,
  naluTag,
  PublisherRig,
  pps,
  pps1,
  prefixed,
  recoverySei,
  slice,
  sps,
  sps720,
  userSei,
} from '../unit/ingest/publisher-rig.ts';

const nalUnit = fc.oneof(
  fc.constantFrom(sps, sps720, pps, pps1, delimiter, userSei, recoverySei(0), recoverySei(9), Buffer.alloc(0)),
  fc.integer({ min: 0, max: 700 }).map((length) => slice(length)),
  fc.integer({ min: 0, max: 700 }).map((length) => idr(length)),
  fc.constantFrom(laterSlice(), laterSlice(0x65), intraSlice()),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
);
const units = fc.array(nalUnit, { maxLength: 6 });
const payload = fc.oneof(
  { weight: 5, arbitrary: units.map((list) => avcc(...list)) },
  units.map((list) => annexB(list)),
  units.map((list) => annexB(list, 3)),
  units.map((list) => prefixed(2, ...list)),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  // A start code where none should be.
  units.map((list) => avcc(Buffer.concat([slice(300), Buffer.from([0, 0, 0, 1]), ...list]))),
  // Lengths that do not fit.
  fc.tuple(units, fc.nat(40)).map(([list, cut]) => avcc(...list).subarray(0, -cut || undefined)),
);
const body = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(payload, fc.boolean(), fc.integer({ min: -9000, max: 9000 }))
      .map(([bytes, key, compositionMs]) => naluTag(bytes, { key, compositionMs })),
  },
  payload.map((bytes) => Buffer.concat([Buffer.from([0xa3]), Buffer.from('avc1'), bytes])),
  fc.constantFrom(
    headerTag([sps], [pps]),
    headerTag([sps720], [pps, pps1]),
    headerTag([], []),
    headerTag([sps], [pps], 2),
    Buffer.concat([Buffer.from([0x17, 0, 0, 0, 0]), annexB([sps, pps])]),
    Buffer.from('1702000000', 'hex'),
    Buffer.from('1c0100000055', 'hex'),
  ),
  fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
);

const action = fc.record({
  body,
  /** Milliseconds to the timestamp of the next message; 0 keeps it, the large ones are jumps. */
  step: fc.constantFrom(0, 0, 33, 40, 40, 40, 1000, -40, -2000, 60_000, 0x7fffffff),
  elapsed: fc.constantFrom(0, 10, 40, 60, 500),
  cuts: fc.array(fc.nat(200), { maxLength: 6 }),
  /** How the message ends; some are aborted, some flushed over. */
  end: fc.constantFrom('end', 'end', 'end', 'end', 'abort', 'flush'),
  metadata: fc.boolean(),
});
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

/** Plays a stream; `cutting` delivers bodies in pieces, else they come whole. */
function play(actions: readonly Action[], cutting: boolean): PublisherRig {
  const rig = new PublisherRig();
  let timestampMs = 0;
  for (const { body, step, elapsed, cuts, end, metadata } of actions) {
    if (metadata) rig.publisher.metadata(new Map<string, unknown>([['width', elapsed]]), rig.nowMs);
    if (end === 'abort') {
      rig.publisher.begin(timestampMs, body.length + 10, rig.nowMs);
      rig.publisher.append(Buffer.from(body), 0, body.length);
      rig.publisher.abort();
    } else rig.send(timestampMs, body, cutting ? cuts : []);
    if (end === 'flush') rig.publisher.flush(rig.nowMs + 100);
    timestampMs = (timestampMs + step) >>> 0;
    rig.nowMs += elapsed;
  }
  rig.publisher.stop();
  return rig;
}

const stream = fc.tuple(fc.boolean(), fc.array(action, { maxLength: 25 })).map(([withHeader, actions]): Action[] => {
  const first: Action = { body: headerTag([sps], [pps]), step: 0, elapsed: 0, cuts: [], end: 'end', metadata: false };
  return withHeader ? [first, ...actions] : actions;
});

test('whatever comes, records are well formed, in order, and the stream ends', () => {
  fc.assert(
    fc.property(stream, (actions) => {
      const rig = play(actions, true);
      let last = -1;
      for (const record of rig.video) {
        assert.ok(record.dtsMs > last, 'time stands still or goes back');
        last = record.dtsMs;
        assert.ok(Math.abs(record.ptsOffsetMs) <= 5000);
        let slices = 0;
        let at = 0;
        while (at < record.payload.length) {
          const length = record.payload.readUInt32BE(at);
          at += 4 + length;
          const type = length > 0 ? record.payload[at - length]! & 31 : 0;
          if (type >= 1 && type <= 5) slices++;
        }
        assert.equal(at, record.payload.length, 'lengths do not add up');
        assert.ok(slices > 0, 'a record without a picture');
      }
      assert.equal(rig.records.at(-1)?.kind, recordKind.endOfStream);
      assert.equal(rig.counters.frames, rig.video.length);
      assert.ok(rig.publisher.deadlineMs === Number.POSITIVE_INFINITY);
    }),
    { numRuns: 400 },
  );
});

test('the records do not depend on how the messages are cut', () => {
  fc.assert(
    fc.property(stream, (actions) => {
      const [whole, cut] = [play(actions, false), play(actions, true)];
      assert.deepEqual(cut.records, whole.records);
      assert.deepEqual(cut.events, whole.events);
      assert.deepEqual(cut.counters, whole.counters);
    }),
    { numRuns: 300 },
  );
});

test('T: any timestamps become strictly increasing whole milliseconds, and stay near the time of arrival after jumps', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.oneof(fc.nat(0xffffffff), fc.nat(3000)), fc.nat(2000)), { maxLength: 60 }),
      fc.nat(0xffffffff),
      (pairs, first) => {
        const timeline = new Timeline();
        let arrivalMs = 0.25;
        let last = timeline.next(first, arrivalMs);
        assert.equal(last, 0);
        for (const [timestampMs, elapsed] of pairs) {
          arrivalMs += elapsed;
          const dtsMs = timeline.next(timestampMs, arrivalMs);
          assert.ok(Number.isInteger(dtsMs) && dtsMs > last);
          assert.ok(dtsMs - last <= Math.max(10_000, elapsed + 10_001));
          last = dtsMs;
        }
      },
    ),
    { numRuns: 2000 },
  );
});
