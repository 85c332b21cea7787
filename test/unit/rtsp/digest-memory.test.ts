import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DigestMemory } from '../../../src/rtsp/digest-memory.ts';

describe('DigestMemory', () => {
  test('takes each answer once', () => {
    const memory = new DigestMemory(10);
    assert.equal(memory.take('a', 1000, 0), true);
    assert.equal(memory.take('a', 1000, 0), false);
    assert.equal(memory.take('b', 1000, 0), true);
    assert.equal(memory.take('a', 1000, 0), false);
  });

  test('is bounded, and what it had to forget is not taken again', () => {
    const memory = new DigestMemory(3);
    for (const [index, answer] of ['a', 'b', 'c', 'd', 'e'].entries())
      assert.equal(memory.take(answer, 1000 + index, 0), true);
    assert.equal(memory.size, 3);
    for (const [index, answer] of ['a', 'b', 'c', 'd', 'e'].entries())
      assert.equal(memory.take(answer, 1000 + index, 0), false, answer);
    assert.equal(memory.take('new', 1001, 0), false, 'nor anything else to a nonce of then');
    assert.equal(memory.take('new', 1010, 0), true, 'a new nonce is as good as ever');
  });

  test('forgets what is too old for its nonce', () => {
    const memory = new DigestMemory(100);
    for (let i = 0; i < 50; i++) memory.take(`a${i}`, i, 0);
    memory.take('b', 100, 50);
    assert.equal(memory.size, 1);
  });
});
