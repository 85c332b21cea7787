import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import type { DeadLetter } from '../../../src/hooks/hook-queue.ts';
import { DeadLetters } from '../../../src/server/dead-letters.ts';
import { temporaryFolder } from '../../support/media.ts';

const clock = { nowMs: () => 0, wallMs: () => 0 };
const logged: string[] = [];
const line = (_fields: object, message: string): unknown => logged.push(message);
const logger = { debug: line, info: line, warn: line, error: line };

function letter(id: string): DeadLetter {
  const event = JSON.stringify({ id });
  const item = { id, lane: '0', event, content: event, queuedMs: 0 };
  return { item, cause: 'dropped', detail: 'the queue is full', attempts: 2 };
}

describe('what was not delivered', () => {
  test('is a line of JSON each, for this user only, in the order in which it was given up', async (t) => {
    const file = join(temporaryFolder(t), 'state', 'dead.jsonl');
    const letters = new DeadLetters(file, clock, logger);
    letters.add('noc', [letter('a')]);
    letters.add('noc', [letter('b'), letter('c')]);
    await letters.flushed();
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    assert.deepEqual(JSON.parse(lines[0]!), {
      time: '1970-01-01T00:00:00.000Z',
      hook: 'noc',
      cause: 'dropped',
      detail: 'the queue is full',
      attempts: 2,
      event: { id: 'a' },
    });
    assert.deepEqual(
      lines.map((text) => JSON.parse(text).event.id),
      ['a', 'b', 'c'],
    );
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o077, 0);
  });

  test('takes two files of a bounded size', async (t) => {
    const file = join(temporaryFolder(t), 'dead.jsonl');
    writeFileSync(file, 'x'.repeat(limits.hooks.deadLetterBytes));
    const letters = new DeadLetters(file, clock, logger);
    letters.add('noc', [letter('a')]);
    await letters.flushed();
    assert.equal(statSync(`${file}.1`).size, limits.hooks.deadLetterBytes);
    assert.equal(JSON.parse(readFileSync(file, 'utf8')).event.id, 'a');
  });

  test('that cannot be written is told once, and holds nobody up', async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'file'), '');
    const letters = new DeadLetters(join(folder, 'file', 'dead.jsonl'), clock, logger);
    logged.length = 0;
    for (const id of ['a', 'b']) {
      letters.add('noc', [letter(id)]);
      await letters.flushed();
    }
    assert.equal(logged.filter((message) => message.includes('cannot be kept')).length, 1);
  });
});
