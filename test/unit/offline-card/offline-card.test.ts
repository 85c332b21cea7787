import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SliceHeader } from '../../../src/h264/slice-header.ts';
import { decodeSps } from '../../../src/h264/sps.ts';
import { cardBands } from '../../../src/offline-card/card-layout.ts';
import { OfflineCardStore } from '../../../src/offline-card/offline-card.ts';
import { example, fonts, unitsOf } from './card-model.ts';

const store = new OfflineCardStore(fonts);
const card = store.card(example);

describe('parameter sets', () => {
  test('say 1280x720, constrained baseline, level 3.1, one picture a second', () => {
    const facts = decodeSps(card.sps)!;
    assert.deepEqual(
      [facts.profile, facts.constraints, facts.level, facts.width, facts.height, facts.fps, facts.pocType],
      [66, 0xc0, 31, 1280, 720, 1, 2],
    );
    assert.equal(card.pps[0]! & 0x1f, 8);
  });
});

describe('offline card', () => {
  const facts = decodeSps(card.sps);
  const heads = (accessUnit: Buffer) =>
    unitsOf(accessUnit).map((unit) => {
      const header = new SliceHeader();
      assert.ok(header.read(unit, 0, unit.length, facts) && header.complete);
      return header;
    });

  test('an IDR is made of I slices that cover the picture from the top, all of one picture', () => {
    const slices = heads(card.idr(4));
    assert.equal(slices[0]!.firstMb, 0);
    for (const [i, slice] of slices.entries()) {
      assert.ok(slice.idr && slice.intra && slice.reference);
      assert.equal(slice.frameNum, 0);
      assert.equal(slice.idrPicId, 1);
      if (i > 0) assert.ok(slice.firstMb > slices[i - 1]!.firstMb && slice.firstMb % 80 === 0);
    }
  });

  test('two IDR pictures in a row have different ids', () => {
    assert.ok(heads(card.idr(19)).every((slice) => slice.idrPicId === 2));
    assert.ok(heads(card.idr(20)).every((slice) => slice.idrPicId === 1));
  });

  test('the other pictures count on from the IDR that their reader had, wherever in the row it was', () => {
    for (const idrStep of [0, 7, 1_000_003]) {
      for (let since = 1; since < 20; since++) {
        const [slice, ...more] = heads(card.delta(idrStep + since, idrStep));
        assert.equal(more.length, 0);
        assert.ok(!slice!.idr && !slice!.intra && slice!.reference);
        assert.equal(slice!.frameNum, since % 16);
      }
    }
  });

  test('sizes stay small: an IDR below 60 kB, a change below 1 kB, a plain one 11 bytes', () => {
    assert.ok(card.idr(0).length < 60_000, `${card.idr(0).length}`);
    for (let step = 1; step < 11; step++) assert.ok(card.delta(step, 0).length < 1000);
    const plain = store.card({ variant: 'plain' });
    assert.ok(plain.idr(0).length < 4000);
    assert.equal(plain.delta(1, 0).length, 11);
  });

  test('the same text gives the same bytes, made again or kept', () => {
    const other = new OfflineCardStore(fonts).card({ ...example });
    assert.deepEqual(other.idr(3), card.idr(3));
    assert.deepEqual(other.idr(3), other.idr(3));
    assert.deepEqual(other.delta(4, 3), card.delta(4, 3));
  });

  test('what one picture is changed to does not depend on what was encoded before', () => {
    const fresh = new OfflineCardStore(fonts).card(example);
    const busy = new OfflineCardStore(fonts);
    busy.card({ variant: 'plain' }).idr(0);
    busy.card({ ...example, variant: 'error', reason: 'The port is in use.' }).idr(5);
    assert.deepEqual(busy.card(example).delta(6, 3), fresh.delta(6, 3));
  });

  test('cards share their changes, whatever they say', () => {
    assert.equal(store.card({ ...example, name: 'Another', hint: 'Other small print' }).delta(6, 3), card.delta(6, 3));
  });

  test('cards share all bands but those of their name and URL', () => {
    const [first, second] = [1, 2].map((i) =>
      cardBands({ ...example, name: `Camera ${i}`, url: `rtmp://a/${i}` }, fonts),
    );
    const shared = first!.filter((band, i) => band.key === second![i]!.key);
    assert.deepEqual(
      shared.map((band) => band.firstRow),
      [0, 20],
    );
  });

  test('a card is ready once its bands are encoded, as long as the store keeps them', () => {
    const small = new OfflineCardStore(fonts, { maximumBytes: 60_000 });
    const first = small.card(example);
    assert.equal(first.ready, false);
    first.idr(0);
    assert.equal(first.ready, true);
    assert.equal(small.card({ ...example }).ready, true);
    for (let i = 0; i < 4; i++) small.card({ ...example, name: `Camera number ${i}` }).idr(0);
    assert.equal(first.ready, false);
  });

  test('a store holds no more than its bound, and cards go on all the same', () => {
    const small = new OfflineCardStore(fonts, { maximumBytes: 100_000 });
    const cards = Array.from({ length: 12 }, (_, i) => small.card({ ...example, name: `Camera ${i}` }));
    const first = cards[0]!.idr(0);
    for (const each of cards) {
      each.idr(0);
      assert.ok(small.bytes <= 100_000);
    }
    assert.deepEqual(cards[0]!.idr(0), first);
  });

  test('a store too small for a single card still shows it', () => {
    const tiny = new OfflineCardStore(fonts, { maximumBytes: 1 });
    assert.deepEqual(tiny.card(example).idr(0), card.idr(0));
    assert.equal(tiny.bytes, 0);
  });
});
