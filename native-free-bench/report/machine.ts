/** On what and with what was measured. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '../..');

/** The machine at the start of a part. */
export interface MachineFacts {
  readonly model: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  /** Load average of the minute before. */
  readonly load: number;
}

/** The program that was measured. */
export interface SourceFacts {
  /** '' where there is no git. */
  readonly commit: string;
  /** Of everything in src and workers: the same as long as nothing of the server changes. */
  readonly hash: string;
}

export function machineFacts(): MachineFacts {
  return {
    model: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
    load: loadavg()[0]!,
  };
}

export function sourceFacts(): SourceFacts {
  return { commit: commitOf(), hash: hashOf(['src', 'workers']) };
}

function commitOf(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short=10', 'HEAD'], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  } catch {
    return '';
  }
}

function hashOf(folders: readonly string[]): string {
  const hash = createHash('sha256');
  for (const folder of folders) {
    const files = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    for (const file of files) hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}
