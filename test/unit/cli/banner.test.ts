import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { describe, test } from 'node:test';
import {
  describeStart,
  reachableHosts,
  ringMemory,
  type StartFacts,
  startRecord,
  streamUrl,
} from '../../../src/banner.ts';
import { limits } from '../../../src/base/limits.ts';
import type { Credentials } from '../../../src/config/credentials.ts';
import { loadConfig } from '../../../src/config/load.ts';

function factsOf(file: string, changes: Partial<StartFacts> = {}): StartFacts {
  const { config } = loadConfig({
    flags: new Map([['config', 'a.yaml']]),
    environment: {},
    readFile: () => file,
    cores: 2,
    terminal: true,
  });
  return {
    version: '1.2.3',
    config,
    addresses: { host: '::', rtmpPort: 1935, rtspPort: 8554 },
    hosts: ['192.0.2.10', '2001:db8::1'],
    credentials: { user: 'skyweir', password: 'abcd-efgh', origin: 'generated', file: '/state/password' },
    ...changes,
  };
}

describe('the banner', () => {
  test('says where to push with OBS and FFmpeg, where to pull, and how to stop', () => {
    const banner = describeStart(factsOf(''));
    for (const part of [
      'Skyweir 1.2.3 is ready.\n',
      'RTMP on [::]:1935, RTSP on [::]:8554\n',
      'Also at      2001:db8::1\n',
      '16: /stream1 to /stream16\n',
      'Server:     rtmp://192.0.2.10:1935\n',
      'Stream Key: stream1\n',
      ' -f flv rtmp://192.0.2.10:1935/stream1\n',
      'Pull from    rtsp://192.0.2.10:8554/stream1\n',
      'Ring memory ',
      'Ctrl-C stops it.\n',
    ])
      assert.ok(banner.includes(part), `${part} in\n${banner}`);
  });

  test('a path of several parts is split for OBS at its last slash', () => {
    const banner = describeStart(factsOf('cameras:\n  - path: /live/inst/drone7\n'));
    assert.match(banner, /Server: +rtmp:\/\/192\.0\.2\.10:1935\/live\/inst\n +Stream Key: drone7\n/);
  });

  test('the status page is named where it is on, at its own address', () => {
    const addresses = { host: '::', rtmpPort: 1935, rtspPort: 8554, httpPort: 8080 };
    assert.match(
      describeStart(factsOf('', { addresses })),
      /^Status page +http:\/\/192\.0\.2\.10:8080\/, with user and password from above$/m,
    );
    const own = factsOf('http-host: 127.0.0.1\n', { addresses, credentials: null });
    assert.match(describeStart(own), /^Status page +http:\/\/127\.0\.0\.1:8080\/$/m);
    assert.equal((startRecord(own) as { http?: string }).http, '127.0.0.1:8080');
    assert.doesNotMatch(describeStart(factsOf('')), /Status page/);
  });

  test('the real port is shown where a free one was asked for', () => {
    const banner = describeStart(
      factsOf('rtmp-port: 0\n', { addresses: { host: '::', rtmpPort: 40001, rtspPort: 8554 } }),
    );
    assert.ok(banner.includes('rtmp://192.0.2.10:40001/stream1'));
  });

  const file = '/state/password';
  const shown: [Credentials | null, RegExp, boolean][] = [
    [
      { user: 'u', password: 'abcd-efgh', origin: 'generated', file },
      /abcd-efgh.*only this once.*\/state\/password/,
      true,
    ],
    [{ user: 'u', password: 'abcd-efgh', origin: 'stored', file }, /Password +in \/state\/password\n/, false],
    [{ user: 'u', password: 'abcd-efgh', origin: 'password-file', file }, /--password-file/, false],
    [{ user: 'u', password: 'abcd-efgh', origin: 'environment', file: null }, /from SKYWEIR_PASSWORD/, false],
    [null, /open: .*--no-auth/, false],
  ];
  for (const [credentials, expected, hasPassword] of shown) {
    test(`${credentials?.origin ?? 'no-auth'}: the password is ${hasPassword ? 'shown' : 'not shown'}`, () => {
      const banner = describeStart(factsOf('', { credentials }));
      assert.match(banner, expected);
      assert.equal(banner.includes('abcd-efgh'), hasPassword);
    });
  }

  test('the record for the log never has the password', () => {
    const record = startRecord(factsOf(''));
    assert.ok(!JSON.stringify(record).includes('abcd-efgh'));
    assert.equal((record as { pushUrl: string }).pushUrl, 'rtmp://192.0.2.10:1935/stream1');
  });
});

describe('hosts', () => {
  const entry = (address: string, family: 'IPv4' | 'IPv6', internal = false) =>
    ({ address, family, internal }) as NetworkInterfaceInfo;
  const interfaces = {
    lo: [entry('127.0.0.1', 'IPv4', true), entry('::1', 'IPv6', true)],
    eth0: [entry('2001:db8::1', 'IPv6'), entry('fe80::1', 'IPv6'), entry('192.0.2.10', 'IPv4')],
    eth1: [entry('169.254.3.4', 'IPv4')],
  };

  test('for every address: the own ones, IPv4 first, without loopback and link-local', () => {
    assert.deepEqual(reachableHosts('::', interfaces), ['192.0.2.10', '2001:db8::1']);
  });
  test('for every IPv4 address: no IPv6', () =>
    assert.deepEqual(reachableHosts('0.0.0.0', interfaces), ['192.0.2.10']));
  test('for one address: that', () => assert.deepEqual(reachableHosts('127.0.0.1', interfaces), ['127.0.0.1']));
  test('for a machine without network: itself', () => assert.deepEqual(reachableHosts('::', {}), ['127.0.0.1']));

  test('URLs put IPv6 in brackets and escape the path', () => {
    assert.equal(streamUrl('rtmp', '2001:db8::1', 1935, '/a b/é'), 'rtmp://[2001:db8::1]:1935/a%20b/%C3%A9');
  });
});

test('ring memory follows cameras and ring settings', () => {
  const auto = ringMemory({ cameras: 10, ringFrames: 300, ringBytes: 'auto' });
  assert.ok(auto.startBytes > 10 * limits.ring.initialBytes && auto.startBytes < 11 * limits.ring.initialBytes);
  assert.ok(auto.startBytes < auto.grownBytes && auto.grownBytes < auto.worstCaseBytes);
  const fixed = ringMemory({ cameras: 1, ringFrames: 300, ringBytes: 4 * 1024 * 1024 });
  assert.equal(fixed.startBytes, fixed.grownBytes);
});
