import { type ConfigProblem, UsageError } from './errors.ts';
import { type HookEntry, hookName, maskUrl, secretMask, shownHookValue } from './hook-list.ts';

/**
 * Hooks as they were sent, with what the file has in place of each mask: an entry of the same name and type has the secrets that
 * are shown as masks. Throws {@link UsageError} for a mask that stands for nothing.
 */
export function unmaskHooks(sent: unknown, stored: readonly HookEntry[]): unknown {
  if (!Array.isArray(sent)) return sent;
  const known = new Map(stored.map((entry) => [identityOf(entry), entry]));
  const hooks = sent.map((entry: unknown) => {
    const same = isEntry(entry) ? known.get(identityOf(entry)) : undefined;
    return isEntry(entry) && same !== undefined ? unmaskEntry(entry, same) : entry;
  });
  refuseMasks(hooks);
  return hooks;
}

/** Throws {@link UsageError} for each mask in a list of hooks: as a value it would be sent in place of the secret. */
export function refuseMasks(hooks: unknown): void {
  const problems = maskProblems(hooks);
  if (problems.length > 0) throw new UsageError(problems);
}

/** A problem for each mask in a list of hooks, such as in a file that was written by `--print-config`. */
export function maskProblems(hooks: unknown): ConfigProblem[] {
  if (!Array.isArray(hooks)) return [];
  return hooks.flatMap((entry: unknown, place) => {
    if (!isEntry(entry)) return [];
    const { url, headers } = entry;
    const masked = entriesOf(headers).flatMap(([name, value]) => (value === secretMask ? [name] : []));
    return [
      ...(hasMask(url) ? [problemOf(place, ['url'], shownHookValue(['url'], url))] : []),
      ...masked.map((name) => problemOf(place, ['headers', name], secretMask)),
    ];
  });
}

/** An entry before it is checked. Its URL is one. */
interface SentEntry {
  readonly url: string;
  readonly name?: unknown;
  readonly type?: unknown;
  readonly headers?: unknown;
}

function isEntry(entry: unknown): entry is SentEntry {
  if (typeof entry !== 'object' || entry === null || !('url' in entry)) return false;
  return typeof entry.url === 'string' && URL.canParse(entry.url);
}

/** Names are told apart without upper and lower case; two hooks cannot share one. */
function identityOf({ name, type = 'webhook', url }: SentEntry): string {
  return JSON.stringify([hookName({ name: typeof name === 'string' ? name : undefined, url }).toLowerCase(), type]);
}

function unmaskEntry(sent: SentEntry, stored: HookEntry): SentEntry {
  const url = sent.url === maskUrl(stored.url) ? stored.url : sent.url;
  if (stored.headers === undefined || typeof sent.headers !== 'object') return { ...sent, url };
  const secrets = new Map(entriesOf(stored.headers));
  const headers = entriesOf(sent.headers).map(([name, value]) =>
    value === secretMask && secrets.has(name) ? [name, secrets.get(name)] : [name, value],
  );
  return { ...sent, url, headers: Object.fromEntries(headers) };
}

function entriesOf(headers: unknown): [string, unknown][] {
  const isMap = typeof headers === 'object' && headers !== null && !Array.isArray(headers);
  return isMap ? Object.entries(headers) : [];
}

function hasMask(text: string): boolean {
  const { username, search } = new URL(text);
  return username === secretMask || search === `?${secretMask}`;
}

function problemOf(place: number, path: readonly string[], value: unknown): ConfigProblem {
  const key = `hooks[${place + 1}].${path.join('.')}`;
  const remedy = `${secretMask} stands for a secret that is not known for a hook of this name and type; write it out`;
  return { text: `${key}: ${remedy}`, key, path: ['hooks', place, ...path], value, remedy, line: null, column: null };
}
