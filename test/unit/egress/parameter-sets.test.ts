import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encode } from '@msgpack/msgpack';
import { decodeParameterSets } from '../../../src/egress/parameter-sets.ts';
import { lengthPrefixed } from '../../support/h264-depacketizer.ts';
import { pps, sps } from '../../support/test-stream.ts';

describe('parameter sets of a record', () => {
  test('every SPS goes before every PPS, in their order', () => {
    const payload = encode({ codec: 'h264', sps: [sps(1), sps(2)], pps: [pps(1), pps(2)], fps: 25 });
    const sets = decodeParameterSets(payload, 7)!;
    assert.deepEqual(sets.units, lengthPrefixed([sps(1), sps(2), pps(1), pps(2)]));
    assert.equal(sets.version, 7);
    assert.equal(sets.fps, 25);
  });

  test('bytes that are no such record give null, whatever they are', () => {
    const whole = encode({ codec: 'h264', sps: [sps(1)], pps: [pps(1)], fps: 25 });
    for (let length = 0; length < whole.length; length++)
      assert.equal(decodeParameterSets(whole.slice(0, length), 1), null);
    for (const value of [null, 1, 'x', [], {}, { sps: 1, pps: [] }, { sps: ['x'], pps: [] }])
      assert.equal(decodeParameterSets(encode(value), 1), null);
  });
});
