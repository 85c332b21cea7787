import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  parseMachineCpu,
  parseStat,
  parseStatusBytes,
  readUsage,
} from '../../../native-free-bench/system/process-usage.ts';

describe('process usage', () => {
  test('a command name with blanks and brackets does not shift the fields', () => {
    const line = '42 (nginx: (worker) x) S 7 42 42 0 -1 4194560 1 2 3 4 110 220 33 44 20 0 9 0 100 200 300';
    assert.deepEqual(parseStat(line), { parent: 7, ticks: 110 + 220 + 33 + 44, threads: 9 });
  });

  test('a malformed line is an error, not a zero', () => {
    assert.throws(() => parseStat('42 (x) S'), /malformed/);
  });

  test('memory lines are found by their whole name, and a missing one is 0', () => {
    const status = 'VmPeak:\t  999 kB\nVmRSS:\t  1234 kB\nRssAnon:\t   12 kB\n';
    assert.equal(parseStatusBytes(status, 'VmRSS'), 1234 * 1024);
    assert.equal(parseStatusBytes(status, 'RssShmem'), 0);
  });

  test('CPU of the machine leaves idle time and interrupts out', () => {
    assert.equal(parseMachineCpu('cpu  100 20 30 9999 5 6 7 0 0 0\ncpu0 1 1 1 1'), 1.5);
  });

  test('the own process is there with threads and descriptors', { skip: process.platform !== 'linux' }, () => {
    const usage = readUsage(process.pid);
    assert.ok(usage.processes >= 1 && usage.threads > 1 && usage.descriptors > 2 && usage.residentBytes > 1e6);
  });
});
