import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressKey, isLoopback } from '../../../src/base/address.ts';

test('only addresses and names of this machine alone are loopback', () => {
  for (const own of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1', 'localhost', 'LOCALHOST'])
    assert.equal(isLoopback(own), true, own);
  for (const other of [
    ...['', '0.0.0.0', '::', '192.0.2.1', '128.0.0.1', '::ffff:192.0.2.1', '::1%eth0', '1'],
    ...['127.0.0.1.example.com', 'localhost.example.com', 'example.com', '127.1', '0127.0.0.1', '[::1]'],
  ])
    assert.equal(isLoopback(other), false, other);
});

test('what addresses of one owner have in common is written in one form', () => {
  assert.equal(addressKey('192.168.1.7'), '192.168.1.7');
  assert.equal(addressKey('::ffff:192.168.1.7'), '192.168.1.7');
  assert.equal(addressKey('::1'), '0:0:0:0::/64');
  assert.equal(addressKey('fe80::1%eth0'), 'fe80:0:0:0::/64');
  assert.equal(addressKey('2001:0DB8:0:1::5'), '2001:db8:0:1::/64');
  assert.equal(addressKey('2001:db8:0:1:2:3:4:5'), '2001:db8:0:1::/64');
});
