import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { patchKeys } from '../../../src/config/edits.ts';
import { UsageError } from '../../../src/config/errors.ts';
import { changeCamera } from '../../../src/config/hardware-edits.ts';
import { loadText } from '../../support/config-text.ts';

/** Name and paths of each camera. */
function camerasOf(file: string): string[] {
  return loadText(file).config.cameraList.map(({ name, path, rtspPath }) => `${name} ${path} ${rtspPath}`);
}

const codes = `cameras:
  - name: 007
    path: 0815
  - {name: 1.10, path: 158101020304050607089, rtsp-path: 0x1F}
  - name: 1e3
    path: .5
user: 0042
`;

describe('a text of the file that looks like a number', () => {
  test('is taken as it is written', () => {
    assert.deepEqual(camerasOf(codes), ['007 /0815 /0815', '1.10 /158101020304050607089 /0x1F', '1e3 /.5 /.5']);
    assert.equal(loadText(codes).config.user, '0042');
    const [device] = loadText('hardware:\n  - {name: 0100, number: 03, cameras: [{path: 01}]}\n').config.hardwareList;
    assert.deepEqual([device?.name, device?.number], ['0100', 3]);
  });

  test('is so in a hook too, also as the name of a camera', () => {
    const guid = '7f3b0e9a-5a3c-4e4f-9a5d-0a1b2c3d4e5f';
    const [hook] = loadText(
      `hooks:\n  - type: milestone-analytics\n    url: http://a/\n    name: 01\n    cameras: [007]\n    timeout: 2.50\n    text: 1.0\n    camera-ids: {007: ${guid}}\n    headers: {X-Key: 0123}\n`,
    ).config.hooks;
    assert.deepEqual(hook, {
      type: 'milestone-analytics',
      url: 'http://a/',
      name: '01',
      cameras: ['007'],
      timeout: 2500,
      text: '1.0',
      'camera-ids': { '007': guid },
      headers: { 'X-Key': '0123' },
    });
  });

  test('is so by an alias, whose anchor is a number elsewhere', () => {
    const file =
      'max-connections: &n 010\ncameras:\n  - {name: *n, path: &p 0815, rtsp-path: 1}\n  - {name: A, rtsp-path: *p}\n';
    assert.deepEqual(camerasOf(file), ['010 /0815 /1', 'A /stream2 /0815']);
    assert.equal(loadText(file).config.maxConnections, 10);
  });

  test('stays as it is written when something else is changed over the API', () => {
    const text = patchKeys({ 'max-connections': 5 })(codes, loadText).text;
    assert.equal(text, `${codes}max-connections: 5\n`);
    const renamed = changeCamera(1, 2, { name: '0100' })(codes, loadText).text;
    assert.deepEqual(camerasOf(renamed)[0], '007 /0815 /0815');
    assert.deepEqual(camerasOf(renamed)[1], '0100 /158101020304050607089 /0x1F');
  });

  test('is shown as it is written where it is a mistake; a key is still a word', () => {
    const problemOf = (file: string): string => {
      try {
        loadText(file);
      } catch (error) {
        if (error instanceof UsageError) return error.problems[0]!;
      }
      return 'none';
    };
    assert.match(problemOf('deny-ip: [1.10]\n'), /^a\.yaml:1:11: deny-ip\[1\] 1\.10: must be/);
    assert.match(problemOf('cameras:\n  - path: 0815\n  - path: 0815\n'), /0815/);
    assert.match(problemOf('0815: 1\n'), /a key must be a word/);
  });
});
