import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import { watchOutput } from '../../../scripts/tools/standard-output.ts';

/** What is said when these errors come one after another. */
function saidAbout(...codes: string[]): string[] {
  const stream = new EventEmitter();
  const said: string[] = [];
  watchOutput(stream, (line) => said.push(line));
  for (const code of codes) stream.emit('error', Object.assign(new Error('write'), { code }));
  return said;
}

describe('standard output', () => {
  test('a reader that leaves early does not end a run', () => {
    assert.deepEqual(saidAbout('EPIPE', 'EPIPE'), []);
    assert.deepEqual(saidAbout('EIO'), [], 'a terminal that was closed');
  });

  test('any other error is told, once', () => {
    assert.deepEqual(saidAbout('ENOSPC', 'ENOSPC'), [
      'standard output cannot be written (ENOSPC); make room there and start again',
    ]);
    assert.match(saidAbout('EBADF')[0]!, /\(EBADF\); send it elsewhere/);
  });
});
