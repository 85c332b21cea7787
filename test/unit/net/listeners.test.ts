import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Listeners } from '../../../src/net/listeners.ts';
import { until } from '../../support/program.ts';

const wanted = (key: string) => ({ key, flag: '--rtmp-port', port: 0 });

test('no port is left open when they are closed while another is being opened', async (t) => {
  const listeners = new Listeners('127.0.0.1', (_key, socket) => socket.destroy());
  t.after(() => listeners.close());
  await listeners.change([wanted('a')]);
  const servers = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
  const before = servers();
  const changing = listeners.change([wanted('a'), wanted('b')]);
  listeners.close();
  assert.deepEqual([...(await changing)], []);
  await until('both are closed', () => servers() < before);
});
