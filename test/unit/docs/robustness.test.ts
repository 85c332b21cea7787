import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { withTables } from '../../../scripts/robustness-table.ts';
import { errorTable } from '../../../src/base/errors.ts';
import { rows } from '../../conformance/hostile/rows.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string): string => readFileSync(resolve(root, file), 'utf8');

describe('docs/robustness.md', () => {
  test('has every row of the hostile suite, with what happens', () => {
    const text = read('docs/robustness.md');
    const others = JSON.parse(read('test/conformance/hostile/other-servers.json'));
    assert.equal(withTables(text, rows, others), text, 'node scripts/robustness-table.ts writes it');
  });

  test('no two rows have one id', () => {
    assert.equal(new Set(rows.map(({ id }) => id)).size, rows.length);
  });

  test('all fourteen checks of the driver are there', () => {
    const numbers = rows.flatMap(({ driver }) => driver ?? []).sort((a, b) => a - b);
    assert.deepEqual(
      numbers,
      Array.from({ length: 14 }, (_, i) => i + 1),
    );
  });

  test('reasons are of the error table, and the peer is to blame unless it left', () => {
    const left = ['peer_closed', 'teardown', 'unpublished', 'taken_over'];
    for (const { id, ends, refusal } of rows) {
      if (typeof ends === 'object' && 'closed' in ends) continue;
      const codes = [ends, refusal ?? []].flat().filter((code) => code !== 'tolerated' && code !== 'refused');
      for (const code of codes) assert.ok(left.includes(code) || errorTable[code].peer, `${id}: ${code}`);
    }
  });
});
