/**
 * Writes the vectors of `test/golden` and their manifest from the descriptions beside them. With `--check` it writes
 * nothing and fails when a file is not what its description says. Captures keep the bytes that were recorded.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { capturedVectors } from '../test/golden/captured-vectors.ts';
import { chunkVectors } from '../test/golden/chunk-vectors.ts';
import { sessionVectors } from '../test/golden/session-vectors.ts';

const folder = resolve(import.meta.dirname, '../test/golden');
const lineWidth = 120;
const check = process.argv.includes('--check');
const vectors = [...chunkVectors, ...sessionVectors, ...capturedVectors];
const problems: string[] = [];

const files = new Map<string, Buffer>();
const manifest = vectors.map(({ name, bytes, ...vector }) => {
  const file = `${name}.bin`;
  if (files.has(file)) problems.push(`${file}: two vectors have this name`);
  const content = bytes ?? recorded(file);
  files.set(file, content);
  return { name, file, ...vector, length: content.length };
});
files.set('manifest.json', Buffer.from(formatted(manifest)));

for (const [file, content] of files) {
  const path = join(folder, file);
  if (!check) writeFileSync(path, content);
  else if (!existsSync(path) || !readFileSync(path).equals(content))
    problems.push(`${file}: differs from its description`);
}
for (const file of readdirSync(folder))
  if (file.endsWith('.bin') && !files.has(file)) problems.push(`${file}: has no description`);

if (problems.length > 0) {
  console.error(problems.join('\n'));
  process.exit(1);
}
console.log(`golden: ${vectors.length} vectors ${check ? 'checked' : 'written'}`);

/** JSON as the formatter of this repository has it: a list is on one line if it fits. */
function formatted(value: unknown): string {
  const text = JSON.stringify(value, null, 2);
  return `${text.replace(
    /^( +"\w+": )\[\n([^\]]*)\n +\](,?)$/gm,
    (block, key: string, items: string, comma: string) => {
      const line = `${key}[${items.trim().split(/\n\s+/).join(' ')}]${comma}`;
      return line.length <= lineWidth ? line : block;
    },
  )}\n`;
}

function recorded(file: string): Buffer {
  const path = join(folder, file);
  if (existsSync(path)) return readFileSync(path);
  problems.push(`${file}: the capture is missing`);
  return Buffer.alloc(0);
}
