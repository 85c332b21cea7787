import { type Alias, type Document, isPair, isScalar, Scalar, visit } from 'yaml';
import { settingKeys, settings } from './schema.ts';

/** Keys inside the entries of cameras and hardware whose values are texts. */
const entryTexts: ReadonlySet<string> = new Set(['name', 'path', 'rtsp-path', 'allow-ip']);

/** Whether the value that these keys of the file lead to is a text, or a list of texts. */
function isText([flag, ...inner]: readonly string[]): boolean {
  const key = settingKeys.find((known) => settings[known].flag === flag);
  switch (key === undefined ? null : settings[key].kind) {
    case 'text':
    case 'list':
      return inner.length === 0;
    case 'cameras':
    case 'hardware':
      return inner.length > 0 && entryTexts.has(inner.at(-1)!);
    case 'hooks':
      return inner.length > 0 && inner[0] !== 'timeout';
    default:
      return false;
  }
}

/**
 * Gives numbers back their digits where a text is wanted, and where they are keys inside a value: a camera may be called 007, and
 * its path may be a serial number that is longer than a number can be.
 */
export function keepTexts(document: Document): void {
  visit(document, {
    Scalar: (role, scalar, ancestors) => {
      if (typeof scalar.value !== 'number' || scalar.source === undefined) return;
      const keys = keysOf(ancestors);
      // The keys of the file itself are words.
      if (role === 'key' ? keys.length > 1 : isText(keys)) scalar.value = scalar.source;
    },
    Alias: (role, alias, ancestors) => {
      // Where its anchor stands a number may be wanted.
      if (role === 'key' || !isText(keysOf(ancestors))) return undefined;
      return asWritten(alias, document);
    },
  });
}

function asWritten(alias: Alias, document: Document): Scalar | undefined {
  const target = alias.resolve(document);
  if (!isScalar(target) || typeof target.value !== 'number' || target.source === undefined) return undefined;
  const scalar = new Scalar<unknown>(target.source);
  scalar.range = alias.range ?? null;
  return scalar;
}

/** The keys on the way to a node, as they are written. */
function keysOf(ancestors: readonly unknown[]): string[] {
  return ancestors.flatMap((node) => {
    if (!isPair(node)) return [];
    return [isScalar(node.key) ? String(node.key.source ?? node.key.value) : ''];
  });
}
