import type { BitWriter } from './bit-writer.ts';
import { type CodeTable, coeffTokens, runBefore, totalZeros, totalZerosChromaDc } from './cavlc-tables.ts';

/** Levels and the zeros in front of each, highest frequency first; used again for every block. */
const levels = new Int32Array(16);
const zerosBefore = new Int32Array(16);

function putCode(bits: BitWriter, table: CodeTable, index: number): void {
  bits.put(table.bits[index]!, table.lengths[index]!);
}

/**
 * residual_block_cavlc (H.264 clause 7.3.5.3.2): the `count` levels from `start` on, in scan order. `nC` chooses the tables and
 * is -1 for chroma DC. Levels up to +-2000. Returns TotalCoeff, which neighbouring blocks need.
 */
export function writeResidual(bits: BitWriter, block: Int32Array, start: number, count: number, nC: number): number {
  let total = 0;
  let zeros = 0;
  for (let i = start + count - 1; i >= start; i--) {
    const level = block[i]!;
    if (level !== 0) {
      levels[total] = level;
      zerosBefore[total] = 0;
      total++;
    } else if (total > 0) {
      zerosBefore[total - 1]!++;
      zeros++;
    }
  }
  let ones = 0;
  while (ones < total && ones < 3 && Math.abs(levels[ones]!) === 1) ones++;
  putCode(bits, coeffTokens(nC), total * 4 + ones);
  if (total === 0) return 0;
  for (let i = 0; i < ones; i++) bits.put(levels[i]! < 0 ? 1 : 0, 1);
  writeLevels(bits, total, ones);
  if (total < count) {
    const table = nC < 0 ? totalZerosChromaDc : totalZeros;
    putCode(bits, table, (total - 1) * table.columns + zeros);
  }
  for (let i = 0; i < total - 1 && zeros > 0; i++) {
    putCode(bits, runBefore, (Math.min(zeros, 7) - 1) * runBefore.columns + zerosBefore[i]!);
    zeros -= zerosBefore[i]!;
  }
  return total;
}

/** level_prefix and level_suffix of the levels after the trailing ones (clause 9.2.2.1, read backwards). */
function writeLevels(bits: BitWriter, total: number, ones: number): void {
  let suffixLength = total > 10 && ones < 3 ? 1 : 0;
  for (let i = ones; i < total; i++) {
    const level = levels[i]!;
    let code = level > 0 ? level * 2 - 2 : -level * 2 - 1;
    // A level of one would have been a trailing one here, so the codes start at two.
    if (i === ones && ones < 3) code -= 2;
    if (suffixLength === 0 && code >= 14) {
      if (code < 30) {
        bits.put(1, 15);
        bits.put(code - 14, 4);
      } else {
        bits.put(1, 16);
        bits.put(code - 30, 12);
      }
    } else if (code < 15 << suffixLength) {
      bits.put(1, (code >> suffixLength) + 1);
      bits.put(code, suffixLength);
    } else {
      bits.put(1, 16);
      bits.put(code - (15 << suffixLength), 12);
    }
    if (suffixLength === 0) suffixLength = 1;
    if (Math.abs(level) > 3 << (suffixLength - 1) && suffixLength < 6) suffixLength++;
  }
}
