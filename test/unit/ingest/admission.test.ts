import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Admission } from '../../../src/ingest/admission.ts';

const unlimited = { maxConnections: 1000, maxConnectionsPerIp: 0, ratePerSecond: 0 };

describe('admission', () => {
  test('refuses the connection past the total and admits again when one is released', () => {
    const admission = new Admission({ ...unlimited, maxConnections: 2 });
    assert.equal(admission.admit('10.0.0.1', 0), null);
    assert.equal(admission.admit('10.0.0.2', 0), null);
    assert.equal(admission.admit('10.0.0.3', 0), 'connections_exceeded');
    admission.release('10.0.0.1');
    assert.equal(admission.admit('10.0.0.3', 0), null);
    assert.equal(admission.total, 2);
  });

  test('limits each address on its own; an IPv4 address mapped into IPv6 is the same address', () => {
    const admission = new Admission({ ...unlimited, maxConnectionsPerIp: 1 });
    assert.equal(admission.admit('10.0.0.1', 0), null);
    assert.equal(admission.admit('::ffff:10.0.0.1', 0), 'connections_per_ip_exceeded');
    assert.equal(admission.admit('10.0.0.2', 0), null);
  });

  test('IPv6 addresses of one /64 share their limits', () => {
    const admission = new Admission({ ...unlimited, maxConnectionsPerIp: 1 });
    assert.equal(admission.admit('2001:db8:0:1::1', 0), null);
    assert.equal(admission.admit('2001:db8:0:1:ffff::9', 0), 'connections_per_ip_exceeded');
    assert.equal(admission.admit('2001:db8:0:2::1', 0), null);
  });

  test('the rate is per sliding second: a burst at a window border does not pass twice', () => {
    const admission = new Admission({ ...unlimited, ratePerSecond: 10 });
    for (let i = 0; i < 10; i++) assert.equal(admission.admit('10.0.0.1', 900), null);
    assert.equal(admission.admit('10.0.0.1', 999), 'rate_limited');
    assert.equal(admission.admit('10.0.0.1', 1910), null, 'a second later there is room again');
    assert.equal(admission.admit('10.0.0.2', 999), null, 'other addresses are not concerned');
  });

  test('an overloaded machine admits nobody; its limits go first, and the rate is not used up meanwhile', () => {
    const admission = new Admission({ ...unlimited, maxConnections: 2, ratePerSecond: 2 });
    assert.equal(admission.admit('10.0.0.1', 0), null);
    for (let i = 0; i < 10; i++) assert.equal(admission.admit('10.0.0.1', 0, true), 'overloaded');
    assert.equal(admission.total, 1);
    assert.equal(admission.admit('10.0.0.1', 0), null);
    assert.equal(admission.admit('10.0.0.1', 0, true), 'connections_exceeded');
  });

  test('what a limit refuses does not use up the limits after it', () => {
    const admission = new Admission({ maxConnections: 1, maxConnectionsPerIp: 1, ratePerSecond: 2 });
    assert.equal(admission.admit('10.0.0.1', 0), null);
    for (let i = 0; i < 50; i++) assert.equal(admission.admit('10.0.0.1', 0), 'connections_exceeded');
    admission.release('10.0.0.1');
    assert.equal(admission.admit('10.0.0.1', 1), null);
  });

  test('a change of the limits is in force for the next connection', () => {
    const admission = new Admission({ ...unlimited, maxConnections: 1 });
    assert.equal(admission.admit('10.0.0.1', 0), null);
    admission.options = { ...unlimited, maxConnections: 2 };
    assert.equal(admission.admit('10.0.0.1', 0), null);
  });

  test('the rate of 65 536 addresses is remembered; of one more, the one that came first is forgotten', () => {
    const admission = new Admission({ maxConnections: 1_000_000, maxConnectionsPerIp: 0, ratePerSecond: 1 });
    const remembered = 65_536;
    const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 0xff}.${i & 0xff}`;
    for (let i = 0; i < remembered; i++) assert.equal(admission.admit(address(i), 0), null);
    assert.equal(admission.admit(address(0), 0), 'rate_limited');
    assert.equal(admission.admit(address(remembered), 0), null);
    assert.equal(admission.admit(address(1), 0), 'rate_limited');
    assert.equal(admission.admit(address(0), 0), null, 'it had the oldest place');
  });
});
