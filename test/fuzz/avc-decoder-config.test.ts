import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeAvcDecoderConfig, encodeAvcDecoderConfig } from '../../src/h264/avc-decoder-config.ts';
import { SequenceHeaderStore } from '../../src/ingest/sequence-header.ts';

const unit = (header: number) =>
  fc.uint8Array({ minLength: 4, maxLength: 60 }).map((rest) => Uint8Array.of(header, ...rest));

test('any bytes decode to null or to units of these bytes', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 80 }),
        fc.uint8Array({ maxLength: 80 }).map((rest) => Uint8Array.of(0, 0, 0, 1, 0x67, ...rest)),
        fc.uint8Array({ maxLength: 80 }).map((rest) => Uint8Array.of(1, 66, 0, 30, 0xff, 0xe1, 0, ...rest)),
      ),
      (bytes) => {
        const config = decodeAvcDecoderConfig(Buffer.from(bytes), 0, bytes.length);
        if (config === null) return;
        assert.ok(config.lengthSize >= 0 && config.lengthSize <= 4);
        for (const set of [...config.sps, ...config.pps]) assert.ok(set.length > 0 && set.length <= bytes.length);
      },
    ),
    { numRuns: 5000 },
  );
});

test('what is encoded decodes to the same, with anything behind it', () => {
  fc.assert(
    fc.property(
      fc.array(unit(0x67), { maxLength: 31 }),
      fc.array(unit(0x68), { maxLength: 40 }),
      fc.integer({ min: 1, max: 4 }),
      fc.uint8Array({ maxLength: 10 }),
      (sps, pps, lengthSize, tail) => {
        const bytes = Buffer.concat([encodeAvcDecoderConfig(sps, pps, lengthSize), tail]);
        const config = decodeAvcDecoderConfig(bytes, 0, bytes.length);
        assert.deepEqual(
          config && {
            ...config,
            sps: config.sps.map((set) => Uint8Array.from(set)),
            pps: config.pps.map((set) => Uint8Array.from(set)),
          },
          { lengthSize, sps, pps },
        );
      },
    ),
    { numRuns: 500 },
  );
});

test('a store fed with anything stays within its bounds and says the same twice', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(unit(0x67), unit(0x68), unit(0x41)), { maxLength: 60 }), (units) => {
      const store = new SequenceHeaderStore();
      for (const set of units) store.learn(set, 0, set.length);
      const first = store.take();
      assert.equal(store.unwritten, false);
      assert.ok(first.length < 9 * 1024);
      assert.deepEqual(store.take(), first);
      const last = units.at(-1);
      if (last !== undefined && store.learn(last, 0, last.length)) assert.equal(store.unwritten, false);
    }),
    { numRuns: 500 },
  );
});
