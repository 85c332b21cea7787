import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { clipsNamed } from '../../../scripts/fleet/clips.ts';
import { FfmpegPublishers } from '../../../scripts/fleet/ffmpeg-publishers.ts';
import { StampedClip } from '../../../scripts/fleet/stamped-clip.ts';
import { temporaryFolder } from '../../support/media.ts';
import { until } from '../../support/program.ts';

const clip = new StampedClip(readFileSync(resolve(import.meta.dirname, '../../../assets/demo-clip.flv')), 25);
const [kind] = clipsNamed('720p25');

describe('FFmpeg cameras', () => {
  test('a folder that takes no clip ends the flight, and is named', async (t) => {
    const folder = temporaryFolder(t);
    const sources = [1, 2].map((number) => ({ url: `rtmp://127.0.0.1:9/stream${number}`, kind: kind!, clip, tls: [] }));
    const publishers = new FfmpegPublishers({ ffmpeg: process.execPath, sources, folder });
    assert.equal(publishers.failure, null);
    rmSync(folder, { recursive: true });
    for (const camera of [0, 1]) publishers.act(camera, 'start');
    assert.equal(
      publishers.failure,
      `the clip of camera 1 cannot be written to ${folder} (ENOENT): this fleet needs 2 MB there; make room, or set TMPDIR to a folder that has it`,
    );
    assert.deepEqual(
      (await publishers.figures()).map(({ state, starts, sent }) => [state, starts, sent]),
      [
        ['away', 0, 0],
        ['away', 0, 0],
      ],
    );
    await publishers.stop(100);
  });

  test('a process that cannot be started ends the flight: it is not the server that refuses', async (t) => {
    const sources = [{ url: 'rtmp://127.0.0.1:9/stream1', kind: kind!, clip, tls: [] }];
    const publishers = new FfmpegPublishers({ ffmpeg: '/nowhere/ffmpeg', sources, folder: temporaryFolder(t) });
    publishers.act(0, 'start');
    await until('the failure is known', () => publishers.failure !== null, 3000);
    assert.match(publishers.failure!, /^FFmpeg of camera 1 cannot be started \(ENOENT\): .*fewer cameras/);
    const [figures] = await publishers.figures();
    assert.deepEqual([figures!.state, figures!.refused, figures!.broken], ['away', 0, 0]);
    await publishers.stop(100);
  });
});
