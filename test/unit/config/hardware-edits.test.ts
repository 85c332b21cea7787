import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { type ConfigEdit, EditError, patchKeys, replaceKeys } from '../../../src/config/edits.ts';
import { UsageError } from '../../../src/config/errors.ts';
import {
  addCamera,
  addHardware,
  changeCamera,
  changeHardware,
  removeCamera,
  removeHardware,
} from '../../../src/config/hardware-edits.ts';
import type { LoadedConfig } from '../../../src/config/load.ts';
import { configValues } from '../../../src/config/print.ts';
import { loadText } from '../../support/config-text.ts';

/** The text and the configuration after some changes. */
function after(text: string, ...edits: ConfigEdit[]): { text: string; notes: string[] } & Pick<LoadedConfig, 'config'> {
  const notes: string[] = [];
  let now = text;
  for (const edit of edits) {
    const edited = edit(now, loadText);
    now = edited.text;
    notes.push(...edited.notes);
  }
  return { text: now, notes, config: loadText(now).config };
}

/** What recorders and clients know cameras by: hardware number and channel, with name and paths. */
function cameras({ config }: Pick<LoadedConfig, 'config'>): string[] {
  return config.cameraList.map(({ hardware, channel, name, path, rtspPath }) => {
    const { number } = config.hardwareList[hardware]!;
    return `${number}.${channel} ${name} ${path}${rtspPath === path ? '' : ` ${rtspPath}`}`;
  });
}

/** What they know devices by. */
function devices({ config }: Pick<LoadedConfig, 'config'>): string[] {
  return config.hardwareList.map(({ number, name, onvifPort }) => `${number} ${name} ${onvifPort}`);
}

const unchosen = (): void => {};

describe('one camera', () => {
  test('of a plain number is changed in a list that says the same, and that is told', () => {
    const { text, notes, config } = after('# three\ncameras: 3 # for now\n', changeCamera(1, 2, { name: 'Gate' }));
    assert.deepEqual(cameras({ config }), ['1.1 Stream 1 /stream1', '1.2 Gate /stream2', '1.3 Stream 3 /stream3']);
    assert.deepEqual(notes, ['cameras: 3 was turned into a list']);
    assert.match(text, /^# three\n/);
    assert.deepEqual(after('', changeCamera(1, 16, { path: '/x' })).config.cameras, 16);
  });

  test('of a list is changed where it stands; null gives a key back to its default', () => {
    const list =
      'cameras:\n  # roof\n  - {name: Roof, path: /roof} # east\n  - path: /gate\n    rtsp-path: /out/gate\n';
    const { text, notes } = after(
      list,
      changeCamera(1, 1, { name: 'West' }),
      changeCamera(1, 2, { 'rtsp-path': null }),
    );
    assert.equal(text, 'cameras:\n  # roof\n  - {name: West, path: /roof} # east\n  - path: /gate\n');
    assert.deepEqual(notes, []);
  });

  test('that is not there, or whose hardware is not, is missing', () => {
    for (const edit of [changeCamera(1, 4, {}), changeCamera(2, 1, {}), removeCamera(1, 4), removeHardware(2)])
      assert.throws(() => after('cameras: 3\n', edit), { name: 'EditError', kind: 'missing' });
  });

  test('in the middle goes without moving the channel of another, for ever', () => {
    const { notes, ...removed } = after('cameras: 4\n', removeCamera(1, 2));
    assert.deepEqual(cameras(removed), ['1.1 Stream 1 /stream1', '1.3 Stream 3 /stream3', '1.4 Stream 4 /stream4']);
    assert.deepEqual(notes, ['cameras: 4 was turned into the list hardware, which says the same']);
    const again = after(removed.text, removeCamera(1, 1), addCamera(1, { name: 'New' }, unchosen));
    assert.deepEqual(cameras(again), ['1.3 Stream 3 /stream3', '1.4 Stream 4 /stream4', '1.5 New /stream1']);
  });

  test('of a list with comments is taken out with its own, and the others keep theirs', () => {
    const list = 'cameras:\n  - path: /a # one\n  # two\n  - path: /b\n  # three\n  - path: /c\n';
    const { text, ...removed } = after(list, removeCamera(1, 2));
    assert.deepEqual(cameras(removed), ['1.1 Stream 1 /a', '1.3 Stream 3 /c']);
    assert.ok(text.includes('# one') && text.includes('# three') && !text.includes('# two'), text);
  });

  test('over 16 goes without moving the device of another', () => {
    const before = loadText('cameras: 40\n');
    const removed = after('cameras: 40\n', removeCamera(1, 5));
    assert.deepEqual(devices(removed), devices(before));
    assert.deepEqual(
      cameras(removed),
      cameras(before).filter((camera) => !camera.startsWith('1.5 ')),
    );
  });

  test('that is the last of all, or of its hardware, stays', () => {
    for (const text of ['cameras: 1\n', 'hardware: [{cameras: [{path: /a}]}, {cameras: [{path: /b}]}]\n'])
      assert.throws(() => after(text, removeCamera(1, 1)), { kind: 'conflict' });
  });

  test('is added behind the others, on a free channel and a path that nobody has', () => {
    const channels: number[] = [];
    const add = (wanted = {}) => addCamera(1, wanted, (channel) => channels.push(channel));
    const { notes, ...added } = after(
      'cameras:\n  - path: /a\n  - path: /Stream1\n',
      add(),
      add({ path: '/b', name: 'B' }),
    );
    assert.deepEqual(cameras(added).slice(2), ['1.3 Stream 2 /stream2', '1.4 B /b']);
    assert.deepEqual([channels, notes], [[3, 4], []]);
    const [sparse] = [after('cameras: 2\n', addCamera(1, { channel: 9, path: '/nine' }, unchosen))];
    assert.deepEqual(cameras(sparse).at(-1), '1.9 Stream 9 /nine');
  });

  test('is not added to a full hardware, nor on a channel that is taken', () => {
    assert.throws(() => after('cameras: 16\n', addCamera(1, {}, unchosen)), { kind: 'conflict' });
    assert.throws(() => after('cameras: 2\n', addCamera(1, { channel: 2 }, unchosen)), { kind: 'conflict' });
    const reused = after('hardware: [{cameras: 16}]\n', removeCamera(1, 3), addCamera(1, { path: '/x' }, unchosen));
    assert.ok(cameras(reused).includes('1.3 Stream 3 /x'));
  });

  test('cannot be changed where a flag says how many there are', () => {
    const edit = changeCamera(1, 1, { name: 'x' });
    assert.throws(
      () => edit('', (text) => loadText(text, { cameras: '5' })),
      (error: Error) => {
        assert.ok(error instanceof EditError);
        assert.match(error.message, /given by --cameras, which wins/);
        return true;
      },
    );
  });
});

describe('hardware', () => {
  const two =
    'hardware:\n  # cranes\n  - cameras: 2\n  - {name: Yard, cameras: [{path: /y}], rtmp-port: 2000}\n  - cameras: [{path: /z}]\n';

  test('is removed without moving number, name or port of another', () => {
    const before = loadText(two);
    const removed = after(two, removeHardware(2));
    assert.deepEqual(
      devices(removed),
      devices(before).filter((device) => !device.startsWith('2 ')),
    );
    assert.deepEqual(devices(after(two, removeHardware(1))), devices(before).slice(1));
    assert.deepEqual(devices(after(two, removeHardware(3), removeHardware(1))), ['2 Yard 8082']);
    const back = after(two, removeHardware(2), addHardware({ cameras: 1 }, unchosen));
    assert.deepEqual(devices(back), ['1 Skyweir 1 8081', '3 Skyweir 3 8083', '4 Skyweir 4 8084']);
  });

  test('is added with cameras of its own; what had no list gets one that says the same', () => {
    const chosen: number[] = [];
    const add = addHardware({ name: 'Yard', 'rtmp-port': 2000, cameras: [{ path: '/y' }, {}] }, (number) =>
      chosen.push(number),
    );
    const { notes, ...added } = after('cameras: 2\n', add);
    assert.deepEqual(devices(added), ['1 Skyweir 8081', '2 Yard 8082']);
    assert.deepEqual(cameras(added).slice(2), ['2.1 Stream 1 /y', '2.2 Stream 3 /stream3']);
    assert.deepEqual([chosen, notes.length], [[2], 1]);
    assert.equal(added.config.listenerList.length, 2);
  });

  test('is changed key by key, with its comments', () => {
    const { text, config } = after(two, changeHardware(1, { name: 'Cranes', 'max-connections': 5, 'rtmp-port': 2001 }));
    assert.match(text, /# cranes\n/);
    assert.equal(config.listenerList[0]!.maxConnections, 5);
    assert.equal(
      after(text, changeHardware(1, { 'max-connections': null })).config.listenerList[0]!.maxConnections,
      32,
    );
  });

  test('is at least one, and at most 63', () => {
    assert.throws(() => after('cameras: 3\n', removeHardware(1)), { kind: 'conflict' });
    assert.throws(() => after('cameras: 1008\n', addHardware({ cameras: 1 }, unchosen)), { kind: 'conflict' });
  });

  test('numbers and channels that are given twice are refused, with both names', () => {
    const text =
      'hardware:\n  - {number: 2, cameras: [{path: /a, channel: 3}, {path: /b, channel: 3}]}\n  - {number: 2, onvif-port: 9000, cameras: [{path: /c}]}\n';
    assert.throws(
      () => loadText(text),
      (error: UsageError) => {
        assert.deepEqual(
          error.details.map(({ key, line }) => [key, line]),
          [
            ['hardware[1].cameras[2].channel', 2],
            ['hardware[2].number', 3],
          ],
        );
        return true;
      },
    );
  });
});

describe('cameras that share what they say by an anchor', () => {
  const text = `cameras:
  - {name: A, path: &p /a, publish-auth: &mode required}
  - {name: B, path: /b, publish-auth: *mode}
  - &whole {publish-auth: *mode}
  - *whole
`;
  const modes = (file: string): (string | undefined)[] =>
    loadText(file).config.cameraList.map(({ ownAccess }) => ownAccess['publish-auth']);

  test('keep it when one of them is changed, removed or gets a hardware of its own', () => {
    for (const [edit, expected] of [
      [changeCamera(1, 1, { 'publish-auth': 'off' }), ['off', 'required', 'required', 'required']],
      [changeCamera(1, 3, { 'publish-auth': 'off' }), ['required', 'required', 'off', 'required']],
      [changeCamera(1, 4, { 'publish-auth': null }), ['required', 'required', 'required', undefined]],
      [removeCamera(1, 1), ['required', 'required', 'required']],
      [changeHardware(1, { name: 'North' }), ['required', 'required', 'required', 'required']],
    ] as const)
      assert.deepEqual(modes(edit(text, loadText).text), expected);
  });
});

describe('keys', () => {
  test('are put in and taken out; the file keeps its comments', () => {
    const text = '# mine\nuser: ada # me\nrtmp-port: 2000\n';
    const patched = after(text, patchKeys({ user: 'bob', 'rtmp-port': null, 'deny-ip': ['192.0.2.1'] })).text;
    assert.equal(patched, '# mine\nuser: bob # me\ndeny-ip:\n  - 192.0.2.1\n');
    const replaced = after(text, replaceKeys({ user: 'eve' })).text;
    assert.equal(replaced, '# mine\nuser: eve # me\n');
    assert.deepEqual(parse(after(text, replaceKeys({})).text), null);
  });

  test('that say the same already leave the text as it is, to the byte', () => {
    const text = 'user:   ada    # me\n\n\ncameras: 3\n';
    assert.equal(patchKeys({ user: 'ada', cameras: 3, 'rtmp-port': null })(text, loadText).text, text);
  });

  test('that come back as they are shown stay as they are written', () => {
    const text =
      'video-timeout: 1m # slow\nhooks:\n  - url: https://hooks.example/in\n    headers: {Authorization: Bearer abc}\n';
    const shown = configValues(loadText(text).config);
    const { hooks, 'video-timeout': timeout } = shown;
    assert.ok(!JSON.stringify(hooks).includes('abc'));
    assert.equal(after(text, patchKeys({ hooks, 'video-timeout': timeout })).text, text);
  });

  test('that nobody knows, and values without end, are refused', () => {
    assert.throws(() => patchKeys({ 'rtmp-prot': null })('', loadText), UsageError);
    let deep: unknown = 1;
    for (let i = 0; i < 100; i++) deep = [deep];
    assert.throws(() => patchKeys({ cameras: deep })('', loadText), UsageError);
  });
});
