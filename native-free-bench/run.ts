/**
 * Runs the micro-benchmarks (codec, ingest and shm folders) one after another, each in a process of its own, and prints their tables.
 * `--json FILE` keeps the figures. Arguments that are no options choose files by a part of their names.
 *
 * A benchmark file prints its own table when it is run directly; with `--json` it prints one JSON array of plain objects
 * instead, one object a row. This runner uses that form when it keeps the figures, and then draws the table itself.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { reportFileOf } from '../scripts/tools/report-file.ts';

const root = resolve(import.meta.dirname, '..');
const folders = ['codec', 'ingest', 'shm'] as const;

/** One file's outcome. */
interface FileResult {
  readonly file: string;
  readonly code: number;
  readonly seconds: number;
  readonly rows: readonly unknown[];
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  allowPositionals: true,
});
if (values.help) {
  console.log('node native-free-bench/run.ts [part of a file name ...] [--json FILE]');
} else {
  const files = benchFiles(positionals);
  if (files.length === 0) {
    console.error(`no benchmark found${positionals.length > 0 ? ` for ${positionals.join(', ')}` : ''}`);
    process.exitCode = 1;
  }
  const report = reportFileOf('bench', values.json ?? '');
  const outcomes: FileResult[] = [];
  for (const [index, file] of files.entries()) {
    console.log(`\n[${index + 1}/${files.length}] ${relative(root, file)}`);
    outcomes.push(await runFile(file, values.json !== undefined));
  }
  for (const outcome of outcomes) {
    if (outcome.code === 0) continue;
    console.error(`${outcome.file} failed with code ${outcome.code}`);
    process.exitCode = 1;
  }
  if (report !== null) {
    const machine = { model: cpus()[0]?.model ?? '', cores: availableParallelism(), node: process.versions.node };
    report.write({ at: new Date().toISOString(), machine, outcomes });
    console.log(`figures written to ${values.json}`);
  }
}

function benchFiles(parts: readonly string[]): string[] {
  const found: string[] = [];
  for (const folder of folders) {
    const path = join(import.meta.dirname, folder);
    if (!existsSync(path)) continue;
    for (const name of readdirSync(path).sort()) {
      if (!name.endsWith('.bench.ts')) continue;
      if (parts.length === 0 || parts.some((part) => name.includes(part))) found.push(join(path, name));
    }
  }
  return found;
}

/** Runs one file; with `keep` its rows are collected and printed as a table, else it prints whatever it likes. */
function runFile(file: string, keep: boolean): Promise<FileResult> {
  const startMs = performance.now();
  let output = '';
  return new Promise((resolveResult) => {
    const child = spawn(process.execPath, keep ? [file, '--json'] : [file], {
      stdio: ['ignore', keep ? 'pipe' : 'inherit', 'inherit'],
    });
    child.stdout?.on('data', (text: Buffer) => {
      output += text.toString();
    });
    child.on('close', (code) => {
      const rows = keep ? rowsOf(output) : [];
      if (keep) console.table(rows);
      const failed = keep && rows.length === 0 ? 1 : 0;
      const seconds = (performance.now() - startMs) / 1000;
      resolveResult({ file: relative(root, file), code: code || failed, seconds, rows });
    });
  });
}

/** The last line, or lines, of the output that form a JSON array; empty if there is none. */
function rowsOf(output: string): unknown[] {
  try {
    const rows: unknown = JSON.parse(output.slice(Math.max(output.indexOf('['), 0)));
    return Array.isArray(rows) ? rows : [];
  } catch {
    return [];
  }
}
