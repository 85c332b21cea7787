import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseTransport, writeTransport } from '../../../src/rtsp/transport-header.ts';

const udp = (first: number, second: number, profile = 'RTP/AVP') => ({
  profile,
  request: { protocol: 'udp', clientPorts: [first, second], interleaved: null },
});
const tcp = (first: number, second: number) => ({
  profile: 'RTP/AVP/TCP',
  request: { protocol: 'tcp', clientPorts: null, interleaved: [first, second] },
});

const table: [header: string, offers: unknown[]][] = [
  ['RTP/AVP;unicast;client_port=5000-5001', [udp(5000, 5001)]],
  ['RTP/AVP/UDP;unicast;client_port=5000-5001;mode="PLAY"', [udp(5000, 5001, 'RTP/AVP/UDP')]],
  ['rtp/avp/udp; unicast ; client_port = 5000-5001 ; mode=play', [udp(5000, 5001, 'RTP/AVP/UDP')]],
  ['RTP/AVP;unicast;client_port=5000', [udp(5000, 5001)]],
  ['RTP/AVP;client_port=5000-5001', [udp(5000, 5001)]],
  ['RTP/AVP;unicast;client_port=5000-5001;destination=203.0.113.9', [udp(5000, 5001)]],
  ['RTP/AVP/TCP;unicast;interleaved=0-1', [tcp(0, 1)]],
  ['RTP/AVP/TCP;interleaved=2-3', [tcp(2, 3)]],
  ['RTP/AVP/TCP;unicast;interleaved=4', [tcp(4, 5)]],
  ['RTP/AVP/TCP;unicast', [tcp(0, 1)]],
  ['RTP/AVP/TCP', [tcp(0, 1)]],
  ['RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1234;mode="PLAY"', [tcp(0, 1)]],
  ['RTP/AVP/TCP;unicast;interleaved=0-1;client_port=0-0', [tcp(0, 1)]],
  ['RTP/AVP;unicast;client_port=5000-5001,RTP/AVP/TCP;unicast;interleaved=0-1', [udp(5000, 5001), tcp(0, 1)]],
  ['RTP/AVP/TCP;interleaved=0-1 , RTP/AVP;client_port=1024-1025', [tcp(0, 1), udp(1024, 1025)]],
  ['RTP/AVP;multicast', []],
  ['RTP/AVP;multicast;client_port=5000-5001', []],
  ['RTP/AVP;multicast,RTP/AVP/TCP;interleaved=0-1', [tcp(0, 1)]],
  ['RTP/AVP;unicast', []],
  ['RTP/SAVP;unicast;client_port=5000-5001', []],
  ['RTP/AVPF/TCP;unicast', []],
  ['RAW/RAW/UDP;unicast;client_port=5000-5001', []],
  ['RTP/AVP;unicast;client_port=5000-5001;mode=record', []],
  ['RTP/AVP;unicast;client_port=0-1', []],
  ['RTP/AVP;unicast;client_port=53-54', []],
  ['RTP/AVP;unicast;client_port=1024-1023', []],
  ['RTP/AVP;unicast;client_port=123-124,RTP/AVP/TCP;interleaved=0-1', [tcp(0, 1)]],
  ['RTP/AVP;unicast;client_port=65535', []],
  ['RTP/AVP;unicast;client_port=65536-65537', []],
  ['RTP/AVP;unicast;client_port=5000-5000', []],
  ['RTP/AVP;unicast;client_port=-1', []],
  ['RTP/AVP/TCP;unicast;interleaved=255', []],
  ['RTP/AVP/TCP;unicast;interleaved=256-257', []],
  ['RTP/AVP/TCP;unicast;interleaved=', []],
  ['', []],
  [',;,;=;', []],
  [`${'RTP/AVP;multicast,'.repeat(8)}RTP/AVP/TCP`, []],
];

describe('Transport header', () => {
  for (const [header, offers] of table) {
    test(`${header || 'an empty header'} offers ${offers.length}`, () =>
      assert.deepEqual(parseTransport(header), offers));
  }

  test('the answer to UDP repeats the profile and the client ports and adds ours', () => {
    const [offer] = parseTransport('RTP/AVP/UDP;unicast;client_port=5000-5001');
    assert.equal(
      writeTransport(offer!, { serverPorts: [6000, 6001], ssrc: 0xabc }),
      'RTP/AVP/UDP;unicast;client_port=5000-5001;server_port=6000-6001;ssrc=00000ABC',
    );
  });

  test('the answer to TCP names the channels', () => {
    const [offer] = parseTransport('RTP/AVP/TCP');
    assert.equal(writeTransport(offer!, { serverPorts: null, ssrc: null }), 'RTP/AVP/TCP;unicast;interleaved=0-1');
  });
});
