import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FragmentWriter } from '../../../../src/mp4/fragment.ts';
import { createInitSegment } from '../../../../src/mp4/init-segment.ts';
import { chooseTrim, keyframeSeconds } from '../../../../src/status/page/preview-fragment.ts';
import { pps, sps } from '../../ingest/publisher-rig.ts';

describe('a fragment on the page', () => {
  test('tells where a decoder can start', () => {
    const writer = new FragmentWriter();
    const unit = Buffer.from('\0\0\0\x02\x65\x88', 'latin1');
    for (const [isSync, compositionMs] of [
      [true, 80],
      [false, -40],
      [true, 0],
    ] as const) {
      writer.add(unit, 0, unit.length, isSync, compositionMs);
      writer.lengthen(40);
    }
    const { memory, offset, length } = writer.finish(2 ** 32 + 1000);
    const seconds = (2 ** 32 + 1000) / 1000;
    assert.deepEqual(keyframeSeconds(memory.slice(offset, offset + length)), [seconds + 0.08, seconds + 0.08]);
  });

  test('is not what an initialisation segment is', () => {
    const { bytes } = createInitSegment([sps], [pps])!;
    assert.deepEqual(keyframeSeconds(Uint8Array.from(bytes).buffer), []);
  });
});

describe('what is forgotten behind the picture', () => {
  test('ends at a keyframe that is far enough behind', () => {
    assert.equal(chooseTrim([0, 5, 10], 0, 12.1, 5), 4.999);
    assert.equal(chooseTrim([0, 10], 0, 15.2, 5), 9.999);
  });

  test('is nothing while all of it hangs on the first keyframe', () => {
    assert.equal(chooseTrim([0, 6.5, 13], 6.5, 18, 5.1), null);
    assert.equal(chooseTrim([0], 0, 60, 5), null);
    assert.equal(chooseTrim([], 0, 60, 5), null);
  });
});
