/**
 * `npm test`: finds or installs the programs that the end-to-end tests need, then runs every test with node:test. Arguments
 * narrow it: `npm test -- unit/rtmp` runs the files whose path holds the words. The last line counts what passed.
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { finished } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { ensurePrograms } from './tools/system-programs.ts';

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
const counts = { passed: 0, failed: 0 };
// Hundreds of processes and threads load the same files: so each is made ready to run once.
process.env['NODE_COMPILE_CACHE'] ??= resolve(root, 'node_modules/.cache/skyweir-test');
await runFiles(
  files.filter((file) => !heavy(file)),
  availableParallelism(),
);
await runFiles(files.filter(heavy), 2);
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exit(counts.failed === 0 ? 0 : 1);

async function runFiles(selected: string[], concurrency: number): Promise<void> {
  if (selected.length === 0) return;
  const stream = run({ files: selected.map((file) => resolve(root, file)), concurrency, timeout: 180_000 });
  stream.on('test:pass', (event) => {
    if (event.details.type !== 'suite' && event.skip === undefined) counts.passed++;
  });
  stream.on('test:fail', (event) => {
    if (event.details.type !== 'suite') counts.failed++;
  });
  const report = stream.compose(spec);
  report.pipe(process.stdout, { end: false });
  await finished(report);
}
