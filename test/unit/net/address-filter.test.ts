import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AddressFilter } from '../../../src/net/address-filter.ts';

/** Which of these addresses a filter lets in. */
function admitted(filter: AddressFilter, ...addresses: string[]): string[] {
  return addresses.filter((address) => filter.admits(address));
}

describe('who may publish', () => {
  test('without a list: everybody', () => {
    const filter = new AddressFilter([], []);
    const all = ['192.0.2.7', '::1', '::ffff:192.0.2.7', 'fe80::1%eth0'];
    assert.deepEqual(admitted(filter, ...all), all);
  });

  test('allow-ip: addresses and networks, and nobody else', () => {
    const filter = new AddressFilter(['192.0.2.7', '10.1.0.0/16', '2001:db8::/32'], []);
    assert.deepEqual(
      admitted(filter, '192.0.2.7', '192.0.2.8', '10.1.255.255', '10.2.0.0', '2001:db8:ffff::1', '2001:db9::1', '::1'),
      ['192.0.2.7', '10.1.255.255', '2001:db8:ffff::1'],
    );
  });

  test('deny-ip wins over allow-ip, and alone leaves all others', () => {
    const both = new AddressFilter(['10.0.0.0/8'], ['10.0.0.66', '10.3.0.0/24']);
    assert.deepEqual(admitted(both, '10.0.0.65', '10.0.0.66', '10.3.0.1', '10.3.1.1'), ['10.0.0.65', '10.3.1.1']);
    const deny = new AddressFilter([], ['2001:db8::/32']);
    assert.deepEqual(admitted(deny, '2001:db8::1', '2001:db9::1', '10.0.0.1'), ['2001:db9::1', '10.0.0.1']);
  });

  test('an IPv4 address mapped into IPv6 is the IPv4 address', () => {
    assert.deepEqual(admitted(new AddressFilter(['10.0.0.0/8'], []), '::ffff:10.1.2.3', '::ffff:11.1.2.3'), [
      '::ffff:10.1.2.3',
    ]);
    assert.deepEqual(admitted(new AddressFilter([], ['10.0.0.1']), '::ffff:10.0.0.1', '::ffff:10.0.0.2'), [
      '::ffff:10.0.0.2',
    ]);
  });

  test('a link-local address is compared without its zone', () => {
    assert.deepEqual(admitted(new AddressFilter(['fe80::/10'], []), 'fe80::1%eth0', '::1'), ['fe80::1%eth0']);
    assert.deepEqual(admitted(new AddressFilter([], ['fe80::1']), 'fe80::1%eth0', 'fe80::2%eth0'), ['fe80::2%eth0']);
  });
});
