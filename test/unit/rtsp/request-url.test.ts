import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseRequestUrl } from '../../../src/rtsp/request-url.ts';

const table: [uri: string, path: string, track: number, base: string][] = [
  ['rtsp://h:8554/stream1', '/stream1', -1, 'rtsp://h:8554/stream1/'],
  ['rtsp://h:8554/stream1/', '/stream1', -1, 'rtsp://h:8554/stream1/'],
  ['rtsp://h/live/drone7//', '/live/drone7', -1, 'rtsp://h/live/drone7/'],
  ['rtsp://h/stream1/trackID=0', '/stream1', 0, 'rtsp://h/stream1/'],
  ['rtsp://h/stream1/trackID=0/', '/stream1', 0, 'rtsp://h/stream1/'],
  ['rtsp://h/stream1/trackid=1', '/stream1', 1, 'rtsp://h/stream1/'],
  ['rtsp://h/stream1?a=b', '/stream1', -1, 'rtsp://h/stream1/'],
  ['rtsp://h/stream1/?a=b', '/stream1', -1, 'rtsp://h/stream1/'],
  ['rtsp://h/stream1?a=b/trackID=0', '/stream1', 0, 'rtsp://h/stream1/'],
  ['rtsp://h/stream1/trackID=0?a=b', '/stream1', 0, 'rtsp://h/stream1/'],
  ['rtsp://h/stream1#x', '/stream1', -1, 'rtsp://h/stream1/'],
  ['rtsp://u:p@h/stream1', '/stream1', -1, 'rtsp://h/stream1/'],
  ['rtsp://u:p@ss@h:1/stream1', '/stream1', -1, 'rtsp://h:1/stream1/'],
  ['rtsp://[fe80::1]:554/stream1', '/stream1', -1, 'rtsp://[fe80::1]:554/stream1/'],
  ['rtsp://[::1]/stream1/trackID=0', '/stream1', 0, 'rtsp://[::1]/stream1/'],
  ['rtsp://u:p@[2001:db8::1]:8554/stream1/', '/stream1', -1, 'rtsp://[2001:db8::1]:8554/stream1/'],
  ['rtsp://[fe80::1%25eth0]:8554/stream1', '/stream1', -1, 'rtsp://[fe80::1%25eth0]:8554/stream1/'],
  ['RTSP://H/Stream1', '/Stream1', -1, 'rtsp://H/Stream1/'],
  ['rtsps://h/stream1', '/stream1', -1, 'rtsps://h/stream1/'],
  ['rtspu://h/stream1', '/stream1', -1, 'rtspu://h/stream1/'],
  ['http://h/stream1', '/stream1', -1, 'http://h/stream1/'],
  ['rtsp://h', '/', -1, 'rtsp://h/'],
  ['rtsp://h/', '/', -1, 'rtsp://h/'],
  ['rtsp://h?x', '/', -1, 'rtsp://h/'],
  ['rtsp://h/trackID=0', '/', 0, 'rtsp://h/'],
  ['trackID=0', '/', 0, 'rtsp://server:8554/'],
  ['/stream1/trackID=0', '/stream1', 0, 'rtsp://server:8554/stream1/'],
  ['stream1', '/stream1', -1, 'rtsp://server:8554/stream1/'],
  ['*', '*', -1, '*'],
  ['rtsp://h/a%20b', '/a b', -1, 'rtsp://h/a%20b/'],
  ['rtsp://h/a%2520b', '/a%20b', -1, 'rtsp://h/a%2520b/'],
  ['rtsp://h/caf%C3%A9', '/caf\u00e9', -1, 'rtsp://h/caf%C3%A9/'],
  ['rtsp://h/a%2Fb', '/a/b', -1, 'rtsp://h/a%2Fb/'],
  ['rtsp://h/%2Fa%2F', '/a', -1, 'rtsp://h/%2Fa%2F/'],
  ['rtsp://h/%2F', '/', -1, 'rtsp://h/%2F/'],
  ['', '/', -1, 'rtsp://server:8554/'],
];

describe('request URLs', () => {
  for (const [uri, path, track, base] of table) {
    test(`${uri || 'an empty URL'} is ${path}${track < 0 ? '' : ` track ${track}`}`, () => {
      assert.deepEqual(parseRequestUrl(uri, 'server:8554'), { path, track, base });
    });
  }

  test('a bare path is on the server, with its scheme', () => {
    assert.equal(parseRequestUrl('/stream1', '[::1]:8554')?.base, 'rtsp://[::1]:8554/stream1/');
    assert.equal(parseRequestUrl('/stream1', '[::1]:8554', 'rtsps')?.base, 'rtsps://[::1]:8554/stream1/');
    assert.equal(parseRequestUrl('rtsp://h/stream1', '[::1]:8554', 'rtsps')?.base, 'rtsp://h/stream1/');
  });

  for (const uri of ['rtsp://h/%', 'rtsp://h/%zz', 'rtsp://h/%ff', 'rtsp://h/a%00b', 'rtsp://h/a%0d%0ab'])
    test(`${uri} is refused`, () => assert.equal(parseRequestUrl(uri, 'x'), null));

  test('a run of slashes takes time linear in its length', () => {
    assert.equal(parseRequestUrl(`rtsp://h/a${'/'.repeat(100_000)}b`, 'x')?.path.length, 100_003);
  });
});
