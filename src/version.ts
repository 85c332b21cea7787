import { readFileSync } from 'node:fs';

/** The version in package.json, which lies one folder above `src`, or two above `dist/src`. */
export function readVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const content: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (typeof content === 'object' && content !== null && 'version' in content) return String(content.version);
    } catch {
      // Not there: this is the other layout.
    }
  }
  return 'unknown';
}
