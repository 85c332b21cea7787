import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { SharedAnswer } from '../../../src/status/shared-answer.ts';

/** An answer that counts how often it is written, under a clock of its own. */
function counted(write: () => object) {
  const clock = { nowMs: 5000, written: 0 };
  const shared = new SharedAnswer(
    () => {
      clock.written++;
      return write();
    },
    () => clock.nowMs,
    1000,
  );
  return { clock, shared };
}

describe('an answer that is shared', () => {
  test('is written once within its lifetime, however many ask', () => {
    const { clock, shared } = counted(() => ({ now: clock.nowMs }));
    const first = shared.answer({ headers: {} });
    for (let i = 0; i < 10; i++) assert.equal(shared.answer({ headers: {} }).body, first.body);
    assert.equal(clock.written, 1);
    clock.nowMs += 1000;
    assert.notEqual(shared.answer({ headers: {} }).body, first.body);
    assert.equal(clock.written, 2);
  });

  test('is compressed for those who understand it, and the same inside', () => {
    const { shared } = counted(() => ({ text: 'x'.repeat(1000) }));
    const plain = shared.answer({ headers: {} });
    const packed = shared.answer({ headers: { 'accept-encoding': 'gzip, deflate, br' } });
    assert.equal(packed.headers?.['Content-Encoding'], 'gzip');
    assert.equal(gunzipSync(packed.body as Buffer).toString(), plain.body);
    assert.equal(shared.answer({ headers: { 'accept-encoding': 'gzip' } }).body, packed.body);
  });

  // With a pattern that tries every blank again, this takes minutes.
  test('is not sent again to who has it, however many tags and blanks come with that', () => {
    const { shared } = counted(() => ({ now: 1 }));
    const { ETag: tag } = shared.answer({ headers: {} }).headers as { ETag: string };
    const blanks = ' '.repeat(200_000);
    for (const [header, status] of [
      [`"a" ,${tag}`, 304],
      // As proxies call it that have compressed the answer.
      [`W/${tag}`, 304],
      [`W/"a", W/${tag} `, 304],
      [`w/${tag}`, 200],
      [`"a",${blanks}${tag}${blanks}, "b"`, 304],
      [`"a"${blanks}"b"`, 200],
    ] as const)
      assert.equal(shared.answer({ headers: { 'if-none-match': header } }).status, status);
  });

  test('is not sent again to who has it, also when it was written anew and is the same', () => {
    const { clock, shared } = counted(() => ({ names: ['a'] }));
    const etag = shared.answer({ headers: {} }).headers!['ETag']!;
    clock.nowMs += 5000;
    const again = shared.answer({ headers: { 'if-none-match': `"other", ${etag}` } });
    assert.deepEqual([again.status, again.body, clock.written], [304, '', 2]);
    assert.equal(etag, `"${shared.tag}"`);
  });
});
