import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { limits } from '../../../src/base/limits.ts';
import type { DeadLetter } from '../../../src/hooks/hook-queue.ts';
import { DeadLetters } from '../../../src/server/dead-letters.ts';
import { temporaryFolder } from '../../support/media.ts';

const clock = { nowMs: () => 0, wallMs: () => 0 };
const logged: string[] = [];
const line = ({ lost = '' }: { lost?: number | '' }, message: string): unknown =>
  logged.push(`${lost} ${message}`.trim());
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
      letters.add('noc', [letter(id), letter(`${id}2`)]);
      await letters.flushed();
    }
    assert.equal(logged.length, 1);
    assert.match(logged[0]!, /cannot be kept/);
    rmSync(join(folder, 'file'));
    letters.add('noc', [letter('c')]);
    await letters.flushed();
    assert.deepEqual(logged.slice(1), ['4 some events that were not delivered were not kept either']);
  });

  test('is whole lines only, also when the disk takes part of them', {
    skip: process.platform === 'win32' && 'there is no limit of file sizes',
  }, async (t) => {
    const file = join(temporaryFolder(t), 'dead.jsonl');
    const before = '{"event":{"id":"before"}}\n';
    writeFileSync(file, before);
    const script = `
      import { DeadLetters } from ${JSON.stringify(new URL('../../../src/server/dead-letters.ts', import.meta.url))};
      process.on('SIGXFSZ', () => {});
      const logger = { debug() {}, info() {}, warn() {}, error() {} };
      const letters = new DeadLetters(process.argv[1], { nowMs: () => 0, wallMs: () => 0 }, logger);
      const event = JSON.stringify({ id: 'long', text: 'x'.repeat(100_000) });
      const item = { id: 'long', lane: '0', event, content: event, queuedMs: 0 };
      letters.add('noc', [{ item, cause: 'dropped', detail: '', attempts: 0 }]);
      await letters.flushed();`;
    const limited = [
      '-c',
      'ulimit -f 16 && exec "$@"',
      'sh',
      process.execPath,
      '--input-type=module',
      '-e',
      script,
      file,
    ];
    await promisify(execFile)('sh', limited);
    assert.equal(statSync(file).size, before.length);
  });
});
