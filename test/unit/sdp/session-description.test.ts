import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { writeSessionDescription } from '../../../src/sdp/session-description.ts';

const sps = Buffer.from('67640028acd9', 'hex');
const pps = Buffer.from('68ebe3cb', 'hex');

describe('session description', () => {
  test('a known stream is described with profile, parameter sets and frame rate', () => {
    assert.equal(
      writeSessionDescription({ name: 'Stream 1', sps, pps, fps: 29.97002997 }),
      [
        'v=0',
        'o=- 1 1 IN IP4 0.0.0.0',
        's=Stream 1',
        'c=IN IP4 0.0.0.0',
        't=0 0',
        'a=control:*',
        'a=range:npt=now-',
        'm=video 0 RTP/AVP 96',
        'a=rtpmap:96 H264/90000',
        'a=fmtp:96 packetization-mode=1;profile-level-id=640028;sprop-parameter-sets=Z2QAKKzZ,aOvjyw==',
        'a=framerate:29.97',
        'a=recvonly',
        'a=control:trackID=0',
        '',
      ].join('\r\n'),
    );
  });

  test('over IPv6 it names addresses of IPv6, so that clients open UDP ports there', () => {
    const text = writeSessionDescription({ name: 'x', sps, pps, fps: 0, ipv6: true });
    assert.match(text, /^v=0\r\no=- 1 1 IN IP6 ::\r\ns=x\r\nc=IN IP6 ::\r\n/);
  });

  test('parameter sets that are views into a larger buffer are written alone', () => {
    const memory = Buffer.concat([Buffer.alloc(5, 0xff), sps, pps, Buffer.alloc(5, 0xff)]);
    const text = writeSessionDescription({
      name: 'x',
      sps: memory.subarray(5, 11),
      pps: memory.subarray(11, 15),
      fps: 0,
    });
    assert.match(text, /profile-level-id=640028;sprop-parameter-sets=Z2QAKKzZ,aOvjyw==\r\n/);
  });

  for (const [name, stream] of [
    ['no parameter sets', { sps: null, pps: null }],
    ['no PPS', { sps, pps: null }],
    ['an SPS without a profile', { sps: sps.subarray(0, 3), pps }],
  ] as const) {
    test(`with ${name} none are promised`, () => {
      const text = writeSessionDescription({ name: 'x', ...stream, fps: 25 });
      assert.match(text, /a=fmtp:96 packetization-mode=1\r\n/);
    });
  }

  for (const fps of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
    test(`a frame rate of ${fps} is left out`, () => {
      assert.doesNotMatch(writeSessionDescription({ name: 'x', sps, pps, fps }), /framerate/);
    });
  }

  test('a name cannot add lines, and an empty one is a dash', () => {
    const evil = writeSessionDescription({ name: 'a\r\nm=audio 0 RTP/AVP 0\n', sps, pps, fps: 0 });
    assert.match(evil, /\r\ns=a m=audio 0 RTP\/AVP 0\r\n/);
    assert.match(writeSessionDescription({ name: ' \r\n', sps, pps, fps: 0 }), /\r\ns=-\r\n/);
  });
});
