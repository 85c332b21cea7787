import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pictureBytes } from '../../../scripts/demo/screen.ts';

describe('a picture on the terminal', () => {
  test('is written over the one before without clearing the screen first', () => {
    const bytes = pictureBytes(['one', 'two'], 80);
    assert.ok(!bytes.includes('\x1b[2J'));
    assert.ok(bytes.includes('\x1b[Hone\x1b[K\r\ntwo\x1b[K\x1b[J'));
    assert.ok(bytes.startsWith('\x1b[?2026h') && bytes.endsWith('\x1b[?2026l'));
  });

  test('a line over all columns keeps its last character, also in colour', () => {
    const bytes = pictureBytes(['12345', '\x1b[32m12345\x1b[0m', '1234'], 5);
    assert.ok(bytes.includes('12345\r\n\x1b[32m12345\x1b[0m\r\n1234\x1b[K'));
  });
});
