/**
 * The variable-length codes of CAVLC (H.264 clause 9.2), written as the standard prints them: strings of bits, parsed once.
 * A table is a list of rows; `codeBits` and `codeLengths` of a row hold one code word per column, 0 bits for none.
 */
export interface CodeTable {
  /** Values of the code words, `columns` to a row. */
  readonly bits: Uint16Array;
  /** Their lengths in bits. */
  readonly lengths: Uint8Array;
  readonly columns: number;
}

function parse(rows: readonly string[], columns: number): CodeTable {
  const bits = new Uint16Array(rows.length * columns);
  const lengths = new Uint8Array(rows.length * columns);
  rows.forEach((row, i) => {
    row.split(' ').forEach((word, j) => {
      if (word === '-') return;
      bits[i * columns + j] = Number.parseInt(word, 2);
      lengths[i * columns + j] = word.length;
    });
  });
  return { bits, lengths, columns };
}

/** coeff_token for 0 <= nC < 2 (table 9-5): a row per TotalCoeff, a column per TrailingOnes. */
const coeffToken0 = [
  '1 - - -',
  '000101 01 - -',
  '00000111 000100 001 -',
  '000000111 00000110 0000101 00011',
  '0000000111 000000110 00000101 000011',
  '00000000111 0000000110 000000101 0000100',
  '0000000001111 00000000110 0000000101 00000100',
  '0000000001011 0000000001110 00000000101 000000100',
  '0000000001000 0000000001010 0000000001101 0000000100',
  '00000000001111 00000000001110 0000000001001 00000000100',
  '00000000001011 00000000001010 00000000001101 0000000001100',
  '000000000001111 000000000001110 00000000001001 00000000001100',
  '000000000001011 000000000001010 000000000001101 00000000001000',
  '0000000000001111 000000000000001 000000000001001 000000000001100',
  '0000000000001011 0000000000001110 0000000000001101 000000000001000',
  '0000000000000111 0000000000001010 0000000000001001 0000000000001100',
  '0000000000000100 0000000000000110 0000000000000101 0000000000001000',
];

/** 2 <= nC < 4. */
const coeffToken2 = [
  '11 - - -',
  '001011 10 - -',
  '000111 00111 011 -',
  '0000111 001010 001001 0101',
  '00000111 000110 000101 0100',
  '00000100 0000110 0000101 00110',
  '000000111 00000110 00000101 001000',
  '00000001111 000000110 000000101 000100',
  '00000001011 00000001110 00000001101 0000100',
  '000000001111 00000001010 00000001001 000000100',
  '000000001011 000000001110 000000001101 00000001100',
  '000000001000 000000001010 000000001001 00000001000',
  '0000000001111 0000000001110 0000000001101 000000001100',
  '0000000001011 0000000001010 0000000001001 0000000001100',
  '0000000000111 00000000001011 0000000000110 0000000001000',
  '00000000001001 00000000001000 00000000001010 0000000000001',
  '00000000000111 00000000000110 00000000000101 00000000000100',
];

/** 4 <= nC < 8. */
const coeffToken4 = [
  '1111 - - -',
  '001111 1110 - -',
  '001011 01111 1101 -',
  '001000 01100 01110 1100',
  '0001111 01010 01011 1011',
  '0001011 01000 01001 1010',
  '0001001 001110 001101 1001',
  '0001000 001010 001001 1000',
  '00001111 0001110 0001101 01101',
  '00001011 00001110 0001010 001100',
  '000001111 00001010 00001101 0001100',
  '000001011 000001110 00001001 00001100',
  '000001000 000001010 000001101 00001000',
  '0000001101 000000111 000001001 000001100',
  '0000001001 0000001100 0000001011 0000001010',
  '0000000101 0000001000 0000000111 0000000110',
  '0000000001 0000000100 0000000011 0000000010',
];

/** 8 <= nC: six bits, TotalCoeff - 1 and TrailingOnes; no coefficient is 000011. */
const coeffToken8 = Array.from({ length: 17 }, (_, total) =>
  Array.from({ length: 4 }, (_, ones) => {
    if (ones > total) return '-';
    return (total === 0 ? 3 : ((total - 1) << 2) | ones).toString(2).padStart(6, '0');
  }).join(' '),
);

/** nC = -1: chroma DC of 4:2:0. */
const coeffTokenChromaDc = [
  '01 - - -',
  '000111 1 - -',
  '000100 000110 001 -',
  '000011 0000011 0000010 000101',
  '000010 00000011 00000010 0000000',
];

/** total_zeros of blocks of 4x4 (tables 9-7 and 9-8): a row per TotalCoeff from 1, a column per value. */
const totalZeros4x4 = [
  '1 011 010 0011 0010 00011 00010 000011 000010 0000011 0000010 00000011 00000010 000000011 000000010 000000001',
  '111 110 101 100 011 0101 0100 0011 0010 00011 00010 000011 000010 000001 000000',
  '0101 111 110 101 0100 0011 100 011 0010 00011 00010 000001 00001 000000',
  '00011 111 0101 0100 110 101 100 0011 011 0010 00010 00001 00000',
  '0101 0100 0011 111 110 101 100 011 0010 00001 0001 00000',
  '000001 00001 111 110 101 100 011 010 0001 001 000000',
  '000001 00001 101 100 011 11 010 0001 001 000000',
  '000001 0001 00001 011 11 10 010 001 000000',
  '000001 000000 0001 11 10 001 01 00001',
  '00001 00000 001 11 10 01 0001',
  '0000 0001 001 010 1 011',
  '0000 0001 01 1 001',
  '000 001 1 01',
  '00 01 1',
  '0 1',
];

/** total_zeros of chroma DC, table 9-9 (a). */
const totalZerosDc = ['1 01 001 000', '1 01 00', '1 0'];

/** run_before (table 9-10): a row per zerosLeft from 1, the last for all above 6. */
const runs = [
  '1 0',
  '1 01 00',
  '11 10 01 00',
  '11 10 01 001 000',
  '11 10 011 010 001 000',
  '11 000 001 011 010 101 100',
  '111 110 101 100 011 010 001 0001 00001 000001 0000001 00000001 000000001 0000000001 00000000001',
];

const parsedToken0 = parse(coeffToken0, 4);
const parsedToken2 = parse(coeffToken2, 4);
const parsedToken4 = parse(coeffToken4, 4);
const parsedToken8 = parse(coeffToken8, 4);
const parsedTokenDc = parse(coeffTokenChromaDc, 4);

/** The coeff_token table for nC, -1 for chroma DC; index it by TotalCoeff * 4 + TrailingOnes. */
export function coeffTokens(nC: number): CodeTable {
  if (nC < 0) return parsedTokenDc;
  if (nC < 2) return parsedToken0;
  if (nC < 4) return parsedToken2;
  return nC < 8 ? parsedToken4 : parsedToken8;
}

/** total_zeros of 4x4 blocks: index (TotalCoeff - 1) * columns + total_zeros. */
export const totalZeros = parse(totalZeros4x4, 16);

/** total_zeros of chroma DC. */
export const totalZerosChromaDc = parse(totalZerosDc, 4);

/** run_before: index (min(zerosLeft, 7) - 1) * columns + run_before. */
export const runBefore = parse(runs, 15);
