import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { errorTable } from '../../../src/base/errors.ts';
import { settings } from '../../../src/config/schema.ts';
import { fixedLength, literalsOf, templateExpression } from './test-titles.ts';

const root = resolve(import.meta.dirname, '../../..');
const page = readFileSync(resolve(root, 'docs/troubleshooting.md'), 'utf8');

const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:Problem|You see) /.test(line))
  .map((line) => line.slice(2, -2).split(/ ?\| /));

/** The problems of the driver's page, as it words them. */
const problems = [
  'No video in Smart Client',
  'Stream connects but no video',
  'FPS lower than expected',
  'DLLs blocked / driver not loading',
  '"Hardware not responding"',
  'Port already in use',
  '"Stream is already being published to"',
  'Connection rejected / rate limited',
  'TLS handshake failure',
];

/** What the program can say: every string of its source, and expressions for those that are put together. */
const literals = globSync('src/**/*.ts', { cwd: root })
  .flatMap((file) => literalsOf(readFileSync(resolve(root, file), 'utf8')))
  .map(({ text }) => text);
const expressions = literals
  .filter((text) => text.includes('${') && fixedLength(text) >= 8)
  .map((text) => templateExpression(text));

const endings = Object.values(errorTable).map(({ text }) => text as string);

/** Whether the log can hold these words. */
function canBeLogged(words: string): boolean {
  const ending = /^(?:connection|reader) closed: (.+)$/.exec(words)?.[1];
  if (ending !== undefined) return endings.includes(ending);
  const notice = /^stream: (\w+)$/.exec(words)?.[1];
  if (notice !== undefined) return literals.includes(notice);
  if (Object.hasOwn(errorTable, words)) return true;
  // With a problem of a file behind its flag.
  const problem = words.replace(/^--[a-z-]+ \S+: /, '');
  return (
    literals.some((text) => text.includes(words) || (problem.length >= 8 && text === problem)) ||
    expressions.some((expression) => expression.test(words))
  );
}

describe('docs/troubleshooting.md', () => {
  test("has every problem of the RTMP Push Driver's page, in its words", () => {
    const named = rows.map(([problem]) => problem);
    assert.deepEqual(
      problems.filter((problem) => !named.includes(problem)),
      [],
    );
  });

  test('every row has three cells and something to do', () => {
    for (const cells of rows) {
      assert.equal(cells.length, 3, cells.join(' | '));
      assert.ok(cells[1]!.length > 5 && cells[2]!.length > 5, cells.join(' | '));
    }
  });

  test('quotes only what the log can say', () => {
    const quoted = rows.flatMap((cells) => [...cells[1]!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!));
    assert.ok(quoted.length > 25, `${quoted.length} quotes`);
    assert.deepEqual(
      quoted.filter((words) => !canBeLogged(words)),
      [],
    );
  });

  test('a word of reason stands behind its own text', () => {
    for (const [, text, code] of page.matchAll(/`(?:connection|reader) closed: ([^`]+)` \(`(\w+)`\)/g))
      assert.equal(errorTable[code as keyof typeof errorTable]?.text, text);
  });

  test('what is not in the log is found to be missing', () => {
    for (const words of ['connection closed: nothing of the kind', 'stream: no_such_notice', 'never said by anybody'])
      assert.equal(canBeLogged(words), false, words);
  });

  test('its flags are settings', () => {
    const flags = new Set(Object.values(settings).flatMap(({ flag }) => [flag, `no-${flag}`, 'version']));
    const named = [...page.matchAll(/`--([a-z0-9-]+)[^`]*`/g)].map((match) => match[1]!);
    assert.deepEqual(
      named.filter((flag) => !flags.has(flag)),
      [],
    );
  });
});
