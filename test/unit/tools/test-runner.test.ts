import assert from 'node:assert/strict';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { temporaryFolder } from '../../support/media.ts';
import { start } from '../../support/program.ts';

const scripts = resolve(import.meta.dirname, '../../../scripts');

/** Runs the files of a project of their own by the program that `npm test` is. */
async function runTests(t: TestContext, files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder(t);
  for (const part of ['test.ts', 'tools'])
    cpSync(join(scripts, part), join(folder, 'scripts', part), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(folder, 'test', file, '..'), { recursive: true });
    writeFileSync(join(folder, 'test', file), `import { test } from 'node:test';\n${text}`);
  }
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return start(t, process.execPath, [join(folder, 'scripts/test.ts')], { env }).ended;
}

test('a file that failed may pass at a second attempt, which is told', { timeout: 60_000 }, async (t) => {
  const marker = join(temporaryFolder(t), 'tried');
  const { code, stdout } = await runTests(t, {
    'unit/unsteady.test.ts': `import { existsSync, writeFileSync } from 'node:fs';
      const [tried, marker] = [existsSync(${JSON.stringify(marker)}), ${JSON.stringify(marker)}];
      writeFileSync(marker, '');
      test('unsteady', () => { if (!tried) throw new Error('the first time'); });`,
    'unit/steady.test.ts': `test('steady', () => {});`,
  });
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^unsteady, passed at the second attempt: test\/unit\/unsteady\.test\.ts: unsteady$/m);
  assert.match(stdout, /^2 passed, 0 failed$/m);
});

test('a test that fails again and again, and one that a helper declares, fail the run', {
  timeout: 60_000,
}, async (t) => {
  const wrong = `() => { throw new Error('always'); }`;
  const again = await runTests(t, { 'unit/wrong.test.ts': `test('wrong', ${wrong});` });
  assert.equal(again.code, 1, again.stdout);
  assert.match(again.stdout, /^0 passed, 1 failed$/m);
  const helper = 'export const declare = (act) => test("from a helper", act);';
  const use = (act: string): string => `import { declare } from '../support/helper.ts';\ndeclare(${act});`;
  const { code, stdout } = await runTests(t, {
    'support/helper.ts': helper,
    'unit/wrong.test.ts': use(wrong),
    // The heavy files run after the others.
    'threads/right.test.ts': use('() => {}'),
  });
  assert.equal(code, 1, stdout);
  assert.match(stdout, /^1 passed, 1 failed$/m);
});
