import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveStreamPath, withoutKeys } from '../../../src/rtmp/stream-path.ts';

describe('P1 to P6: what clients send and where it leads', () => {
  const cases: [string, string | null, string, string, string, string?][] = [
    ['OBS', '', 'stream1', '/stream1', ''],
    ['FFmpeg with one segment', 'stream1', '', '/stream1', ''],
    ['FFmpeg with two', 'live', 'cam1', '/live/cam1', ''],
    ['FFmpeg with query', 'live/inst', 'cam1?token=a%20b&x=1', '/live/inst/cam1', 'token=a%20b&x=1'],
    ['FFmpeg with extension', 'live', 'mp4:cam1.mp4', '/live/cam1.mp4', ''],
    ['OBS, query in the server field', 'a?k=v', 'key', '/a/key', 'k=v'],
    ['OBS renditions', 'a/b?k=v', '?k=v', '/a/b', 'k=v'],
    ['two queries', 'a?k=v', 'b?l=w', '/a/b', 'k=v&l=w'],
    ['StreamPack', 'live?x/y', '', '/live', 'x/y'],
    ['DJI GO', '', '', '/', ''],
    ['slashes doubled and trailing', '/live//', '//cam1/', '/live/cam1', ''],
    ['default instance', 'live/_definst_', 'cam1', '/live/cam1', ''],
    ['dots', './live', './cam1', '/live/cam1', ''],
    ['name with the app in it', 'live', 'live/cam1', '/live/live/cam1', ''],
    ['case is kept', 'Live', 'CAM1', '/Live/CAM1', ''],
    ['fragment', 'live', 'cam1#x?y=1', '/live/cam1', ''],
    ['fragment behind the query', 'live', 'cam1?y=1#x', '/live/cam1', 'y=1'],
    ['semicolon and comma', 'live', 'cam;1,2', '/live/cam;1,2', ''],
    ['escapes', 'live', 'cam%201', '/live/cam%201', '', '/live/cam 1'],
    ['escapes once', 'live', 'cam%2520', '/live/cam%2520', '', '/live/cam%20'],
    ['UTF-8 escapes', 'live', 'caf%C3%A9', '/live/caf%C3%A9', '', '/live/café'],
    ['bad escapes', 'live', '100%25%zz%ff', '/live/100%25%zz%ff', '', '/live/100%%zz%ff'],
    ['an escaped slash is no separator', 'live', 'a%2fb', '/live/a%2fb', '', '/live/a%2Fb'],
    ['eight segments', 'a/b/c/d', 'e/f/g/h', '/a/b/c/d/e/f/g/h', ''],
  ];
  for (const [name, app, streamName, path, query, decodedPath] of cases)
    test(name, () =>
      assert.deepEqual(resolveStreamPath(app, streamName, ''), { path, decodedPath: decodedPath ?? path, query }),
    );
});

describe('P1: paths that are not acceptable', () => {
  const cases: [string, string, string][] = [
    ['parent', 'live', '../cam1'],
    ['escaped parent', 'live', '%2e%2E/cam1'],
    ['NUL', 'live', 'cam\0'],
    ['escaped NUL', 'live', 'cam%00'],
    ['control character', 'live', 'cam\n1'],
    ['backslash', 'live', 'a\\b'],
    ['escaped backslash', 'live', 'a%5Cb'],
    ['nine segments', 'a/b/c/d', 'e/f/g/h/i'],
    ['513 bytes', '', 'é'.repeat(257)],
  ];
  for (const [name, app, streamName] of cases)
    test(name, () => assert.equal(resolveStreamPath(app, streamName, ''), null));
});

describe('P5, P9: app from tcUrl when it was not sent', () => {
  for (const [tcUrl, path] of [
    ['rtmp://host/live', '/live/cam1'],
    ['rtmp://user:pass@[2001:db8::1]:1935/live/a', '/live/a/cam1'],
    ["'rtmp://host/live", '/live/cam1'],
    ['rtmp://host', '/cam1'],
    ['rtmp://host?x=1', '/cam1'],
    ['not an address', '/cam1'],
    ['', '/cam1'],
  ] as const)
    test(tcUrl || 'none', () => assert.equal(resolveStreamPath(null, 'cam1', tcUrl)?.path, path));

  test('an app that was sent, even empty, wins', () =>
    assert.equal(resolveStreamPath('', 'cam1', 'rtmp://host/live')?.path, '/cam1'));

  test('a query of 60 000 bytes is slow for nobody', () =>
    assert.equal(resolveStreamPath('live', `cam1?${'a=%20&'.repeat(10_000)}`, '')?.path, '/live/cam1'));
});

describe('paths for logs and events', () => {
  const key = 'swk_0123456789abcdefghjkmnpqrstvwxyz';
  const cases: [string, string][] = [
    ['/stream1', '/stream1'],
    ['/caf%C3%A9/100%', '/caf%C3%A9/100%'],
    ['/swk_7/cam', '/swk_7/cam'],
    [`/stream1/${key}`, '/stream1/[key]'],
    [`/stream1/${key.toUpperCase()}xyz/`, '/stream1/[key]/'],
    [`/stream1/%20${key} `, '/stream1/%20[key]%20'],
    [`/stream1%0AINFO:%20no/${key}%u2028`, '/stream1%0AINFO:%20no/[key]%u2028'],
    [`/stream1:${key}`, '/stream1:[key]'],
    [`/stream1/%73wk_${key.slice(4)}`, '/stream1/[key]'],
    [`/stream1/swk%5F${key.slice(4)}`, '/stream1/[key]'],
    [`/${key}-${key}/stream1`, '/[key]-[key]/stream1'],
    [`/${key}${key.repeat(3)}/stream1`, '/[key]/stream1'],
    [`/stream1%3Fkey=${key}`, '/stream1?[query]'],
    [`/stream1%3ftoken%3DeyJhbGciOiJFUzI1NiJ9.eyJwIjoxfQ.c2ln`, '/stream1?[query]'],
    [`/stream1%253Ftoken=eyJhbGciOiJFUzI1NiJ9.eyJwIjoxfQ.c2ln`, '/stream1?[query]'],
    ['/stream1%25253Ftoken%25253Dabc', '/stream1?[query]'],
    ['/a%2fb%252fc?', '/a%2Fb%2Fc?[query]'],
    ['/stream1&pin=1234', '/stream1&[query]'],
    ['/stream1%26pin%3D1234/x', '/stream1&[query]'],
    ['/stream1/sign=1234', '/stream1/sign=[query]'],
    [`/${key}&x=1`, '/[key]&[query]'],
  ];
  for (const [path, shown] of cases)
    test(path, () => {
      assert.equal(withoutKeys(path), shown);
      assert.equal(withoutKeys(shown), shown, 'it is shown in one form only');
    });
});
