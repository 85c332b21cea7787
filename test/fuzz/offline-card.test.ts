import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { CardContent } from '../../src/offline-card/card-layout.ts';
import { OfflineCardStore } from '../../src/offline-card/offline-card.ts';
import { macroblockRows } from '../../src/offline-card/picture.ts';
import { pictureParameterSet, SliceEncoder, sequenceParameterSet } from '../../src/offline-card/slice-encoder.ts';
import { annexB, CardModel, decode, encodeRows, fonts, missing } from '../unit/offline-card/card-model.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: fc.constantFrom(...'AzÀßŁЖяΩ東😀 /-'), maxLength: 120 }),
  fc.constant(''),
);
const content: fc.Arbitrary<CardContent> = fc.oneof(
  fc.record({ variant: fc.constant('offline' as const), name: text, url: text, product: text, hint: text }),
  fc.record({ variant: fc.constant('error' as const), name: text, reason: text, product: text, hint: text }),
);

describe('offline card', { skip: missing('ffmpeg') }, () => {
  test('any text decodes bit by bit to what the encoder says', () => {
    const store = new OfflineCardStore(fonts);
    fc.assert(
      fc.property(content, fc.nat(1000), (says, first) => {
        const model = new CardModel(says);
        const pictures = decode(annexB(store.card(says), first, first + 2));
        assert.equal(pictures.length, 2);
        assert.ok(pictures[0]!.equals(model.idr(first)));
        const second = first + 1;
        assert.ok(pictures[1]!.equals(second % 10 === 0 ? model.idr(second) : model.delta(second)));
      }),
      { numRuns: 4 },
    );
  });

  test('any picture decodes bit by bit to what the encoder says, however wild', () => {
    const patch = fc.record({
      x: fc.nat(1279),
      y: fc.nat(719),
      width: fc.integer({ min: 1, max: 200 }),
      height: fc.integer({ min: 1, max: 100 }),
      value: fc.nat(255),
      noise: fc.constantFrom(0, 4, 60, 255),
    });
    const encoder = new SliceEncoder();
    const startCode = Buffer.from([0, 0, 0, 1]);
    fc.assert(
      fc.property(
        fc.array(patch, { minLength: 20, maxLength: 60 }),
        fc.integer({ min: 1, max: 44 }),
        (patches, cut) => {
          const { canvas } = encoder;
          canvas.fillRows(0, macroblockRows, { y: 40, cb: 130, cr: 126 });
          let state = 1;
          for (const { x, y, width, height, value, noise } of patches) {
            for (let line = y; line < Math.min(720, y + height); line++) {
              for (let column = x; column < Math.min(1280, x + width); column++) {
                state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
                const sample = value + (((state >>> 16) * noise) >>> 16);
                canvas.luma[line * 1280 + column] = sample;
                canvas.cb[(line >> 1) * 640 + (column >> 1)] = sample * 3;
                canvas.cr[(line >> 1) * 640 + (column >> 1)] = value;
              }
            }
          }
          const units = [sequenceParameterSet(), pictureParameterSet()];
          units.push(encodeRows(encoder, 0, cut).unit, encodeRows(encoder, cut, macroblockRows).unit);
          const [picture] = decode(Buffer.concat(units.flatMap((unit) => [startCode, unit])));
          assert.ok(picture!.equals(Buffer.concat([encoder.decoded.luma, encoder.decoded.cb, encoder.decoded.cr])));
        },
      ),
      { numRuns: 4 },
    );
  });
});
