/** The JSON file of an experiment: written after each part, so that what was measured is never lost. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ExperimentFile, PartRecord } from './experiment.ts';

/** Digits that are kept of a figure. */
const digits = 6;

/** The file, or an empty one if there is none. Throws an Error if it is another kind of file. */
export function loadExperiment(path: string, experiment: string, quick: boolean): ExperimentFile {
  if (!existsSync(path)) return { format: 'skyweir-bench-1', experiment, quick, parts: [] };
  const file = JSON.parse(readFileSync(path, 'utf8')) as ExperimentFile;
  if (file.format !== 'skyweir-bench-1' || file.experiment !== experiment)
    throw new Error(`${path} is no file of the experiment ${experiment}`);
  return file;
}

/** `file` with `record` in place of the one of that name, in the order of `names`; parts of other names go last. */
export function withPart(file: ExperimentFile, record: PartRecord, names: readonly string[]): ExperimentFile {
  const place = (name: string): number => (names.includes(name) ? names.indexOf(name) : names.length);
  const parts = [...file.parts.filter(({ name }) => name !== record.name), record];
  return { ...file, parts: parts.sort((a, b) => place(a.name) - place(b.name)) };
}

/** Replaces the file as a whole, so that an interrupted run leaves the old one. */
export function saveExperiment(path: string, file: ExperimentFile): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, jsonText(file));
  renameSync(`${path}.new`, path);
}

/** Indented, but with each list of plain values on one line; figures are cut to six digits. */
export function jsonText(value: unknown): string {
  return `${textOf(value, '')}\n`;
}

function textOf(value: unknown, indent: string): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(shortened(value)) : 'null';
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    if (value.every((one) => one === null || typeof one !== 'object'))
      return `[${value.map((one) => textOf(one, '')).join(', ')}]`;
    return `[\n${value.map((one) => inner + textOf(one, inner)).join(',\n')}\n${indent}]`;
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  if (members.length === 0) return '{}';
  return `{\n${members.map(([key, member]) => `${inner}${JSON.stringify(key)}: ${textOf(member, inner)}`).join(',\n')}\n${indent}}`;
}

function shortened(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(digits));
}
