import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeChanges, keepFixed } from '../../../src/config/changes.ts';
import { UsageError } from '../../../src/config/errors.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';

function load(flags: Record<string, string | boolean>, file = ''): Config {
  const given = new Map(Object.entries({ ...flags, ...(file !== '' && { config: 'a.yaml' }) }));
  return loadConfig({ flags: given, environment: {}, readFile: () => file, cores: 2, terminal: false }).config;
}

function problems(flags: Record<string, string | boolean>, file = ''): readonly string[] {
  try {
    load(flags, file);
  } catch (error) {
    if (error instanceof UsageError) return error.problems;
    throw error;
  }
  return [];
}

describe('the HTTP port', () => {
  test('is 8080 of all addresses unless it is named, and may be off', () => {
    const { http, httpPort, httpHost } = load({});
    assert.deepEqual([http, httpPort, httpHost], [true, 8080, '']);
    assert.equal(load({ http: false }).http, false);
    assert.equal(load({ 'http-host': '[::1]' }).httpHost, '::1');
    assert.match(problems({ 'http-host': 'not a host' })[0]!, /^--http-host "not a host": must be /);
  });

  test('is nobody else’s', () => {
    assert.deepEqual(problems({ 'rtsp-port': '8080' }), [
      '--rtsp-port 8080: --rtsp-port and --http-port are both 8080; choose another port for one of them',
    ]);
    assert.match(
      problems({ 'onvif-port': '8080' })[0]!,
      /the onvif-port of hardware "Skyweir" is also http-port; choose/,
    );
    const file = 'hardware:\n  - rtmp-port: 9000\n';
    assert.match(problems({ 'http-port': '9000' }, file)[0]!, /the rtmp-port of hardware .* is also http-port/);
    assert.deepEqual(problems({ 'rtsp-port': '8080', http: false }), []);
    assert.deepEqual(problems({ 'rtsp-port': '0', 'http-port': '0' }), []);
  });

  test('changes while the server runs, its address does not', () => {
    const [running, wanted] = [load({}), load({ 'http-port': '9090', 'http-host': '127.0.0.1' })];
    assert.deepEqual(describeChanges(wanted, running), { live: ['http-port'], waiting: ['http-host'] });
    const { httpPort, httpHost } = keepFixed(wanted, running);
    assert.deepEqual([httpPort, httpHost], [9090, '']);
  });
});
