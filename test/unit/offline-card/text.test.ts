import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { textWidth } from '../../../src/offline-card/canvas.ts';
import { OutlineFont } from '../../../src/offline-card/outline-font.ts';
import { cleanText, fitText } from '../../../src/offline-card/text-layout.ts';
import { fonts } from './card-model.ts';

const sizes = [
  { size: 60, lines: 1 },
  { size: 40, lines: 2 },
];

describe('fonts', () => {
  test('every one has Latin, Greek, Cyrillic and the ellipsis', () => {
    for (const font of [fonts.regular, fonts.bold, fonts.mono]) {
      for (const character of 'AZaz09~ÀÿĀſșțΆΩώЀЯёґẠỹ–„…€№') {
        assert.ok(font.has(character.codePointAt(0)!), character);
      }
    }
  });

  test('a character that a font lacks still takes room', () => {
    assert.equal(fonts.bold.has('東'.codePointAt(0)!), false);
    assert.ok(textWidth(fonts.bold, 50, '東') > 20);
  });

  test('a file that is none is refused', () => {
    assert.throws(() => new OutlineFont(Buffer.from('GIF89a and more than sixteen bytes')), RangeError);
    const cut = Buffer.alloc(16);
    cut.write('SKYFONT1', 'latin1');
    cut.writeUInt16BE(3, 14);
    assert.throws(() => new OutlineFont(cut), RangeError);
  });
});

describe('text layout', () => {
  test('text is one line of visible characters', () => {
    assert.equal(cleanText('  Gate\r\n\tNorth\u0000 '), 'Gate North');
    assert.equal(cleanText('Cafe\u0301'), 'Café');
    assert.equal(cleanText('a\u200d\ufe0f\u0336b\ud800'), 'ab');
  });

  test('the largest size that holds the whole text is taken', () => {
    assert.deepEqual(fitText(fonts.bold, 'Gate', 400, sizes, ' '), { size: 60, lines: ['Gate'] });
    assert.deepEqual(fitText(fonts.bold, 'Gate North of the river', 400, sizes, ' '), {
      size: 40,
      lines: ['Gate North', 'of the river'],
    });
  });

  test('a URL is broken after a slash, its text unchanged', () => {
    const url = 'rtmp://ingest.example.com/site/roof/stream-key';
    const { lines } = fitText(fonts.mono, url, 700, sizes, '/');
    assert.deepEqual(lines, ['rtmp://ingest.example.com/', 'site/roof/stream-key']);
  });

  test('nothing is ever wider than its place, and shortened text says so', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 });
    fc.assert(
      fc.property(text, fc.integer({ min: 150, max: 1200 }), (raw, width) => {
        const clean = cleanText(raw);
        const { size, lines } = fitText(fonts.regular, clean, width, sizes, ' -/');
        assert.ok(lines.length <= sizes.find((option) => option.size === size)!.lines);
        for (const line of lines) assert.ok(textWidth(fonts.regular, size, line.trimEnd()) <= width + 0.001, line);
        const shown = lines.join('').replaceAll(' ', '');
        if (shown !== clean.replaceAll(' ', '')) assert.ok(shown.endsWith('…'));
      }),
      { numRuns: 300 },
    );
  });
});
