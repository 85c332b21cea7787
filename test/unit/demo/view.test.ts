import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { CameraMeter, type CameraSample } from '../../../scripts/demo/camera-meter.ts';
import { mannerOf } from '../../../scripts/demo/flight-plan.ts';
import { showsUnicode, sparkline } from '../../../scripts/demo/paint.ts';
import {
  type CameraView,
  clock,
  type DemoView,
  screenLines,
  someCameras,
  tableLines,
  totalsLine,
} from '../../../scripts/demo/view.ts';

const plain = { colour: false, unicode: true };
const coloured = { colour: true, unicode: true };
const ascii = { colour: false, unicode: false };

/** A camera's counters after `seconds` of 25 fps. */
function sampleAt(seconds: number): CameraSample {
  const frames = 25 * seconds + 1;
  return {
    atMs: 1000 * seconds,
    generation: 1,
    frames,
    bytes: 2000 * frames,
    keyframes: Math.ceil(frames / 50),
    queueDepthSum: frames,
    discontinuities: 0,
    lastArrivalMs: 1000 * seconds,
    width: 1920,
    height: 1080,
    readers: 2,
    sent: 2 * frames,
    dropped: 7,
  };
}

/** `drones` cameras after eleven seconds and a free one. */
function viewOf(drones: number, host = '192.168.100.100'): DemoView {
  const cameras = Array.from({ length: drones + 1 }, (_, index): CameraView => {
    const meter = new CameraMeter();
    const free = index === drones;
    if (!free) for (let at = 0; at <= 11; at += 0.5) meter.add(sampleAt(at));
    return {
      name: free ? 'Free' : `Drone ${index + 1}`,
      path: `/stream${index + 1}`,
      liveSinceMs: free ? null : 0,
      meter,
      manner: free ? null : mannerOf(index),
    };
  });
  return {
    version: '0.1.0',
    elapsedMs: 61_000,
    nowMs: 11_000,
    cameras,
    cpu: { total: 0.25, server: 0.1 },
    memoryBytes: 200 * 1024 * 1024,
    reach: { host, rtmpPort: 65_535, rtspPort: 65_534, user: 'demo', password: 'aaaa-bbbb-cccc-dddd' },
    remarks: ['RTMP port 1935 is taken by another program: a free port is used instead.'],
    events: Array.from({ length: 30 }, (_, index) => ({ atMs: 1000 * index, text: `event ${index}` })),
  };
}

describe('demo view', () => {
  for (const width of [80, 90, 100, 110, 120, 140, 160, 200]) {
    test(`${width} columns: nothing is wider, every camera's facts are there, columns stand below their heads`, () => {
      const lines = screenLines(viewOf(8), width, 40, plain);
      assert.deepEqual(
        lines.filter((line) => line.length > width),
        [],
      );
      assert.ok(lines.length <= 40);
      const head = lines.findIndex((line) => line.startsWith('CAMERA'));
      for (let drone = 1; drone <= 8; drone++) {
        const row = lines[head + drone]!;
        for (const fact of [`Drone ${drone} `, `/stream${drone} `, 'live', '25.0', '0.40', '1920x1080', ' 7 ', '00:11'])
          assert.ok(row.includes(fact), `${fact} in ${row}`);
      }
      assert.match(lines[head + 9]!, /^Free +\/stream9 +○ offline/);
      const fpsEnd = lines[head]!.indexOf('FPS') + 3;
      assert.equal(lines[head + 1]!.slice(fpsEnd - 4, fpsEnd), '25.0');
      const stateStart = lines[head]!.indexOf('STATE');
      assert.equal(lines[head + 1]!.slice(stateStart, stateStart + 6), '● live');
    });
  }

  test('the address to watch and the one to push to are never cut or broken', () => {
    for (const width of [80, 120, 200]) {
      const lines = screenLines(viewOf(8), width, 24, plain);
      assert.ok(lines.some((line) => line.endsWith('rtsp://demo:aaaa-bbbb-cccc-dddd@192.168.100.100:65534/stream1')));
      assert.ok(lines.some((line) => line.includes('rtmp://192.168.100.100:65535/stream9 ')));
    }
  });

  test('in 80 columns the player and the address stand in two lines that a shell takes as one', () => {
    const lines = screenLines(viewOf(8), 80, 24, plain);
    const player = lines.findIndex((line) => line.endsWith('ffplay -rtsp_transport tcp \\'));
    assert.match(lines[player + 1]!, /^ +rtsp:/);
  });

  test('what each drone does is said where there is room, its name where there is less', () => {
    assert.ok(screenLines(viewOf(8), 160, 40, plain).some((line) => line.includes('reconnects every 20 s')));
    assert.ok(screenLines(viewOf(8), 110, 40, plain).some((line) => line.includes('reconnect')));
  });

  test('the history of frames fills what is left of the line', () => {
    const lines = screenLines(viewOf(8), 200, 40, plain);
    assert.ok(lines.some((line) => line.includes('FPS, LAST 30 S')));
    assert.match(lines.find((line) => line.startsWith('Drone 1'))!, /█{10}/);
  });

  test('a small screen drops events first, then cameras, and keeps the free camera and the last line', () => {
    const lines = screenLines(viewOf(200), 100, 24, plain);
    assert.ok(lines.length <= 24);
    assert.equal(lines.at(-1), 'Ctrl-C ends the demo.');
    assert.ok(lines.some((line) => /^Free /.test(line)));
    const shown = lines.filter((line) => line.startsWith('Drone ')).length;
    assert.ok(lines.includes(`… and ${200 - shown} more cameras`));
    assert.ok(!lines.some((line) => line.includes('event 29')));
    assert.ok(screenLines(viewOf(200), 100, 34, plain).some((line) => line.includes('event 29')));
  });

  test('a screen of a few lines shows as many and does not fail', () => {
    for (let height = 1; height < 20; height++) {
      const lines = screenLines(viewOf(8), 40, height, plain);
      assert.ok(lines.length <= height && lines.every((line) => line.length <= 80));
    }
  });

  test('colours change no column', () => {
    for (const width of [80, 120, 200]) {
      const lines = screenLines(viewOf(8), width, 40, coloured);
      assert.deepEqual(lines.map(stripVTControlCharacters), screenLines(viewOf(8), width, 40, plain));
      assert.ok(lines.join('').includes('\x1b[32m'));
    }
  });

  test('a terminal without Unicode gets ASCII only', () => {
    const text = screenLines(viewOf(200), 200, 40, ascii).join('');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is allowed
    assert.match(text, /^[\x00-\x7f]*$/);
  });

  test('a live camera without frames is silent, one without a publisher shows no figures', () => {
    const view = viewOf(1);
    const late = { ...view, nowMs: 20_000 };
    view.cameras[0]!.meter.add({ ...sampleAt(11), atMs: 20_000 });
    const [, first, free] = tableLines(late, late.cameras, 120, plain);
    assert.match(first!, /● silent/);
    assert.match(free!, /○ offline +- +- +- +- +0 +- +0 +- +-/);
  });

  test('totals in one line', () => {
    assert.equal(
      totalsLine(viewOf(8)),
      '01:01  8 of 9 cameras live  in 200 fps, 3.2 Mbit/s  16 readers, out 400 fps  56 frames dropped  CPU 25 % of a core (server 10 %, simulation 15 %)  memory 200 MiB',
    );
  });

  test('some cameras: all that fit, else the first and the free one', () => {
    const { cameras } = viewOf(8);
    assert.equal(someCameras(cameras, 9).length, 9);
    assert.deepEqual(
      someCameras(cameras, 5).map((camera) => camera.name),
      ['Drone 1', 'Drone 2', 'Drone 3', 'Free'],
    );
  });

  test('time', () => {
    assert.deepEqual([-5, 0, 59_999, 3_599_000, 3_600_000, 90_061_000].map(clock), [
      '00:00',
      '00:00',
      '00:59',
      '59:59',
      '1:00:00',
      '25:01:01',
    ]);
  });
});

describe('sparkline', () => {
  test('a rate that varies by a frame is a flat line, a gap is a gap, half is half', () => {
    assert.equal(sparkline([25, 24, 26, 0, 13], plain), '███ ▄');
    assert.equal(sparkline([25, 24, 26, 0, 13], ascii), '@@@ =');
    assert.equal(sparkline([], plain), '');
    assert.equal(sparkline([0, 0], plain), '  ');
  });
});

describe('signs beyond ASCII', () => {
  test('follow the locale', () => {
    assert.equal(showsUnicode({ LANG: 'C.UTF-8' }, 'linux'), true);
    assert.equal(showsUnicode({ LANG: 'en_GB.utf8' }, 'linux'), true);
    assert.equal(showsUnicode({ LANG: 'en_GB.UTF-8', LC_ALL: 'C' }, 'linux'), false);
    assert.equal(showsUnicode({}, 'linux'), false);
    assert.equal(showsUnicode({}, 'darwin'), true);
    assert.equal(showsUnicode({}, 'win32'), false);
    assert.equal(showsUnicode({ WT_SESSION: 'x' }, 'win32'), true);
  });
});
