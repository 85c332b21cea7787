import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoadProcess } from '../../../native-free-bench/system/load-process.ts';
import { until } from '../../support/program.ts';

test('a load process that has ended fails the part that needs it, not the whole benchmark', {
  timeout: 30_000,
}, async () => {
  const load = new LoadProcess('load-readers.ts', '');
  process.kill(load.pid, 'SIGKILL');
  await until('it has gone', () => load.ended);
  load.send({ type: 'begin' });
  await assert.rejects(load.ask({ type: 'end' }), /load-readers\.ts ended with SIGKILL/);
  await load.stop();
});

test('and so does one that cannot be started', { timeout: 30_000 }, async () => {
  const { PATH } = process.env;
  process.env['PATH'] = '/nowhere';
  const load = new LoadProcess('load-readers.ts', '0');
  process.env['PATH'] = PATH;
  await until('that is known', () => load.ended);
  await assert.rejects(load.ask({ type: 'end' }), /ended with spawn taskset ENOENT/);
});
