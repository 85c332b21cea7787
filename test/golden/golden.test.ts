import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Run, runChunks, runSession } from './run.ts';
import type { Vector } from './vector.ts';

const folder = import.meta.dirname;
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as (Vector & { file: string })[];

/** Vectors up to this length are split at every byte; of longer ones the headers and a sample are. */
const exhaustiveBytes = 1_200;
const sampledSplits = 150;
const handshakeBytes = 1 + 2 * 1536;

for (const vector of manifest) {
  describe(`${vector.name}: ${vector.clause}`, () => {
    const bytes = readFileSync(join(folder, vector.file));
    const run = (cuts: readonly number[]): Run =>
      vector.kind === 'chunks' ? runChunks(bytes, cuts) : runSession(bytes, cuts, 'later');

    test('means what the manifest says when it arrives whole', () => {
      const result = run([]);
      assert.deepEqual(result.events, vector.events);
      if (vector.replies) assert.deepEqual(result.replies, vector.replies);
    });

    if (vector.kind === 'session') {
      test('means the same when publishing is accepted at once', () => {
        const result = runSession(bytes, [], 'at once');
        assert.deepEqual(result.events, vector.events);
        if (vector.replies) assert.deepEqual(result.replies, vector.replies);
      });
    }

    test('means the same byte by byte', () => {
      const cuts = Array.from({ length: bytes.length - 1 }, (_, i) => i + 1);
      const result = run(cuts);
      assert.deepEqual(result.events, vector.events);
      if (vector.replies) assert.deepEqual(result.replies, vector.replies);
    });

    test('means the same however it is split in two', () => {
      for (const at of splits(vector, bytes)) {
        const result = run([at]);
        assert.deepEqual(result.events, vector.events, `split at ${at}`);
        if (vector.replies) assert.deepEqual(result.replies, vector.replies, `split at ${at}`);
      }
    });
  });
}

/** Where a vector is split: everywhere, or wherever a header is and at places drawn from its name. */
function splits(vector: Vector, bytes: Buffer): number[] {
  const from = vector.kind === 'session' ? Math.min(handshakeBytes, bytes.length) : 0;
  const at = new Set<number>();
  for (const edge of [1, 2, 1536, 1537, 1538, 3072, 3073]) if (edge < bytes.length) at.add(edge);
  if (bytes.length - from <= exhaustiveBytes) {
    for (let i = from + 1; i < bytes.length; i++) at.add(i);
    return [...at];
  }
  const header = new Uint8Array(bytes.length + 1).fill(1);
  for (const [start, end] of runChunks(bytes.subarray(from), []).payload) header.fill(0, from + start + 1, from + end);
  const headers = [...header.keys()].filter((i) => i > from && i < bytes.length && header[i] === 1);
  const random = generator(vector.name);
  const step = Math.max(1, Math.floor(headers.length / 400));
  for (let i = 0; i < headers.length; i += step) at.add(headers[i]!);
  for (let i = 0; i < sampledSplits; i++) at.add(from + 1 + Math.floor(random() * (bytes.length - from - 1)));
  return [...at];
}

/** Numbers in [0, 1) that are the same on every run (mulberry32). */
function generator(seed: string): () => number {
  let state = [...seed].reduce((sum, character) => (Math.imul(sum, 31) + character.charCodeAt(0)) | 0, 7);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}
