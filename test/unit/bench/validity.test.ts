import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseArrived, parseDrops } from '../../../native-free-bench/system/udp-receiver.ts';
import { validityOf } from '../../../native-free-bench/system/validity.ts';

const good = {
  foreignCores: 0.1,
  machineCores: 1.5,
  cores: 2,
  generatorP99Ms: 2,
  readersP99Ms: 3,
  framesDue: 1000,
  framesSent: 1000,
  framesRefused: 0,
  missingPublishers: 0,
  missingReaders: 0,
  silentReaders: 0,
  closed: 0,
};

describe('the validity of a window', () => {
  test('a quiet machine and a load that came whole are valid', () => {
    assert.deepEqual(validityOf(good), { cost: [], latency: [] });
    assert.deepEqual(validityOf({ ...good, readersP99Ms: null }), { cost: [], latency: [] });
  });

  test('a late generator and a full machine spoil the latency only', () => {
    const { cost, latency } = validityOf({ ...good, generatorP99Ms: 50, readersP99Ms: 20, machineCores: 1.95 });
    assert.deepEqual(cost, []);
    assert.deepEqual(latency, [
      'the generator was late (p99 50.0 ms)',
      'the readers were late (p99 20.0 ms)',
      'the machine was full (1.95 of 2 cores)',
    ]);
  });

  test('other programs, frames not sent and peers that are not there spoil the cost', () => {
    const causes = [
      { foreignCores: 0.5 },
      { framesSent: 900 },
      { missingPublishers: 1 },
      { missingReaders: 1 },
      { silentReaders: 2 },
      { closed: 1 },
    ];
    for (const cause of causes) assert.equal(validityOf({ ...good, ...cause }).cost.length, 1, JSON.stringify(cause));
    // What the target did not take is its own fault and counts as sent.
    assert.deepEqual(validityOf({ ...good, framesSent: 900, framesRefused: 100 }).cost, []);
  });
});

describe("the kernel's counts of datagrams", () => {
  test('drops by local port', () => {
    const text =
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n' +
      ' 100: 0100007F:D431 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 12345 2 0000000000000000 17\n';
    assert.deepEqual([...parseDrops(text)], [[0xd431, 17]]);
  });

  test('what arrived, read or not', () => {
    const text =
      'Ip: Forwarding\nIp: 1\nUdp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors\nUdp: 100 2 30 400 28\nUdpLite: InDatagrams\nUdpLite: 5\n';
    assert.equal(parseArrived(text), 128);
  });
});
