import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  codeChromaDc,
  inverseTransform,
  lumaQuantiser,
  quantise,
  scale,
  transform,
} from '../../../src/offline-card/transform.ts';

function throughLuma(residuals: readonly number[]): Int32Array {
  const block = Int32Array.from(residuals);
  const levels = new Int32Array(16);
  transform(block);
  quantise(block, 0, lumaQuantiser, levels, 0);
  scale(levels, 0, 0, lumaQuantiser, block);
  inverseTransform(block);
  return block;
}

describe('transform', () => {
  test('a flat block comes back exactly, whatever its value', () => {
    for (let value = -255; value <= 255; value++) {
      assert.deepEqual([...throughLuma(new Array(16).fill(value))], new Array(16).fill(value));
    }
  });

  test('any block comes back nearly', () => {
    const residual = fc.integer({ min: -255, max: 255 });
    fc.assert(
      fc.property(fc.array(residual, { minLength: 16, maxLength: 16 }), (residuals) => {
        const back = throughLuma(residuals);
        for (const [i, value] of residuals.entries()) assert.ok(Math.abs(back[i]! - value) <= 10);
      }),
      { numRuns: 500 },
    );
  });

  test('four flat chroma blocks come back exactly, each with its own value', () => {
    const residual = fc.integer({ min: -255, max: 255 });
    fc.assert(
      fc.property(fc.tuple(residual, residual, residual, residual), (values) => {
        const dc = Int32Array.from(values, (value) => value * 16);
        codeChromaDc(dc, new Int32Array(4));
        for (const [i, value] of values.entries()) {
          const block = new Int32Array(16);
          block[0] = dc[i]!;
          inverseTransform(block);
          assert.deepEqual([...block], new Array(16).fill(value));
        }
      }),
      { numRuns: 300 },
    );
  });
});
