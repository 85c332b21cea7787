import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { CoverageMask } from '../../../src/offline-card/coverage-mask.ts';

type Point = readonly [number, number];

function outline(mask: CoverageMask, points: readonly Point[]): void {
  for (const [i, [x, y]] of points.entries()) {
    const [nextX, nextY] = points[(i + 1) % points.length]!;
    mask.line(x, y, nextX, nextY);
  }
}

function areaOf(mask: CoverageMask): number {
  let sum = 0;
  for (let i = 0; i < mask.width * mask.height; i++) sum += mask.coverage[i]!;
  return sum / 255;
}

describe('coverage mask', () => {
  test('a triangle covers its area, wherever its corners lie within pixels', () => {
    const coordinate = fc.double({ min: 1, max: 39, noNaN: true });
    const point = fc.tuple(coordinate, coordinate);
    fc.assert(
      fc.property(point, point, point, (a, b, c) => {
        const mask = new CoverageMask();
        mask.begin(0, 0, 40, 40);
        outline(mask, [a, b, c]);
        mask.finish();
        const area = Math.abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2;
        // Rounding to 255 steps, in each pixel at the edge.
        assert.ok(Math.abs(areaOf(mask) - area) < 0.4, `${areaOf(mask)} for ${area}`);
      }),
      { numRuns: 300 },
    );
  });

  test('an outline that runs the other way cuts a hole', () => {
    const mask = new CoverageMask();
    mask.begin(0, 0, 20, 20);
    outline(mask, [
      [2, 2],
      [2, 18],
      [18, 18],
      [18, 2],
    ]);
    outline(mask, [
      [5, 5],
      [15, 5],
      [15, 15],
      [5, 15],
    ]);
    mask.finish();
    assert.equal(areaOf(mask), 16 * 16 - 10 * 10);
    assert.equal(mask.coverage[10 * 20 + 10], 0);
    assert.equal(mask.coverage[3 * 20 + 3], 255);
  });

  test('what reaches beyond an edge is cut off and does not turn up in the next row', () => {
    const mask = new CoverageMask();
    mask.begin(10, 10, 8, 8);
    outline(mask, [
      [14, 4],
      [14, 14],
      [40, 14],
      [40, 4],
    ]);
    mask.finish();
    for (let y = 0; y < 8; y++) {
      for (let x = 0; x < 8; x++) assert.equal(mask.coverage[y * 8 + x], x >= 4 && y < 4 ? 255 : 0, `${x} ${y}`);
    }
  });

  test('is clipped to the picture', () => {
    const mask = new CoverageMask();
    mask.begin(-5, 700, 2000, 100);
    assert.deepEqual([mask.left, mask.top, mask.width, mask.height], [0, 700, 1280, 20]);
    mask.begin(1300, -40, 20, 20);
    assert.deepEqual([mask.width, mask.height], [0, 0]);
  });
});
