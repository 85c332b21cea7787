import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSoakOptions, SoakUsageError, soakHelp } from '../../../scripts/soak/options.ts';

test('without arguments it is ten minutes of everything', () => {
  const { minutes, steady, hostile, jsonFile } = parseSoakOptions([])!;
  assert.deepEqual([minutes, steady, hostile, jsonFile], [10, 20, true, null]);
});

test('every flag is understood, and is in the help', () => {
  const args =
    '--minutes 0.5 --seed 7 --steady 3 --flapping 0 --bitrate 2.5 --no-hostile --every 1 --json a --log b'.split(' ');
  assert.deepEqual(parseSoakOptions(args), {
    minutes: 0.5,
    seed: 7,
    steady: 3,
    flapping: 0,
    bitsPerSecond: 2.5e6,
    hostile: false,
    everySeconds: 1,
    jsonFile: 'a',
    logFile: 'b',
  });
  for (const flag of args.filter((arg) => arg.startsWith('--'))) assert.ok(soakHelp.includes(flag), flag);
  assert.equal(parseSoakOptions(['--help']), null);
});

for (const args of [
  '--minutes 0',
  '--minutes x',
  '--steady 0',
  '--steady 1.5',
  '--bitrate 99',
  '--nonsense',
  'word',
  '--seed -1',
])
  test(`${args} is refused in one line`, () => {
    assert.throws(
      () => parseSoakOptions(args.split(' ')),
      (error: Error) => error instanceof SoakUsageError && !error.message.includes('\n'),
    );
  });
