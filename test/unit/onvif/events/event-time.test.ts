import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseDateTime, parseDuration, parseTermination, utcText } from '../../../../src/onvif/events/event-time.ts';

describe('xs:duration', () => {
  for (const [text, ms] of [
    ['PT1M', 60_000],
    ['PT60S', 60_000],
    ['P0DT0H1M0S', 60_000],
    ['P0Y0M1DT0H0M0.5S', 86_400_500],
    ['P1Y', 365 * 86_400_000],
    ['P1M', 30 * 86_400_000],
    ['PT1H', 3_600_000],
    ['PT0S', 0],
    ['-PT1S', -1000],
    ['PT5.S', 5000],
    ['P1DT', 86_400_000],
  ] as const)
    test(`${text} is ${ms} ms`, () => assert.equal(parseDuration(text), ms));

  for (const text of [
    '',
    'P',
    'PT',
    '-P',
    '60',
    'PT1',
    'P1S',
    'PT1M1H',
    'pt1m',
    'PT-1S',
    'PT1M ',
    'PT.5S',
    'PT1,5S',
    `P${'1'.repeat(99)}D`,
  ])
    test(`'${text.slice(0, 10)}' is none`, () => assert.equal(parseDuration(text), null));
});

describe('xs:dateTime', () => {
  for (const [text, utc] of [
    ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05.123456789Z', '2026-01-02T03:04:05.123Z'],
    ['2026-01-02T03:04:05', '2026-01-02T03:04:05.000Z'],
    ['2026-01-02T03:04:05+01:30', '2026-01-02T01:34:05.000Z'],
    ['2026-01-02T24:00:00Z', '2026-01-03T00:00:00.000Z'],
  ] as const)
    test(`${text} is ${utc}`, () => assert.equal(utcText(parseDateTime(text)!), utc));

  for (const text of [
    '',
    '2026-01-02',
    '2026-13-02T03:04:05Z',
    '2026-01-02T25:00:00Z',
    '2026-01-02 03:04:05Z',
    '26-01-02T03:04:05Z',
    'now',
  ])
    test(`'${text}' is none`, () => assert.equal(parseDateTime(text), null));
});

test('a termination is relative or absolute', () => {
  const wallMs = Date.UTC(2026, 0, 2);
  assert.equal(parseTermination('PT1M', wallMs), 60_000);
  assert.equal(parseTermination('2026-01-02T00:00:10Z', wallMs), 10_000);
  assert.equal(parseTermination('2026-01-01T23:59:50Z', wallMs), -10_000);
  assert.equal(parseTermination('later', wallMs), null);
});
