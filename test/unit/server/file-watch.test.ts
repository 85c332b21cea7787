import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FileWatch } from '../../../src/server/file-watch.ts';
import { temporaryFolder } from '../../support/media.ts';

/** A watch over two files that are there and known, which looks when the test says so. */
async function watched(t: TestContext) {
  const folder = temporaryFolder(t);
  const [file, other] = [join(folder, 'a'), join(folder, 'b')];
  writeFileSync(file, 'one');
  writeFileSync(other, 'one');
  const scene = { told: 0, nowMs: 0 };
  const watch = new FileWatch([file, other], () => void scene.told++, { nowMs: () => scene.nowMs });
  await watch.note();
  /** Looks every second for so long, and tells how often it called back. */
  const after = async (seconds: number): Promise<number> => {
    for (let look = 0; look < seconds; look++) {
      scene.nowMs += 1000;
      await watch.look();
    }
    return scene.told;
  };
  return { file, other, after };
}

test('a change is told at the next look, and once', async (t) => {
  const { file, after } = await watched(t);
  assert.equal(await after(2), 0);
  writeFileSync(file, 'other');
  assert.equal(await after(1), 1);
  assert.equal(await after(3), 1);
});

test('a file that is gone for a moment, while another takes its place, is not told as gone', async (t) => {
  const { file, other, after } = await watched(t);
  renameSync(file, `${file}~`);
  assert.equal(await after(2), 0);
  writeFileSync(file, 'two');
  assert.equal(await after(1), 1, 'the new one is told at once');
  rmSync(file);
  rmSync(other);
  assert.equal(await after(2), 1);
  assert.equal(await after(3), 2, 'it stays away');
  writeFileSync(other, 'three');
  assert.equal(await after(1), 3);
  renameSync(`${file}~`, file);
  assert.equal(await after(1), 4);
});
