import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FfmpegCamera } from '../../../scripts/fleet/ffmpeg-camera.ts';
import { temporaryFolder } from '../../support/media.ts';
import { until } from '../../support/program.ts';

describe('a camera that is an FFmpeg process', () => {
  test('one that had to be ended by force counts as killed: it has sent more than it told', {
    timeout: 20_000,
    skip: process.platform === 'win32',
  }, async (t) => {
    const program = join(temporaryFolder(t), 'ffmpeg');
    writeFileSync(program, `#!/bin/sh\ntrap '' INT\necho frame=30\nexec sleep 100\n`);
    chmodSync(program, 0o755);
    const camera = new FfmpegCamera({ ffmpeg: program, argumentsFor: () => [], onUnable: () => {}, frameBytes: 1 });
    t.after(() => camera.abandon());
    camera.start();
    await until('it is live', () => camera.figures().state === 'live');
    await camera.end(50);
    const publisher = camera.figures();
    assert.deepEqual([publisher.kills, publisher.broken, publisher.finished], [1, 0, []]);
  });
});
