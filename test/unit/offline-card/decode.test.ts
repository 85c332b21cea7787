import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { CardContent } from '../../../src/offline-card/card-layout.ts';
import { OfflineCardStore } from '../../../src/offline-card/offline-card.ts';
import { annexB, CardModel, decode, example, fonts, missing, pictureBytes } from './card-model.ts';

const contents: Record<string, CardContent> = {
  offline: example,
  error: { ...example, variant: 'error', reason: 'Port 1935 is in use by another program.' },
  plain: { variant: 'plain' },
};
const store = new OfflineCardStore(fonts);

describe('decoded by ffmpeg', { skip: missing('ffmpeg') }, () => {
  for (const [name, content] of Object.entries(contents)) {
    test(`${name}: 20 s without a complaint, every picture bit by bit what the encoder says`, () => {
      const model = new CardModel(content);
      const pictures = decode(annexB(store.card(content), 0, 20));
      assert.equal(pictures.length, 20);
      for (const [step, picture] of pictures.entries()) {
        const expected = step % 10 === 0 ? model.idr(step) : model.delta(step);
        assert.ok(picture.equals(expected), `second ${step}`);
      }
    });
  }

  test('a reader that joins at any second, or at two IDR pictures in a row, decodes the same', () => {
    const model = new CardModel(example);
    const pictures = decode(annexB(store.card(example), 19, 24));
    assert.equal(pictures.length, 5);
    for (const [i, picture] of pictures.entries()) {
      const step = 19 + i;
      assert.ok(picture.equals(step <= 20 ? model.idr(step) : model.delta(step)), `second ${step}`);
    }
  });

  test('what is shown is what was drawn: flat areas exactly, edges of letters nearly', () => {
    const model = new CardModel(example);
    const [picture] = decode(annexB(store.card(example), 0, 1));
    const drawn = model.drawn(0);
    const luma = 1280 * 720;
    let different = 0;
    let worst = 0;
    for (let i = 0; i < luma; i++) {
      const error = Math.abs(picture![i]! - drawn[i]!);
      if (error > 0) different++;
      if (error > worst) worst = error;
    }
    assert.ok(worst <= 10, `luma is off by ${worst}`);
    assert.ok(different < luma * 0.05, `${different} luma samples differ`);
    for (let i = luma; i < pictureBytes; i++) assert.ok(Math.abs(picture![i]! - drawn[i]!) <= 16);
  });

  test('each second looks different from the one before, and the row repeats after ten', () => {
    const hashes = decode(annexB(store.card(example), 0, 20)).map((picture) =>
      createHash('sha1').update(picture).digest('hex'),
    );
    for (let step = 1; step < 20; step++) assert.notEqual(hashes[step], hashes[step - 1]);
    assert.deepEqual(hashes.slice(10), hashes.slice(0, 10));
  });

  test('a plain card never changes', () => {
    const pictures = decode(annexB(store.card({ variant: 'plain' }), 0, 12));
    for (const picture of pictures) assert.ok(picture.equals(pictures[0]!));
  });
});

describe('decoded by GStreamer', { skip: missing('gst-launch-1.0') }, () => {
  test('avdec_h264 shows the same pictures', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'offline-card-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const stream = join(folder, 'card.264');
    const raw = join(folder, 'card.yuv');
    writeFileSync(stream, annexB(store.card(example), 3, 13));
    const result = spawnSync(
      'gst-launch-1.0',
      `-q filesrc location=${stream} ! h264parse ! avdec_h264 ! videoconvert ! video/x-raw,format=I420 ! filesink location=${raw}`.split(
        ' ',
      ),
    );
    assert.equal(result.status, 0, result.stderr.toString());
    const bytes = readFileSync(raw);
    assert.equal(bytes.length, 10 * pictureBytes);
    const model = new CardModel(example);
    for (let i = 0; i < 10; i++) {
      const step = 3 + i;
      const expected = step === 3 || step === 10 ? model.idr(step) : model.delta(step);
      assert.ok(bytes.subarray(i * pictureBytes, (i + 1) * pictureBytes).equals(expected), `second ${step}`);
    }
  });
});
