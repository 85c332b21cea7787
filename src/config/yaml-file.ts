import { isAlias, isMap, isNode, isScalar, LineCounter, type Node, type Pair, parseDocument, visit } from 'yaml';
import { UsageError } from './errors.ts';
import { keepTexts } from './text-keys.ts';

/** One key of the file with its value and the place of everything inside it, as `file:line:column`. */
export interface FileEntry {
  readonly key: string;
  readonly value: unknown;
  /** Where the key stands. */
  readonly place: string;
  /** Where the part of the value at `path` stands; the value itself for an empty path. */
  locate(path: readonly PropertyKey[]): string;
}

/** Each costs a walk through the whole text, so that some ten thousand of them in one file would take hours. */
const mostAliases = 100;

/**
 * Reads the top-level keys of a YAML configuration file. `name` is what messages call the file.
 * Throws UsageError with file, line and column for text that is not YAML or not a list of keys with values.
 */
export function parseConfigFile(content: string, name: string): FileEntry[] {
  const lines = new LineCounter();
  const document = parseDocument(content, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };

  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0)
    throw new UsageError(faults.map((fault) => `${at(fault.pos[0])}: not valid YAML: ${firstLine(fault.message)}`));
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === null)) return [];
  if (!isMap(root)) {
    throw new UsageError(
      `${at(root.range?.[0] ?? 0)}: must hold lines of the form "key: value", such as "rtmp-port: 1935"`,
    );
  }

  let aliases = 0;
  visit(document, { Alias: () => void aliases++ });
  if (aliases > mostAliases) throw new UsageError(`${at(0)}: ${aliases} aliases (*name); ${mostAliases} are the most`);
  keepTexts(document);

  const entries: FileEntry[] = [];
  const problems: string[] = [];
  const places = new Map<string, string>();
  for (const pair of root.items as Pair<unknown, unknown>[]) {
    const place = at(offsetOf(pair.key) ?? 0);
    if (!isScalar(pair.key) || typeof pair.key.value !== 'string') {
      problems.push(`${place}: a key must be a word, such as rtmp-port`);
      continue;
    }
    const key = pair.key.value;
    const earlier = places.get(key);
    if (earlier !== undefined) problems.push(`${place}: ${key}: given twice, first at ${earlier}; remove one`);
    places.set(key, place);

    const node = resolveAlias(pair.value);
    const locate = (path: readonly PropertyKey[]): string => {
      // The deepest part that exists: a missing or unknown key is reported at what should hold it.
      for (let depth = path.length; depth > 0; depth--) {
        const part = path.slice(0, depth);
        const found = document.getIn([key, ...part], true);
        const offset = offsetOf(found);
        if (offset !== null) return at(offset);
      }
      return at(offsetOf(node) ?? offsetOf(pair.key) ?? 0);
    };
    try {
      entries.push({
        key,
        value: isNode(node) ? node.toJS(document, { maxAliasCount: mostAliases }) : null,
        place,
        locate,
      });
    } catch (error) {
      problems.push(`${place}: ${key}: ${firstLine(error instanceof Error ? error.message : String(error))}`);
    }
  }
  if (problems.length > 0) throw new UsageError(problems);
  return entries;

  function resolveAlias(value: unknown): Node | null {
    if (!isNode(value)) return null;
    return isAlias(value) ? (value.resolve(document) ?? null) : value;
  }
}

function offsetOf(node: unknown): number | null {
  return isNode(node) && node.range ? node.range[0] : null;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!;
}
