import assert from 'node:assert/strict';
import { test } from 'node:test';
import { environmentOf } from '../../../scripts/fleet/own-server.ts';

test('settings of another server of this machine are not those of the server of a fleet', () => {
  const environment = { PATH: '/bin', SKYWEIR_PUBLISH_AUTH: 'true', SKYWEIR_TLS_PASSWORD: 'hush' };
  assert.deepEqual(environmentOf(environment), { PATH: '/bin', SKYWEIR_TLS_PASSWORD: 'hush' });
});
