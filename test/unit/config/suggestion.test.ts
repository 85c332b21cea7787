import assert from 'node:assert/strict';
import { test } from 'node:test';
import { suggest } from '../../../src/config/suggestion.ts';

const words = ['rtmp-port', 'rtsp-port', 'cameras', 'user', 'host', 'auth'];
const cases: [string, string | null][] = [
  ['rtmp-prot', 'rtmp-port'],
  ['rtsport', 'rtsp-port'],
  ['camera', 'cameras'],
  ['CAMERAS', 'cameras'],
  ['usr', 'user'],
  ['zebra', null],
  ['', null],
  ['x'.repeat(1000), null],
];
for (const [word, expected] of cases)
  test(`${JSON.stringify(word.slice(0, 20))} suggests ${expected}`, () => assert.equal(suggest(word, words), expected));
