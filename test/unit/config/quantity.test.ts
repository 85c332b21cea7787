import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatBytes, formatDuration, parseBytes, parseDuration } from '../../../src/config/quantity.ts';

describe('durations', () => {
  const readable: [unknown, number][] = [
    ['10s', 10_000],
    ['500ms', 500],
    ['1m', 60_000],
    ['2h', 7_200_000],
    ['10', 10_000],
    ['0.5', 500],
    ['1.5s', 1500],
    [' 3 s ', 3000],
    [30, 30_000],
    [0.25, 250],
    [0, 0],
  ];
  for (const [raw, ms] of readable)
    test(`${JSON.stringify(raw)} is ${ms} ms`, () => assert.equal(parseDuration(raw), ms));

  for (const raw of [
    '',
    's',
    '10x',
    '-1s',
    '1e3',
    '1m30s',
    '10 sec',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    true,
    null,
    [],
  ])
    test(`${JSON.stringify(raw)} is not a duration`, () => assert.equal(parseDuration(raw), undefined));

  test('fuzz: what is formatted reads back as the same milliseconds', () => {
    fc.assert(fc.property(fc.nat(200_000_000), (ms) => assert.equal(parseDuration(formatDuration(ms)), ms)));
  });
});

describe('sizes', () => {
  const readable: [unknown, number][] = [
    ['8MiB', 8_388_608],
    ['512KiB', 524_288],
    ['1.5mib', 1_572_864],
    ['65536', 65_536],
    ['100B', 100],
    [4096, 4096],
  ];
  for (const [raw, bytes] of readable)
    test(`${JSON.stringify(raw)} is ${bytes} bytes`, () => assert.equal(parseBytes(raw), bytes));

  for (const raw of ['', '8MB', '8M', '-1', 'MiB', true, null])
    test(`${JSON.stringify(raw)} is not a size`, () => assert.equal(parseBytes(raw), undefined));

  test('fuzz: what is formatted reads back as the same bytes', () => {
    fc.assert(fc.property(fc.nat(2 ** 31), (bytes) => assert.equal(parseBytes(formatBytes(bytes)), bytes)));
  });
});
