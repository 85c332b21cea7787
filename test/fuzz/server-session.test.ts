import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runSession } from '../golden/run.ts';
import { sessionVectors } from '../golden/session-vectors.ts';
import { amf, body, bytes, handshake, message, u32 } from '../golden/wire.ts';

const cuts = fc.array(fc.nat(), { maxLength: 8 });
const cutAt = (length: number, places: number[]): number[] =>
  [...new Set(places.map((place) => place % (length + 1)))].sort((a, b) => a - b);

/** The runner fails by itself when video messages interleave or bodies are not complete. */
function check(input: Buffer, places: number[]): void {
  const whole = runSession(input, [], 'later');
  const split = runSession(input, cutAt(input.length, places), 'later');
  assert.deepEqual(split, whole);
  assert.deepEqual(runSession(input, cutAt(input.length, places), 'at once'), whole);
}

const argument = fc.constantFrom(
  amf.null,
  amf.undefined,
  amf.number(1),
  amf.number(2),
  amf.number(Number.NaN),
  amf.boolean(false),
  amf.string(''),
  amf.string('cam1'),
  amf.string('1'),
  amf.string('../x'),
  amf.string('a?b=c'),
  amf.object({ app: amf.string('live') }),
  amf.ecmaArray({ app: amf.number(3), tcUrl: amf.null }),
  amf.strictArray(amf.string('live'), amf.number(0)),
  Buffer.from([4]),
  Buffer.from([0x11, 0x0a, 0x0b, 1, 1]),
  Buffer.from([2, 0, 9, 97]),
);
const name = fc.constantFrom(
  ...['connect', 'releaseStream', 'FCPublish', 'createStream', 'publish', 'FCUnpublish', 'closeStream', 'deleteStream'],
  ...['_checkbw', 'getStreamLength', 'FCSubscribe', 'onStatus', 'pause', 'anything', ''],
);
const stream = fc.constantFrom(0, 1, 2, 7);
const csid = fc.constantFrom(2, 3, 4, 6, 8, 64);
const command = fc
  .tuple(
    name,
    fc.constantFrom(0, 1, 2, -1),
    fc.array(argument, { maxLength: 4 }),
    csid,
    stream,
    fc.constantFrom(17, 20),
  )
  .map(([command, transaction, values, id, streamId, type]) =>
    message(id, type, streamId, 0, bytes(amf.string(command), amf.number(transaction), ...values)),
  );
const media = fc
  .tuple(csid, fc.constantFrom(0, 8, 9, 15, 16, 18, 22, 99), stream, fc.nat({ max: 0xffffffff }), fc.nat({ max: 400 }))
  .map(([id, type, streamId, time, length]) => message(id, type, streamId, time, body(length, length)));
const control = fc
  .tuple(
    fc.constantFrom(2, 5),
    fc.integer({ min: 1, max: 7 }),
    fc.constantFrom(0, 1, 6, 4, 128, 200, 0xffffffff),
    fc.nat({ max: 6 }),
  )
  .map(([id, type, value, length]) => message(id, type, 0, 0, bytes(u32(value), [1, 2]).subarray(0, length)));
const half = fc
  .tuple(media, fc.nat({ max: 300 }))
  .map(([bytesOfMessage, length]) => bytesOfMessage.subarray(0, 12 + Math.min(128, length)));

const start = bytes(
  handshake(),
  message(3, 20, 0, 0, bytes(amf.string('connect'), amf.number(1), amf.object({ app: amf.string('live') }))),
);
const live = bytes(
  start,
  message(3, 20, 1, 0, bytes(amf.string('publish'), amf.number(0), amf.null, amf.string('cam1'))),
);

test('S1 to S6: any dialogue means the same however it is cut, and breaks no promise', () => {
  const parts = fc.array(fc.oneof({ weight: 4, arbitrary: command }, { weight: 4, arbitrary: media }, control, half), {
    maxLength: 15,
  });
  fc.assert(
    fc.property(fc.constantFrom(handshake(), start, live), parts, cuts, (opening, messages, places) => {
      check(bytes(opening, ...messages), places);
    }),
    { numRuns: 1500 },
  );
});

test('N1: vectors with bytes changed, left out or doubled end in a declared error or in none', () => {
  const dialogues = sessionVectors.map((vector) => vector.bytes!);
  const change = fc.tuple(
    fc.nat(),
    fc.integer({ min: 0, max: 255 }),
    fc.constantFrom('set', 'insert', 'remove', 'repeat'),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...dialogues),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      cuts,
      (original, changes, places) => {
        let input = original;
        for (const [place, byte, kind] of changes) {
          const at = 3073 < input.length ? 3073 + (place % (input.length - 3073)) : place % input.length;
          const before = input.subarray(0, at);
          if (kind === 'set') input = bytes(before, [byte], input.subarray(at + 1));
          else if (kind === 'insert') input = bytes(before, [byte], input.subarray(at));
          else if (kind === 'remove') input = bytes(before, input.subarray(at + 1 + (byte & 7)));
          else input = bytes(before, input.subarray(Math.max(0, at - byte), at), input.subarray(at));
        }
        check(input, places);
      },
    ),
    { numRuns: 1500 },
  );
});
