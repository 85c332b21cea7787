import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UsageError } from '../../../src/config/errors.ts';
import { parseCommandLine } from '../../../src/config/flags.ts';
import { settingKeys, settings } from '../../../src/config/schema.ts';
import { settingGroups } from '../../../src/config/setting.ts';

function flagsOf(...args: string[]): Record<string, string | boolean> {
  const commandLine = parseCommandLine(args, '1.2.3');
  assert.equal(commandLine.print, null);
  return commandLine.print === null ? Object.fromEntries(commandLine.flags) : {};
}

describe('what is given', () => {
  const cases: [string[], Record<string, string | boolean>][] = [
    [[], {}],
    [['--rtmp-port', '8783'], { 'rtmp-port': '8783' }],
    [['--rtmp-port=8783'], { 'rtmp-port': '8783' }],
    [['--rtmp-port', '-5'], { 'rtmp-port': '-5' }],
    [['--rtmp-port', '1', '--rtmp-port', '2'], { 'rtmp-port': '2' }],
    [['--rate-limit'], { 'rate-limit': true }],
    [['--no-rate-limit'], { 'rate-limit': false }],
    [['--no-auth', '--gop-cache'], { auth: false, 'gop-cache': true }],
    [['--rtsp-digest-sha256'], { 'rtsp-digest-sha256': true }],
    [['--rate-limit-per-second', '3'], { 'rate-limit-per-second': '3' }],
    [['--config', 'a.yaml', '--user', 'x'], { config: 'a.yaml', user: 'x' }],
  ];
  for (const [args, expected] of cases)
    test(args.join(' ') || 'no arguments', () => assert.deepEqual(flagsOf(...args), expected));

  test('every setting is a flag, but for what is more than a line', () => {
    for (const key of settingKeys) {
      const { flag, kind, onlyInFile } = settings[key];
      if (onlyInFile) continue;
      const args = kind === 'boolean' ? [`--${flag}`] : [`--${flag}`, 'x'];
      assert.deepEqual(Object.keys(flagsOf(...args)), [flag]);
    }
  });

  test('--print-plan is no setting, and has a bitrate of its own', () => {
    const planOf = (...args: string[]) => {
      const commandLine = parseCommandLine(args, '1.2.3');
      return commandLine.print === null ? commandLine.plan : undefined;
    };
    assert.equal(planOf('--user', 'x'), null);
    assert.deepEqual(planOf('--print-plan'), { bitsPerSecond: 4_500_000 });
    assert.deepEqual(planOf('--print-plan', '--plan-bitrate', '25'), { bitsPerSecond: 25_000_000 });
  });

  test('--print-config is no setting', () => {
    const commandLine = parseCommandLine(['--print-config', '--user', 'x'], '1.2.3');
    assert.ok(commandLine.print === null && commandLine.printConfig);
    assert.deepEqual([...commandLine.flags], [['user', 'x']]);
  });
});

describe('mistakes are one line with the flag and the remedy', () => {
  const cases: [string[], string][] = [
    [['--rtmp-prot', '1'], '--rtmp-prot: unknown flag; did you mean --rtmp-port?'],
    [['--hardware', '1'], '--hardware: unknown flag; see --help for all flags'],
    [['--tsl'], '--tsl: unknown flag; did you mean --tls?'],
    [['-x'], '-x: unknown flag; see --help for all flags'],
    [['--rtmp-port'], '--rtmp-port: needs a value: a whole number from 0 to 65535'],
    [['--auth=no'], '--auth=no: takes no value; write --auth or --no-auth'],
    [['--plan-bitrate', '8'], '--plan-bitrate: is only for --print-plan; give both'],
    [['--print-plan', '--plan-bitrate', '8M'], '--plan-bitrate 8M: must be a number from 0.1 to 1000, in Mbit/s'],
    [['start'], 'start: not a flag; flags begin with two dashes; see --help for all flags'],
  ];
  for (const [args, expected] of cases) {
    test(args.join(' '), () => {
      assert.throws(
        () => parseCommandLine(args, '1.2.3'),
        (error) => error instanceof UsageError && error.message === expected,
      );
    });
  }
});

describe('texts', () => {
  const help = parseCommandLine(['--help'], '1.2.3').print ?? '';
  const words = help.replace(/\s+/g, ' ');

  test('--help shows every flag with text, default and unit', () => {
    for (const key of settingKeys) {
      const { flag, kind, text, defaultText, onlyInFile } = settings[key];
      if (onlyInFile) continue;
      assert.match(help, new RegExp(`^  --${flag}[ ,]`, 'm'));
      if (kind === 'boolean') assert.match(help, new RegExp(`--${flag}, --no-${flag} `));
      assert.ok(words.includes(text.replaceAll('`', '')), `${flag}: text`);
      assert.ok(words.includes(`default: ${defaultText.replaceAll('`', '')})`), `${flag}: default`);
    }
    assert.ok(words.includes('default: 10 connections per second'));
  });

  test('--help lists every group once, in order, and no other', () => {
    const headings = [...help.matchAll(/^([A-Z][a-z ]+):$/gm)].map((match) => match[1]);
    const ofFlags = settingGroups.filter((group) =>
      settingKeys.some((key) => settings[key].group === group && !settings[key].onlyInFile),
    );
    assert.deepEqual(headings, [...ofFlags, 'Examples']);
  });

  test('--help fits the columns of the terminal', () => {
    for (const line of help.split('\n')) assert.ok(line.length <= 105, line);
  });

  test('--version prints the version', () => assert.equal(parseCommandLine(['--version'], '1.2.3').print, '1.2.3\n'));
});
