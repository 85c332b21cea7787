import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeChanges } from '../../../src/config/changes.ts';
import { UsageError } from '../../../src/config/errors.ts';
import type { LoadedConfig } from '../../../src/config/load.ts';
import { printConfig } from '../../../src/config/print.ts';
import { noRules } from '../../../src/ingest-rules/ingest-rules.ts';
import { loadText } from '../../support/config-text.ts';

function load(file: unknown, flags: Record<string, string | boolean> = {}): LoadedConfig {
  return loadText(typeof file === 'string' ? file : JSON.stringify(file), flags);
}

const rulesOf = (loaded: LoadedConfig) => loaded.config.cameraList.map(({ rules }) => rules);

describe('rules', () => {
  test('there are none by default', () => {
    assert.deepEqual(rulesOf(load({ cameras: 1 })), [noRules]);
  });

  test('those for all hold for every camera', () => {
    const flags = {
      'max-bitrate': '8.5',
      'max-fps': '30',
      'max-resolution': '1920x1080',
      'max-gop': '4',
      'allowed-profiles': 'Main, high',
      'allow-b-frames': false,
      'rule-action': 'reject',
    };
    const expected = {
      maxMbit: 8.5,
      maxFps: 30,
      maxSize: { width: 1920, height: 1080 },
      maxGopMs: 4000,
      profiles: ['main', 'high'],
      bFrames: false,
      action: 'reject',
    };
    assert.deepEqual(rulesOf(load({ cameras: 2 }, flags)), [expected, expected]);
  });

  const nested = {
    'max-bitrate': 8,
    'max-gop': '4s',
    'allowed-profiles': ['main'],
    hardware: [
      {
        'max-bitrate': 12,
        'rule-action': 'reject',
        cameras: [
          { 'max-bitrate': 20, 'max-gop': '500ms', 'allowed-profiles': 'any', 'max-resolution': '640x480' },
          { path: '/as-its-hardware' },
        ],
      },
      { cameras: [{ path: '/other' }], 'max-bitrate': 0, 'max-gop': 0 },
    ],
  };

  test("a camera's own win over its hardware's, and those over the ones for all", () => {
    const [own, hardware, other] = rulesOf(load(nested));
    const common = { ...noRules, maxGopMs: 4000, profiles: ['main'] };
    const size = { width: 640, height: 480 };
    assert.deepEqual(own, { ...noRules, maxMbit: 20, maxSize: size, maxGopMs: 500, action: 'reject' });
    assert.deepEqual(hardware, { ...common, maxMbit: 12, action: 'reject' });
    assert.deepEqual(other, { ...common, maxMbit: 0, maxGopMs: 0 });
  });

  for (const [name, file] of [
    ['in hardware entries', nested],
    ['in a list of cameras', { cameras: [{ 'max-gop': '90s', 'max-fps': 25 }, { path: '/b' }] }],
  ] as const)
    test(`--print-config gives back what it was given, ${name}`, () => {
      const loaded = load(file);
      assert.deepEqual(rulesOf(load(printConfig(loaded))), rulesOf(loaded));
    });

  test('a change of one camera is a change of the configuration, and applies at once', () => {
    const running = load({ cameras: [{ path: '/a' }] }).config;
    const wanted = load({ cameras: [{ path: '/a', 'max-fps': 25 }] }).config;
    assert.deepEqual(describeChanges(wanted, running), { live: ['cameras'], waiting: [] });
    const forAll = load({ cameras: [{ path: '/a' }] }, { 'max-fps': '25' }).config;
    assert.deepEqual(describeChanges(forAll, running), { live: ['max-fps'], waiting: [] });
  });
});

describe('mistakes name what is allowed', () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ 'max-bitrate': '8M' }, /max-bitrate 8M: must be 0, or a bitrate from 0\.1 to 1000 in Mbit\/s/],
    [{ 'max-bitrate': 0.01 }, /max-bitrate 0\.01: must be 0, or/],
    [{ 'max-resolution': '1080p' }, /max-resolution 1080p: must be none, or a width and a height/],
    [{ 'max-resolution': '1920x99999' }, /max-resolution 1920x99999: must be none/],
    [{ 'allowed-profiles': 'hihg' }, /allowed-profiles\S* hihg: must be any, or some of baseline, main/],
    [{ 'rule-action': 'drop' }, /rule-action drop: must be one of flag, reject/],
    [
      { hardware: [{ cameras: [{ 'max-fps': -1 }] }] },
      /hardware\[1\]\.cameras\[1\]\.max-fps -1: must be a whole number/,
    ],
    [{ cameras: [{ 'max-bitrat': 8 }] }, /did you mean max-bitrate\?/],
  ];
  for (const [file, expected] of cases)
    test(JSON.stringify(file), () => {
      assert.throws(
        () => load(file),
        (error) => error instanceof UsageError && expected.test(error.message),
      );
    });
});
