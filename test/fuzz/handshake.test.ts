import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConnectionError } from '../../src/base/errors.ts';
import { ServerHandshake } from '../../src/rtmp/handshake.ts';

const declared = ['bad_version', 'rtmpe_unsupported', 'not_rtmp_tls', 'not_rtmp_http', 'not_rtmp_proxy', 'not_rtmp'];

/** Error code, or how far it came and what it answered. */
function run(input: Buffer, cuts: number[]): string {
  const output: Buffer[] = [];
  const handshake = new ServerHandshake(
    (into) => into.fill(0x33),
    (bytes) => output.push(Buffer.from(bytes)),
  );
  let from = 0;
  let consumed = 0;
  try {
    for (const to of [...cuts, input.length]) {
      if (handshake.done) break;
      consumed = handshake.receive(input, from, to);
      if (!handshake.done) assert.equal(consumed, to, 'stopped before the end for no reason');
      from = consumed;
    }
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    assert.ok(declared.includes(error.code), error.code);
    assert.equal(output.length, 0, 'answered and then refused');
    return error.code;
  }
  if (handshake.done) assert.equal(consumed, 3073);
  return `${handshake.done} ${Buffer.concat(output).toString('base64')}`;
}

const cuts = (length: number, places: number[]): number[] =>
  [...new Set(places.map((place) => place % (length + 1)))].sort((a, b) => a - b);

test('H1, H5: any first bytes give the same answer or error however they are cut', () => {
  const opening = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .tuple(fc.constantFrom('GET', 'POST', 'PROXY', 'OPTIONS', '\r\n\r\n', '\x03'), fc.string({ maxLength: 20 }))
      .map((parts) => Buffer.from(parts.join(''), 'latin1')),
  );
  fc.assert(
    fc.property(opening, fc.array(fc.nat(), { maxLength: 6 }), (bytes, places) => {
      const input = Buffer.from(bytes);
      assert.equal(run(input, cuts(input.length, places)), run(input, []));
    }),
    { numRuns: 5000 },
  );
});

test('H1 to H4: any C1 and C2 give the same answer however they are cut', () => {
  const hello = fc.tuple(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.integer({ min: 1, max: 3200 }),
  );
  fc.assert(
    fc.property(hello, fc.array(fc.nat(), { maxLength: 6 }), ([version, pattern, length], places) => {
      const input = Buffer.alloc(length, Buffer.from(pattern));
      input[0] = 3;
      Buffer.from(version).copy(input, 5);
      assert.equal(run(input, cuts(input.length, places)), run(input, []));
    }),
    { numRuns: 300 },
  );
});
