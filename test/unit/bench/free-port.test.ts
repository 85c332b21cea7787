import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { freePorts, placeIn, regionsOutside } from '../../../native-free-bench/system/free-port.ts';

describe('free ports', () => {
  test('they lie outside the range of outgoing connections, below it and above it', () => {
    assert.deepEqual(regionsOutside({ first: 32_768, last: 60_999 }), [
      { first: 10_240, last: 32_767 },
      { first: 61_000, last: 65_535 },
    ]);
    assert.deepEqual(regionsOutside({ first: 49_152, last: 65_535 }), [{ first: 10_240, last: 49_151 }]);
  });

  test('where outgoing connections may have every port, so may we', () => {
    assert.deepEqual(regionsOutside({ first: 1024, last: 65_535 }), [{ first: 10_240, last: 65_535 }]);
  });

  test('ports in a row never cross the end of a region', () => {
    const regions = [
      { first: 100, last: 109 },
      { first: 200, last: 204 },
    ];
    const places = Array.from({ length: 70 }, (_, i) => placeIn(regions, 4, i / 70));
    assert.deepEqual([...new Set(places)], [100, 101, 102, 103, 104, 105, 106, 200, 201]);
    assert.throws(() => placeIn(regions, 11, 0), /fit nowhere/);
  });

  test('no port is given twice by one process', async () => {
    const rows = [await freePorts(63), await freePorts(63), await freePorts(63)];
    const ports = rows.flatMap((first) => Array.from({ length: 63 }, (_, i) => first + i));
    assert.equal(new Set(ports).size, 3 * 63);
  });
});
