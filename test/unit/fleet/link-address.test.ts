import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ffmpegTlsArguments, linkAddress } from '../../../scripts/fleet/link-address.ts';
import { parsePattern } from '../../../scripts/fleet/url-pattern.ts';

const target = (url: string) => parsePattern(url, ['rtmp:', 'rtmps:']);
const named = target('rtmps://video.example:443/live/cam%d');
const numbered = target('rtmps://192.0.2.5:443/live/cam%d');

describe('a camera behind a link', () => {
  test('checks the certificate of the target, not of the link', () => {
    assert.deepEqual(ffmpegTlsArguments(named, false, true), ['-tls_verify', '1', '-verifyhost', 'video.example']);
    assert.deepEqual(ffmpegTlsArguments(numbered, false, true), ['-tls_verify', '1', '-verifyhost', '192.0.2.5']);
    assert.deepEqual(ffmpegTlsArguments(named, false, false), ['-tls_verify', '1']);
    assert.deepEqual(ffmpegTlsArguments(named, true, true), ['-tls_verify', '0']);
    assert.deepEqual(ffmpegTlsArguments(target('rtmp://video.example/cam%d'), false, true), []);
  });

  test('connects by a name where the server may choose its certificate by one', () => {
    assert.deepEqual(linkAddress(named, 5000), { ...named, host: 'localhost', port: 5000 });
    assert.equal(linkAddress(numbered, 5000).host, '127.0.0.1');
    assert.equal(linkAddress(target('rtmp://video.example/cam%d'), 5000).host, '127.0.0.1');
  });
});
