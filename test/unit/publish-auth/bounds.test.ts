import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { ReplayMemory } from '../../../src/publish-auth/replay-memory.ts';

describe('credentials for one use', () => {
  test('are used once, until they end by themselves', () => {
    const memory = new ReplayMemory();
    assert.equal(memory.take('a', 1000, 0), 'taken');
    assert.equal(memory.take('a', 1000, 999), 'used');
    assert.equal(memory.take('b', 1000, 0), 'taken');
  });

  test('may be used again when nothing came of the first use', () => {
    const memory = new ReplayMemory();
    memory.take('a', 1000, 0);
    memory.giveBack('a');
    assert.equal(memory.take('a', 1000, 1), 'taken');
  });

  test('a full memory refuses new ones, and forgets none before its time', () => {
    const memory = new ReplayMemory();
    const most = limits.publishAuth.usedCredentials;
    for (let i = 0; i < most; i++) assert.equal(memory.take(`${i}`, i === 0 ? 5_000 : 10_000, 0), 'taken');
    assert.equal(memory.take('more', 10_000, 10), 'full');
    assert.equal(memory.take('0', 5_000, 20), 'used');
    assert.equal(memory.take('more', 10_000, 5_000), 'taken');
    assert.equal(memory.size, most);
  });
});
