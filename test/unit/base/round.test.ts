import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RoundDigits, round } from '../../../src/base/round.ts';

const digits: readonly RoundDigits[] = [0, 1, 2, 3];

test('round writes the same digits as toFixed, also at ties, for negative and for huge values', () => {
  const values = [
    0,
    0.5,
    1.5,
    2.5,
    0.05,
    0.25,
    0.35,
    1.005,
    1.45,
    8.345,
    33.35,
    0.0005,
    1e-9,
    1 / 3,
    2 ** 40,
    2 ** 53,
    1e21,
  ];
  values.push(Number.MAX_VALUE, Number.POSITIVE_INFINITY, Number.NaN);
  // Every half of a last place, and its neighbours among the doubles.
  for (let tie = 1; tie < 4000; tie += 2) {
    for (const power of [1, 10, 100, 1000]) {
      const value = tie / 2 / power;
      values.push(value, value * (1 + Number.EPSILON), value * (1 - Number.EPSILON));
    }
  }
  for (let i = 1; i < 5000; i++) values.push((i * 7919.31) % 1000, i ** 3 / 17);
  for (const value of values.flatMap((positive) => [positive, -positive])) {
    for (const places of digits)
      assert.equal(String(round(value, places)), String(Number(value.toFixed(places))), `${value} to ${places}`);
  }
});
