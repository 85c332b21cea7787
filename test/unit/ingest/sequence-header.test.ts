import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SequenceHeaderStore } from '../../../src/ingest/sequence-header.ts';
import { BitWriter, nalUnitOf } from '../../../src/offline-card/bit-writer.ts';
import { avcc, headerTag, idr, naluTag, PublisherRig, slice } from './publisher-rig.ts';

/** An SPS of progressive pictures of this size. */
function spsOf(id: number, width: number, height: number): Buffer {
  const bits = new BitWriter();
  for (const byte of [66, 0xc0, 31]) bits.put(byte, 8);
  for (const value of [id, 0, 2, 1]) bits.ue(value);
  bits.put(0, 1);
  bits.ue(width / 16 - 1);
  bits.ue(height / 16 - 1);
  bits.put(0b1100, 4); // frames only; no cropping, no VUI
  bits.trailing();
  return nalUnitOf(0x67, bits.bytes());
}

const pps = Buffer.from([0x68, 0xce, 0x3c, 0x80]);
const [small, large] = [spsOf(0, 640, 368), spsOf(1, 1280, 720)];
const header = (...sps: Buffer[]) => ({ lengthSize: 4, sps, pps: [pps] });

describe('a sequence header', () => {
  test('brings its first SPS into use', () => {
    const store = new SequenceHeaderStore();
    store.replace(header(small, large));
    assert.equal(store.facts?.width, 640);
  });

  test('brings an SPS into use that was known before, in place of one that goes', () => {
    const store = new SequenceHeaderStore();
    store.replace(header(small, large));
    store.take();
    store.replace(header(large));
    assert.equal(store.facts?.width, 1280);
    assert.ok(store.unwritten);
    store.learn(small, 0, small.length);
    assert.equal(store.facts?.width, 640);
    store.replace(header(large));
    assert.equal(store.facts?.width, 1280);
  });

  test('brings an SPS into use that was known before, beside the one that was', () => {
    const store = new SequenceHeaderStore();
    store.replace(header(small, large));
    store.take();
    store.replace(header(large, small));
    assert.equal(store.facts?.width, 1280);
    assert.ok(store.unwritten, 'readers are told');
  });
});

describe('parameter sets in band', () => {
  const picture = (rig: PublisherRig, ...units: Buffer[]) => rig.frame(rig.nowMs, ...units, idr());

  test('the SPS that a keyframe brings alone is the one in use, also when it was known before', () => {
    const rig = new PublisherRig();
    picture(rig, small, pps);
    for (const [unit, width] of [
      [large, 1280],
      [small, 640],
      [large, 1280],
    ] as const) {
      picture(rig, unit, pps);
      assert.equal(rig.counters.width, width);
    }
    rig.publisher.stop();
    assert.deepEqual(
      rig.headers.map(({ width, sps: [first] }) => [width, first?.length]),
      [small, large, small, large].map((unit) => [unit === small ? 640 : 1280, unit.length]),
    );
  });

  test('of several that come with each keyframe it stays the same', () => {
    const rig = new PublisherRig();
    for (let i = 0; i < 4; i++) picture(rig, small, large, pps);
    rig.publisher.stop();
    assert.equal(rig.headers.length, 1);
  });

  test('of several it stays the same also where each comes in a message of its own', () => {
    const rig = new PublisherRig();
    rig.send(0, headerTag([small, large], [pps]));
    for (let i = 0; i < 4; i++) {
      for (const unit of [small, large, pps]) rig.send(rig.nowMs, naluTag(avcc(unit)));
      picture(rig);
      rig.frame(rig.nowMs, slice());
    }
    rig.publisher.stop();
    assert.deepEqual([rig.headers.length, rig.counters.width], [1, 640]);
  });

  test('one that was known comes into use also by a message of its own, and when the keyframe repeats it', () => {
    for (const repeated of [[], [large, pps]]) {
      const rig = new PublisherRig();
      rig.send(0, headerTag([small, large], [pps]));
      for (const unit of [large, pps]) rig.send(rig.nowMs, naluTag(avcc(unit)));
      picture(rig, ...repeated);
      rig.publisher.stop();
      assert.deepEqual([rig.headers.length, rig.counters.width], [2, 1280]);
    }
  });
});
