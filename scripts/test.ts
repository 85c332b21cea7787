/**
 * `npm test`: finds or installs the programs that the end-to-end tests need, then runs every test with node:test. Arguments
 * narrow it: `npm test -- unit/rtmp` runs the files whose path holds the words. The last line counts what passed.
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { ensurePrograms } from './tools/system-programs.ts';

/** What became of the tests of one file. */
interface FileResult {
  passed: number;
  /** Names of the tests. */
  readonly failed: string[];
}

/** Milliseconds that a file may take. */
const fileTimeoutMs = 300_000;
/** Files that get a second attempt. */
const mostTriedAgain = 4;

const root = resolve(import.meta.dirname, '..');
const words = process.argv.slice(2);
const files = globSync('test/**/*.test.ts', { cwd: root })
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();

if (files.length === 0) {
  console.error(`no test file matches ${words.join(' ')}`);
  process.exit(2);
}

if (files.some((file) => file.startsWith('test/e2e/'))) await ensurePrograms(['ffmpeg', 'gstreamer']);
if (files.some((file) => file.startsWith('test/e2e/page'))) await ensurePrograms(['chromium']);

// Tests with threads and real clients measure nothing, but they do need the processors: they run after the others, and as they
// mostly wait, two at a time.
const heavy = (file: string) => /^test\/(e2e|threads|soak|conformance\/hostile)\//.test(file);
// Hundreds of processes and threads load the same files: so each is made ready to run once.
process.env['NODE_COMPILE_CACHE'] ??= resolve(root, 'node_modules/.cache/skyweir-test');
const results = new Map<string, FileResult>();
await runFiles(
  files.filter((file) => !heavy(file)),
  availableParallelism(),
  results,
);
await runFiles(files.filter(heavy), 2, results);
await tryAgain();
let [passed, failed] = [0, 0];
for (const result of results.values()) {
  passed += result.passed;
  failed += result.failed.length;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

/** Runs the files and adds what became of them to `outcome`, by the name of the file that declares the tests. */
async function runFiles(
  selected: readonly string[],
  concurrency: number,
  outcome: Map<string, FileResult>,
): Promise<void> {
  if (selected.length === 0) return;
  const stream = run({ files: selected.map((file) => resolve(root, file)), concurrency, timeout: fileTimeoutMs });
  const resultOf = (path: string | undefined): FileResult => {
    const file = path === undefined ? '' : relative(root, path);
    const result = outcome.get(file) ?? { passed: 0, failed: [] };
    outcome.set(file, result);
    return result;
  };
  stream.on('test:pass', ({ details, file, skip }) => {
    if (details.type !== 'suite' && skip === undefined) resultOf(file).passed++;
  });
  stream.on('test:fail', ({ details, file, name }) => {
    if (details.type !== 'suite') resultOf(file).failed.push(name);
  });
  const report = stream.compose(spec);
  report.pipe(process.stdout, { end: false });
  await finished(report);
}

/**
 * A virtual machine can stand still for seconds, which real clients do not forgive. So a file that failed runs once more, with
 * the machine to itself, and what failed at first is told all the same. Where many fail there is another cause.
 */
async function tryAgain(): Promise<void> {
  const failures = [...results].filter(([, { failed }]) => failed.length > 0);
  if (failures.length === 0 || failures.length > mostTriedAgain) return;
  const names = failures.map(([file]) => file);
  // Tests that a helper declares are told under its name, and it runs none by itself.
  if (!names.every((name) => files.includes(name))) return;
  console.log(`\nFailed, and runs once more with nothing beside it: ${names.join(', ')}\n`);
  const second = new Map<string, FileResult>();
  await runFiles(names, 1, second);
  for (const [file, result] of second) results.set(file, result);
  for (const [file, { failed }] of failures)
    if (results.get(file)!.failed.length === 0)
      console.log(`unsteady, passed at the second attempt: ${file}: ${failed.join('; ')}`);
}
