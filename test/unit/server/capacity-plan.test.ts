import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { StartError } from '../../../src/config/errors.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import { planCapacity } from '../../../src/server/capacity-plan.ts';
import { checkMachine, describePlan, usualBitsPerSecond } from '../../../src/server/capacity-report.ts';
import type { Machine } from '../../../src/server/machine.ts';
import { parseOpenFiles, readMachine } from '../../../src/server/machine.ts';

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;
const large: Machine = { memoryBytes: 64 * GiB, cores: 16, openFiles: 1_048_576 };

function config(flags: Record<string, string | boolean> = {}, cores = 2): Config {
  return loadConfig({
    flags: new Map(Object.entries(flags)),
    environment: {},
    readFile: () => '',
    cores,
    terminal: false,
  }).config;
}

/** Of a file. */
function configOf(text: string): Config {
  const flags = new Map([['config', 'skyweir.yaml']]);
  return loadConfig({ flags, environment: {}, readFile: () => text, cores: 2, terminal: false }).config;
}

const plan = (flags: Record<string, string | boolean>, machine: Partial<Machine> = {}, bitrate = usualBitsPerSecond) =>
  planCapacity(config(flags), { ...large, ...machine }, bitrate);

describe('the plan of a machine', () => {
  test('agrees with what was measured: 1000 cameras of 4.67 Mbit/s', () => {
    const { memory, cores } = plan({ cameras: '1000' }, {}, 4.67e6);
    const Gbit = 4.67;
    assert.ok(Math.abs(cores.ingest / Gbit - 0.056) < 0.002, `${cores.ingest}`);
    assert.ok(Math.abs((cores.ingest + cores.delivery) / Gbit - 0.209) < 0.003, `${cores.delivery}`);
    assert.ok(memory.expected >= 428e6 && memory.expected < 1.25 * 428e6, `${memory.expected}`);
  });

  test('and with the idle process: memory and descriptors for its threads and devices', () => {
    const idle = plan({ cameras: '1' });
    assert.ok(Math.abs(idle.memory.process - 193e6) < 10e6, `${idle.memory.process}`);
    const eight = plan({ cameras: '1', 'ingest-workers': '8' });
    assert.ok(eight.memory.process >= 348e6 && eight.memory.process < 1.25 * 348e6, `${eight.memory.process}`);
    const open = (flags: Record<string, string>) => {
      const { maxConnections } = config(flags).listenerList[0]!;
      return plan(flags).descriptors.least - maxConnections - Number(flags['cameras']);
    };
    assert.equal(open({ cameras: '16' }), 44);
    assert.equal(open({ cameras: '1000' }), 106);
    assert.equal(open({ cameras: '16', 'ingest-workers': '8' }), 79);
  });

  test('rings: full ones count at the bitrate, within what they may have', () => {
    const behind = (bitrate: number, flags = {}) => {
      const { memory } = plan({ cameras: '100', ...flags }, {}, bitrate);
      return Math.round((memory.behind - memory.process) / 100 / MiB);
    };
    assert.equal(behind(4e6), 1);
    assert.equal(behind(20e6), 5);
    assert.equal(behind(500e6), 12, 'what connections take is more than the ring may have');
    assert.equal(behind(4e6, { 'ring-bytes': '16MiB' }), 16);
  });

  test('with the newest group of pictures kept, rings are full all the time: 1000 cameras of 4.5 Mbit/s took 1671 MB', () => {
    const { memory } = plan({ cameras: '1000', 'gop-cache': true });
    assert.ok(Math.abs(memory.expected - 1671e6) < 0.1 * 1671e6, `${memory.expected}`);
    assert.equal(memory.behind, memory.expected);
    assert.equal(plan({ cameras: '1000', 'gop-cache': true }, { memoryBytes: GiB }).memory.verdict, 'short');
  });

  test('memory: enough, tight when readers fall behind, or short', () => {
    const verdict = (memoryBytes: number) =>
      plan({ cameras: '1000' }, { memoryBytes }, usualBitsPerSecond).memory.verdict;
    assert.deepEqual([2 * GiB, GiB, 512 * MiB].map(verdict), ['enough', 'tight', 'short']);
  });

  test('descriptors: short only when what is admitted cannot be', () => {
    const verdict = (openFiles: number | null) =>
      plan({ 'max-connections': '1000' }, { openFiles }).descriptors.verdict;
    assert.deepEqual([null, 1080, 1079, 1060, 1059].map(verdict), ['enough', 'enough', 'tight', 'tight', 'short']);
  });

  test('connections: short when fewer are admitted than there are cameras, by all listeners or by one', () => {
    const few = plan({ cameras: '100', 'max-connections': '10' }).connections;
    assert.deepEqual(few, { admitted: 10, cameras: 100, port: null, verdict: 'short' });
    assert.equal(plan({ cameras: '100', 'max-connections': '100' }).connections.verdict, 'enough');
    const own = { name: 'Roof', cameras: 16, 'rtmp-port': 1936, 'max-connections': 5 };
    const text = (roof: object) => JSON.stringify({ hardware: [{ cameras: [{ path: '/a' }, { path: '/b' }] }, roof] });
    assert.deepEqual(planCapacity(configOf(text(own)), large, usualBitsPerSecond).connections, {
      admitted: 5,
      cameras: 16,
      port: 1936,
      verdict: 'short',
    });
    const enough = planCapacity(configOf(text({ ...own, 'max-connections': 16 })), large, usualBitsPerSecond);
    assert.deepEqual(enough.connections, { admitted: 52, cameras: 18, port: null, verdict: 'enough' });
  });

  test('cores and threads: one consumer has one core, however many the machine has', () => {
    const { cores, threads } = plan({ cameras: '1000', consumers: '1', 'ingest-workers': '15' }, {}, 20e6);
    assert.equal(cores.verdict, 'enough');
    assert.equal(threads.verdict, 'short');
    assert.deepEqual([threads.ingestWorkersNeeded, threads.consumersNeeded], [2, 2]);
    assert.equal(plan({ cameras: '1000', consumers: '2' }, { cores: 1 }, 20e6).cores.verdict, 'short');
    const plain = plan({ cameras: '10' }).cores;
    assert.equal(plan({ cameras: '10', tls: true }).cores.ingest, 2 * plain.ingest);
  });
});

describe('what is printed and logged', () => {
  test('the page has a verdict for each need, and tells whether all can be', () => {
    const { text, possible } = describePlan(config({ cameras: '100' }), large, usualBitsPerSecond);
    assert.ok(possible);
    assert.match(text, /^100 cameras of 4\.5 Mbit\/s and 30 frames a second, each with one reader:\n/);
    assert.equal(text.match(/^ {2}(?:here|so) .*enough$/gm)?.length, 4);
    assert.match(text, /^Network +450 Mbit\/s in, 450 Mbit\/s out/m);
    const thousand = describePlan(config({ cameras: '1000' }), { ...large, openFiles: 1024 }, 25e6);
    assert.equal(thousand.possible, false);
    assert.match(thousand.text, /start with --ingest-workers 2 and --consumers 3$/m);
    assert.match(thousand.text, /"ulimit -n 4096"/);
    for (const line of thousand.text.split('\n')) assert.ok(!/NaN|Infinity|undefined/.test(line), line);
  });

  test('defaults start everywhere: without a word on small machines of today', () => {
    const machines: Machine[] = [
      { memoryBytes: GiB, cores: 1, openFiles: 256 },
      { memoryBytes: 512 * MiB, cores: 1, openFiles: 1024 },
      { memoryBytes: 8 * GiB, cores: 4, openFiles: null },
    ];
    for (const machine of machines) assert.deepEqual(checkMachine(config({}, machine.cores), machine), []);
    assert.deepEqual(checkMachine(config({}, 64), { memoryBytes: 256 * GiB, cores: 64, openFiles: 1024 }), []);
  });

  test('too little memory and too few cores are warnings', () => {
    const lines = checkMachine(config({ cameras: '1000' }), { memoryBytes: 300 * MiB, cores: 0.5, openFiles: null });
    assert.equal(lines.length, 2);
    assert.match(
      lines[0]!,
      /^memory: 1000 cameras of 4\.5 Mbit\/s take \d+ MiB, and there are 300 MiB; see --print-plan$/,
    );
    assert.match(lines[1]!, /^processor: 1000 cameras of 4\.5 Mbit\/s take 0\.\d+ cores, and there are 0\.5; see/);
  });

  test('fewer connections than cameras are not enough in the plan, and a warning at a start', () => {
    const few = config({ cameras: '100', 'max-connections': '10' });
    const { text, possible } = describePlan(few, large, usualBitsPerSecond);
    assert.equal(possible, false);
    assert.match(text, /^Connections {2}10 of --max-connections for 100 cameras: NOT ENOUGH$/m);
    const lines = checkMachine(few, large);
    assert.deepEqual(lines, [
      'connections: 10 of --max-connections for 100 cameras: the others will be refused; raise it, or lower --cameras; see --print-plan',
    ]);
    const plenty = describePlan(config({ cameras: '100' }), large, usualBitsPerSecond).text;
    assert.match(plenty, /^Connections {2}200 of --max-connections for 100 cameras: enough$/m);
  });

  test('too few descriptors for what is admitted is a failed start, with the command that mends it', () => {
    const flags = { 'max-connections': '1000' };
    assert.throws(
      () => checkMachine(config(flags), { ...large, openFiles: 512 }),
      (error) => {
        assert.ok(error instanceof StartError);
        assert.match(error.message, /^open files: the process may have 512, but 1000 connections of --max-connections/);
        assert.match(error.message, /"ulimit -n 2048"/);
        assert.ok(!error.message.includes('\n'));
        return true;
      },
    );
    const [line] = checkMachine(config(flags), { ...large, openFiles: 1070 });
    assert.match(line!, /^open files: .* two readers for each of 16 cameras need 1080/);
  });
});

describe('the machine', () => {
  test('its limit of open files is the soft one', () => {
    const text =
      'Limit       Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n';
    assert.equal(parseOpenFiles(text), 1024);
    assert.equal(parseOpenFiles(text.replace('1024', 'unlimited')), null);
    assert.equal(parseOpenFiles(''), null);
  });

  test('is this one', () => {
    const { memoryBytes, cores, openFiles } = readMachine();
    assert.ok(memoryBytes > 64 * MiB && memoryBytes < 2 ** 50);
    assert.ok(cores >= 1);
    assert.ok(openFiles === null || openFiles > 0);
  });
});
