import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadClip, removeUnfinished } from '../../../scripts/fleet/clip-cache.ts';
import { clipKinds } from '../../../scripts/fleet/clips.ts';
import { temporaryFolder } from '../../support/media.ts';

const hourMs = 3_600_000;

describe('the folder of clips', () => {
  test('loses what dead processes left unfinished, and nothing else', (t) => {
    const folder = temporaryFolder(t);
    const dead = spawnSync(process.execPath, ['--version']).pid;
    const files = ['360p15-0123.flv', `360p15-0123.flv.${process.pid}`, `4k15-0123.flv.${dead}`, 'notes.txt'];
    for (const file of files) writeFileSync(join(folder, file), 'x');
    removeUnfinished(folder);
    assert.equal(readdirSync(folder).length, 4, 'what is new may be of a process that cannot be seen');
    for (const file of files) utimesSync(join(folder, file), new Date(), new Date(Date.now() - hourMs));
    removeUnfinished(folder);
    assert.deepEqual(readdirSync(folder).sort(), [...files.slice(0, 2), 'notes.txt']);
    removeUnfinished(join(folder, 'nowhere'));
  });

  test('the wish to stop ends the making of a clip, which leaves nothing behind', async (t) => {
    const folder = temporaryFolder(t);
    const stop = new AbortController();
    // Waits for its end whatever it is asked, as long as an FFmpeg at a large clip.
    const program = join(folder, 'endless');
    writeFileSync(program, '#!/bin/sh\nexec sleep 60\n', { mode: 0o755 });
    const cache = join(folder, 'clips');
    const startMs = performance.now();
    // The program is started before the loop turns.
    const making = loadClip(cache, clipKinds[0]!, program, () => setImmediate(() => stop.abort()), stop.signal);
    await assert.rejects(making, { name: 'AbortError' });
    assert.ok(performance.now() - startMs < 10_000);
    assert.deepEqual(readdirSync(cache), []);
  });
});
