import { readFileSync } from 'node:fs';

/** The version in package.json. */
export function readVersion(): string {
  const { version } = readPackage();
  return version === undefined ? 'unknown' : String(version);
}

/** The versions of Node.js that package.json asks for; empty if it cannot be read. */
export function readEngines(): string {
  const { engines } = readPackage();
  return typeof engines === 'object' && engines !== null && 'node' in engines ? String(engines.node) : '';
}

/** package.json, which lies one folder above `src`, or two above `dist/src`. */
function readPackage(): { readonly version?: unknown; readonly engines?: unknown } {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const content: unknown = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
      if (typeof content === 'object' && content !== null && 'version' in content) return content;
    } catch {
      // Not there: this is the other layout.
    }
  }
  return {};
}
