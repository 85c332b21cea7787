import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { describe, test } from 'node:test';
import { LocalAddresses } from '../../../src/net/local-addresses.ts';

function info(cidr: string, internal = false, scopeid = 0): NetworkInterfaceInfo {
  const address = cidr.split('/')[0]!;
  const rest = { address, netmask: '', mac: '02:00:00:00:00:01', internal, cidr };
  return address.includes(':') ? { ...rest, family: 'IPv6', scopeid } : { ...rest, family: 'IPv4' };
}

const interfaces = {
  lo: [info('127.0.0.1/8', true), info('::1/128', true)],
  eth0: [info('192.0.2.2/24'), info('192.0.2.130/25'), info('fd00::2/64'), info('fe80::2/64', false, 4)],
  eth1: [info('198.51.100.7/28'), info('fe80::7/64', false, 5)],
  down: undefined,
};
const all = new LocalAddresses(interfaces, '::');

describe('the address that faces a peer', () => {
  for (const [peer, facing] of [
    ['192.0.2.9', '192.0.2.2'],
    ['::ffff:192.0.2.9', '192.0.2.2'],
    ['192.0.2.130', '192.0.2.130'],
    ['198.51.100.14', '198.51.100.7'],
    ['198.51.100.16', null],
    ['203.0.113.1', null],
    ['127.0.0.1', '127.0.0.1'],
    ['127.8.8.8', '127.0.0.1'],
    ['fd00::9', 'fd00::2'],
    ['fd01::9', null],
    ['::1', '::1'],
    ['fe80::9%eth0', 'fd00::2'],
    ['fe80::9%4', 'fd00::2'],
    ['fe80::9%eth1', 'fe80::7'],
    ['fe80::9%5', 'fe80::7'],
    ['fe80::9%eth9', null],
    ['', null],
    ['somewhere', null],
  ] as const)
    test(`${peer || 'nothing'}: ${facing}`, () => assert.equal(all.facing(peer), facing));

  test('is on the link of a client whose own address is for that link, as that of every search over IPv6 is', () => {
    const one = new LocalAddresses(interfaces, 'fd00::2');
    assert.equal(one.facing('fe80::9%eth0'), 'fd00::2');
    assert.equal(one.facing('fe80::9%4'), 'fd00::2');
    assert.equal(one.facing('fe80::9%eth1'), null);
    assert.equal(new LocalAddresses(interfaces, '192.0.2.2').facing('fe80::9%eth0'), null);
    assert.equal(new LocalAddresses(interfaces, '0.0.0.0').facing('fe80::9%eth0'), null);
    assert.deepEqual(
      new LocalAddresses(interfaces, 'fd00::2', 'win32').places(9).map(({ zone, address }) => `${zone} ${address}`),
      ['4 fd00::2'],
    );
  });

  test('is that of the smallest network that the peer is in, by which packets to it go', () => {
    const nested = new LocalAddresses(
      {
        tun0: [info('10.8.0.1/8'), info('fd00::8/8')],
        eth0: [info('10.20.0.5/16'), info('fd00:20::5/48')],
        eth1: [info('10.20.30.7/24'), info('fd00:20::7/64')],
      },
      '::',
    );
    assert.equal(nested.facing('10.20.30.9'), '10.20.30.7');
    assert.equal(nested.facing('10.20.31.9'), '10.20.0.5');
    assert.equal(nested.facing('10.21.0.9'), '10.8.0.1');
    assert.equal(nested.facing('10.8.0.1'), '10.8.0.1');
    assert.equal(nested.facing('fd00:20::9'), 'fd00:20::7');
    assert.equal(nested.facing('fd00:20:0:1::9'), 'fd00:20::5');
  });

  test('is the one that the listeners are bound to, or none', () => {
    const one = new LocalAddresses(interfaces, '198.51.100.7');
    assert.equal(one.facing('198.51.100.1'), '198.51.100.7');
    assert.equal(one.facing('192.0.2.9'), null);
    const linkLocal = new LocalAddresses(interfaces, 'fe80::7%eth1');
    assert.equal(linkLocal.facing('fe80::9%eth1'), 'fe80::7');
    assert.equal(linkLocal.facing('198.51.100.1'), null);
    const four = new LocalAddresses(interfaces, '0.0.0.0');
    assert.equal(four.facing('192.0.2.9'), '192.0.2.2');
    assert.equal(four.facing('fd00::9'), null);
  });
});

describe('places to announce at', () => {
  const brief = (addresses: LocalAddresses, bound = 9) =>
    addresses.places(bound).map(({ zone, address }) => `${zone} ${address}`);

  test('are all IPv4 addresses, and one of IPv6 on each interface, but no loopback', () => {
    assert.deepEqual(brief(all), [
      'eth0 192.0.2.2',
      'eth0 192.0.2.130',
      'eth0 fd00::2',
      'eth1 198.51.100.7',
      'eth1 fe80::7',
    ]);
    assert.equal(brief(all, 2).length, 2);
    assert.deepEqual(brief(new LocalAddresses(interfaces, '198.51.100.7')), ['eth1 198.51.100.7']);
    assert.deepEqual(brief(new LocalAddresses(interfaces, '127.0.0.1')), []);
  });

  test('have numbers for zones on Windows', () => {
    const windows = new LocalAddresses(interfaces, '::', 'win32');
    assert.deepEqual(brief(windows).slice(2), ['4 fd00::2', '5 198.51.100.7', '5 fe80::7']);
  });
});
