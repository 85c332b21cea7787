import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeChanges } from '../../../src/config/changes.ts';
import { UsageError } from '../../../src/config/errors.ts';
import { printConfig } from '../../../src/config/print.ts';
import { loadText } from '../../support/config-text.ts';

describe('publish authentication in the configuration', () => {
  test('is off, with nothing set, as with the driver', () => {
    const { config } = loadText('');
    assert.equal(config.publishAuth, false);
    const { publishSignSecretFile, publishJwks, publishCallback, publishSingleUse } = config;
    assert.deepEqual(
      [publishSignSecretFile, publishJwks, publishCallback, publishSingleUse],
      [null, null, null, false],
    );
    assert.deepEqual(config.cameraList[0]!.ownAccess, {});
  });

  const cameras = `
cameras:
  - { name: A, path: /a, publish-auth: off, allow-ip: 192.0.2.7 }
  - { path: /b, publish-auth: required, allow-ip: [10.0.0.0/8, "2001:db8::/32"] }
  - { path: /c, publish-auth: false }
`;
  const expected = [
    { 'publish-auth': 'off', 'allow-ip': ['192.0.2.7'] },
    { 'publish-auth': 'required', 'allow-ip': ['10.0.0.0/8', '2001:db8::/32'] },
    { 'publish-auth': 'off' },
  ];

  test('is said for a camera too, of a list of cameras or of a hardware', () => {
    assert.deepEqual(
      loadText(cameras).config.cameraList.map(({ ownAccess }) => ownAccess),
      expected,
    );
    const hardware = `hardware:\n  - name: H\n    cameras:\n      - { path: /a, publish-auth: required, allow-ip: 10.1.2.3 }\n`;
    const [camera] = loadText(hardware).config.cameraList;
    assert.deepEqual(camera!.ownAccess, { 'publish-auth': 'required', 'allow-ip': ['10.1.2.3'] });
  });

  test('is printed as it is read', () => {
    const loaded = loadText(cameras);
    assert.deepEqual(loadText(printConfig(loaded)).config.cameraList, loaded.config.cameraList);
  });

  test('that changes for one camera is a change', () => {
    const before = loadText(cameras).config;
    const after = loadText(cameras.replace('192.0.2.7', '192.0.2.8')).config;
    assert.deepEqual(describeChanges(after, before), { live: ['cameras'], waiting: [] });
    const on = loadText(`publish-auth: true\n${cameras}`).config;
    assert.deepEqual(describeChanges(on, before), { live: ['publish-auth'], waiting: [] });
  });

  for (const [key, value, message] of [
    ['publish-callback', 'ftp://host/x', /an http:\/\/ or https:\/\/ URL/],
    ['publish-callback', 'https://user:pass@host/x', /without user name/],
    ['publish-callback', 'https://host/x?token=1', /without user name, query/],
    ['publish-callback', 'nothing', /an http:\/\/ or https:\/\/ URL/],
    ['publish-jwks', 'http://host/x', /http:\/\/ only of this machine/],
    ['publish-jwks', 'https://user@host/x', /without user name/],
    ['publish-jwt-algorithms', 'HS256', /some of ES256/],
    ['publish-jwt-algorithms', 'none', /some of ES256/],
    ['publish-callback-timeout', '60s', /from 100ms to 5s/],
  ] as const)
    test(`refuses ${key}: ${value}`, () =>
      assert.throws(
        () => loadText('', { [key]: value }),
        (error: Error) => error instanceof UsageError && message.test(error.message),
      ));

  for (const value of ['https://login.example/jwks', 'http://127.0.0.1:8/jwks', 'http://[::1]/jwks', '/etc/jwks.json'])
    test(`takes publish-jwks: ${value}`, () =>
      assert.equal(loadText('', { 'publish-jwks': value }).config.publishJwks, value));

  test('refuses what no camera can have', () => {
    for (const entry of ['publish-auth: sometimes', 'allow-ip: [example.com]', 'allow-ip: []', 'allow-ip: 10.0.0.0/33'])
      assert.throws(() => loadText(`cameras:\n  - { path: /a, ${entry} }\n`), UsageError, entry);
  });
});
