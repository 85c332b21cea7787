import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UsageError } from '../../../src/config/errors.ts';
import { type LoadedConfig, loadConfig } from '../../../src/config/load.ts';
import { servesTls, usesCertificate } from '../../../src/config/schema.ts';

function load(flags: Record<string, string | boolean>, environment: Record<string, string> = {}): LoadedConfig {
  return loadConfig({
    flags: new Map(Object.entries(flags)),
    environment,
    readFile: () => '',
    cores: 2,
    terminal: false,
  });
}

function problems(flags: Record<string, string | boolean>): readonly string[] {
  try {
    load(flags);
  } catch (error) {
    if (error instanceof UsageError) return error.problems;
    throw error;
  }
  return [];
}

describe('which port speaks TLS', () => {
  const cases: [string, Record<string, string | boolean>, boolean, boolean][] = [
    ['none without a flag', {}, false, false],
    ['the RTMP port with --tls', { tls: true }, true, true],
    ['only the second port with --rtmps-port', { 'rtmps-port': '8443' }, true, false],
    ['only the second port with both', { tls: true, 'rtmps-port': '8443' }, true, false],
    ['port 0 is no second port', { tls: true, 'rtmps-port': '0' }, true, true],
  ];
  for (const [name, flags, any, first] of cases) {
    test(name, () => {
      const { config, warnings } = load(flags);
      assert.deepEqual([servesTls(config), config.listenerList[0]!.tls], [any, first]);
      assert.deepEqual(warnings, []);
    });
  }
});

describe('the certificate', () => {
  const pem = { 'tls-cert': 'c.pem', 'tls-key': 'k.pem' };

  test('is rtmp.pfx unless something else is named', () => assert.equal(load({ tls: true }).config.tlsPfx, 'rtmp.pfx'));

  test('of PEM files needs both', () => {
    assert.deepEqual(problems({ tls: true, 'tls-cert': 'c.pem' }), [
      '--tls-cert c.pem: needs --tls-key too, the file with the private key of this certificate',
    ]);
    assert.deepEqual(problems({ 'rtmps-port': '8443', 'tls-key': 'k.pem' }), [
      '--tls-key k.pem: needs --tls-cert too, the file with the certificate of this key',
    ]);
    assert.deepEqual(problems({ tls: true, ...pem }), []);
  });

  test('of PEM files wins over a PKCS#12 file, with a warning if both were asked for', () => {
    assert.deepEqual(load({ tls: true, ...pem }).warnings, []);
    assert.deepEqual(load({ tls: true, ...pem, 'tls-pfx': 'a.pfx' }).warnings, [
      '--tls-pfx a.pfx: is not used, because --tls-cert is given',
    ]);
  });

  test('that nobody wants is a warning', () => {
    assert.deepEqual(load({ 'tls-pfx': 'rtmp.pfx' }).warnings, [
      '--tls-pfx rtmp.pfx: has no effect without --tls or --rtmps-port',
    ]);
  });

  test('is used without a listener that speaks TLS, where one is named: for HTTP, RTSP and ONVIF', () => {
    const uses = (flags: Record<string, string | boolean>): boolean => {
      const { config, warnings } = load(flags);
      assert.deepEqual(warnings, []);
      return usesCertificate(config);
    };
    assert.deepEqual([uses({}), uses({ tls: true }), uses({ 'rtmps-port': '8443' })], [false, true, true]);
    assert.deepEqual([uses({ 'tls-pfx': 'a.pfx' }), uses({ 'tls-pfx': './rtmp.pfx' }), uses(pem)], [true, true, true]);
    assert.deepEqual(problems({ 'tls-cert': 'c.pem' }), [
      '--tls-cert c.pem: needs --tls-key too, the file with the private key of this certificate',
    ]);
  });

  test('has a password that is no part of the configuration', () => {
    const { config, warnings } = load({ tls: true }, { SKYWEIR_TLS_PASSWORD: 'geheim' });
    assert.deepEqual(warnings, []);
    assert.ok(!JSON.stringify(config).includes('geheim'));
  });
});

describe('ports', () => {
  test('the second one must differ from the others', () => {
    assert.deepEqual(problems({ 'rtmps-port': '1935' }), [
      '--rtmps-port 1935: --rtmp-port and --rtmps-port are both 1935; choose another port for one of them',
    ]);
    assert.deepEqual(problems({ 'rtmps-port': '8554' }), [
      '--rtmps-port 8554: --rtmps-port and --rtsp-port are both 8554; choose another port for one of them',
    ]);
  });

  test('0 is shared by all', () => {
    assert.deepEqual(problems({ 'rtmp-port': '0', 'rtsp-port': '0', 'rtmps-port': '0' }), []);
  });
});
