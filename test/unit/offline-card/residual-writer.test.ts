import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BitCursor } from '../../../src/base/bit-cursor.ts';
import { BitWriter } from '../../../src/offline-card/bit-writer.ts';
import {
  type CodeTable,
  coeffTokens,
  runBefore,
  totalZeros,
  totalZerosChromaDc,
} from '../../../src/offline-card/cavlc-tables.ts';
import { writeResidual } from '../../../src/offline-card/residual-writer.ts';

/** The code words of the entries [start, end). */
function wordsOf(table: CodeTable, start: number, end: number): string[] {
  const words: string[] = [];
  for (let i = start; i < end; i++) {
    const length = table.lengths[i]!;
    if (length > 0) words.push(table.bits[i]!.toString(2).padStart(length, '0'));
  }
  return words;
}

function readCode(bits: BitCursor, table: CodeTable, start: number, end: number): number {
  let value = 0;
  for (let length = 1; length <= 16; length++) {
    value = value * 2 + bits.bit();
    for (let i = start; i < end; i++) if (table.lengths[i] === length && table.bits[i] === value) return i - start;
  }
  throw new Error('no such code word');
}

/** residual_block_cavlc as clause 9.2 tells a decoder to read it. */
function readResidual(bits: BitCursor, count: number, nC: number): number[] {
  const block: number[] = new Array(count).fill(0);
  const token = readCode(bits, coeffTokens(nC), 0, coeffTokens(nC).lengths.length);
  const total = token >> 2;
  const ones = token & 3;
  const levels: number[] = [];
  let suffixLength = total > 10 && ones < 3 ? 1 : 0;
  for (let i = 0; i < total; i++) {
    if (i < ones) {
      levels.push(bits.bit() ? -1 : 1);
      continue;
    }
    let prefix = 0;
    while (bits.bit() === 0) prefix++;
    let code = Math.min(15, prefix) << suffixLength;
    const suffixSize = prefix === 14 && suffixLength === 0 ? 4 : prefix >= 15 ? prefix - 3 : suffixLength;
    code += bits.bits(suffixSize);
    if (prefix >= 15 && suffixLength === 0) code += 15;
    if (i === ones && ones < 3) code += 2;
    levels.push(code % 2 === 0 ? (code + 2) / 2 : -(code + 1) / 2);
    if (suffixLength === 0) suffixLength = 1;
    if (Math.abs(levels[i]!) > 3 << (suffixLength - 1) && suffixLength < 6) suffixLength++;
  }
  if (total === 0) return block;
  const zerosTable = nC < 0 ? totalZerosChromaDc : totalZeros;
  const row = (total - 1) * zerosTable.columns;
  let zeros = total < count ? readCode(bits, zerosTable, row, row + zerosTable.columns) : 0;
  let at = total + zeros - 1;
  for (const [i, level] of levels.entries()) {
    block[at--] = level;
    if (zeros === 0 || i === total - 1) continue;
    const runRow = (Math.min(zeros, 7) - 1) * runBefore.columns;
    const run = readCode(bits, runBefore, runRow, runRow + runBefore.columns);
    zeros -= run;
    at -= run;
  }
  return block;
}

describe('CAVLC', () => {
  test('no code word of a table begins with another', () => {
    const sets = [-1, 0, 2, 4, 8].map((nC) => wordsOf(coeffTokens(nC), 0, coeffTokens(nC).lengths.length));
    for (const table of [totalZeros, totalZerosChromaDc, runBefore]) {
      for (let at = 0; at < table.lengths.length; at += table.columns)
        sets.push(wordsOf(table, at, at + table.columns));
    }
    assert.deepEqual(
      sets.slice(0, 5).map((words) => words.length),
      [14, 62, 62, 62, 62],
    );
    for (const words of sets) {
      for (const word of words) {
        assert.equal(words.filter((other) => other.startsWith(word)).length, 1, `${word} in ${words}`);
      }
    }
  });

  test('a block is read back as it was written', () => {
    const level = fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 4, arbitrary: fc.constantFrom(1, -1) },
      { weight: 2, arbitrary: fc.integer({ min: -20, max: 20 }) },
      { weight: 1, arbitrary: fc.integer({ min: -1900, max: 1900 }) },
    );
    const shape = fc.constantFrom([16, 0], [16, 2], [16, 5], [16, 9], [15, 1], [15, 3], [4, -1]);
    fc.assert(
      fc.property(shape, fc.array(level, { minLength: 16, maxLength: 16 }), ([count, nC], values) => {
        const block = values.slice(0, count);
        const bits = new BitWriter();
        const total = writeResidual(bits, Int32Array.from([7, ...block]), 1, count!, nC!);
        bits.trailing();
        assert.equal(total, block.filter((value) => value !== 0).length);
        const cursor = new BitCursor(bits.bytes());
        assert.deepEqual(readResidual(cursor, count!, nC!), block);
        assert.equal(cursor.bit(), 1, 'nothing is left over');
      }),
      { numRuns: 3000 },
    );
  });
});
