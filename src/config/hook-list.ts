import { z } from 'zod';
import { type EventType, eventTypes } from '../base/event-types.ts';
import { formatDuration } from './quantity.ts';
import { duration, pathPattern } from './setting.ts';

/** Most hooks. Each may hold a queue of some megabytes. */
export const maximumHooks = 16;

/** What is at the other end of a hook. */
const hookTypes = ['webhook', 'milestone-analytics', 'milestone-generic'] as const;

export type HookType = (typeof hookTypes)[number];

/** A hook as the file gives it. */
export interface HookEntry {
  readonly name?: string | undefined;
  readonly type?: HookType | undefined;
  readonly url: string;
  readonly events?: EventType[] | undefined;
  readonly cameras?: string[] | undefined;
  readonly 'secret-file'?: string | undefined;
  readonly 'ca-file'?: string | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  readonly headers?: Record<string, string> | undefined;
  readonly text?: string | undefined;
  readonly separator?: string | undefined;
  readonly source?: string | undefined;
  readonly 'camera-ids'?: Record<string, string> | undefined;
}

const urlAllowed = 'a URL: http:// or https://, for milestone-generic tcp:// or udp:// with a port';
const nameAllowed = 'a name of 1 to 64 characters';
const eventsAllowed = `a list of ${eventTypes.join(', ')}`;
const camerasAllowed = 'a list of names or paths of cameras';
const fileAllowed = 'the path of a file';
const headersAllowed = 'names of HTTP headers with their values';
const textAllowed = 'a text of 1 to 500 characters';
const separatorAllowed = 'a text of at most 8 characters, such as "\\r\\n"';
const idsAllowed = 'names or paths of cameras with their GUIDs in XProtect';
const typeAllowed = `one of ${hookTypes.join(', ')}`;

/** Milliseconds for one attempt, with connecting, where the file says nothing. */
export const defaultHookTimeoutMs = 10_000;

const timeout = duration({
  flag: 'timeout',
  default: defaultHookTimeoutMs,
  minMs: 100,
  maxMs: 60_000,
  applies: 'live',
  group: 'Hooks',
  text: '',
});

/** Headers that are ours, or the connection's. */
const ownHeaders = /^(?:host|connection|content-length|content-type|transfer-encoding|skyweir-.*)$/i;

const shape = {
  name: z
    .string(nameAllowed)
    .regex(/^[^\p{C}]{1,64}$/u, nameAllowed)
    .optional(),
  type: z.enum(hookTypes, typeAllowed).optional(),
  url: z.string(urlAllowed).refine(isUrl, urlAllowed),
  events: z.array(z.enum(eventTypes, eventsAllowed), eventsAllowed).min(1, eventsAllowed).optional(),
  cameras: z.array(z.string(camerasAllowed).min(1, camerasAllowed), camerasAllowed).min(1, camerasAllowed).optional(),
  'secret-file': z.string(fileAllowed).regex(pathPattern, fileAllowed).optional(),
  'ca-file': z.string(fileAllowed).regex(pathPattern, fileAllowed).optional(),
  timeout: timeout.schema.optional(),
  headers: z
    .record(
      z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/, headersAllowed),
      z.string(headersAllowed).regex(/^[\t\x20-\x7e]{0,1024}$/, headersAllowed),
      headersAllowed,
    )
    .refine((headers) => Object.keys(headers).every((name) => !ownHeaders.test(name)), headersAllowed)
    .optional(),
  text: z.string(textAllowed).min(1, textAllowed).max(500, textAllowed).optional(),
  separator: z.string(separatorAllowed).max(8, separatorAllowed).optional(),
  source: z.string(textAllowed).min(1, textAllowed).max(500, textAllowed).optional(),
  'camera-ids': z.record(z.string(), z.guid(idsAllowed), idsAllowed).optional(),
};

/** The keys of a {@link HookEntry}. */
export const hookKeys: readonly string[] = Object.keys(shape);

/** Keys that only some types have. */
const ofTypes: Readonly<Record<string, readonly HookType[]>> = {
  'secret-file': ['webhook'],
  'ca-file': ['webhook', 'milestone-analytics'],
  headers: ['webhook', 'milestone-analytics'],
  text: ['milestone-analytics', 'milestone-generic'],
  separator: ['milestone-generic'],
  source: ['milestone-analytics'],
  'camera-ids': ['milestone-analytics'],
};

const entryAllowed = 'a hook: at least its url';
/** Completes "must be ..." for the setting as a whole. */
export const hooksAllowed = `a list of at most ${maximumHooks} hooks`;

/** The list of hooks, which only a file can give. */
export const hooksSchema: z.ZodType<HookEntry[]> = z
  .array(
    z
      .strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : entryAllowed) })
      .superRefine((entry, context) => checkEntry(entry as HookEntry, context)) as unknown as z.ZodType<HookEntry>,
    hooksAllowed,
  )
  .max(maximumHooks, hooksAllowed)
  .superRefine((entries, context) => {
    // Mistakes inside an entry are told of it alone.
    const names = entries.map((entry) => (isUrl(entry.url) ? hookName(entry).toLowerCase() : null));
    names.forEach((name, place) => {
      if (name !== null && names.indexOf(name) < place)
        context.addIssue({ code: 'custom', path: [place], message: 'a hook with a name of its own (`name`)' });
    });
  });

function isUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  return /^(?:https?|tcp|udp):$/.test(protocol) && hostname !== '' && [username, password].every(isEscapedWell);
}

/** Whether it can be sent as user or password: `%` stands for itself nowhere in a URL. */
function isEscapedWell(part: string): boolean {
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

/** What a type has, and what it does not. */
function checkEntry(entry: HookEntry, context: z.RefinementCtx): void {
  const { type = 'webhook', url } = entry;
  for (const [key, types] of Object.entries(ofTypes)) {
    if (entry[key as keyof HookEntry] !== undefined && !types.includes(type))
      context.addIssue({ code: 'custom', path: [key], message: `left out: only ${types.join(' and ')} has it` });
  }
  if (typeof url !== 'string' || !isUrl(url)) return;
  const { protocol, port } = new URL(url);
  const isGeneric = type === 'milestone-generic';
  if (isGeneric !== /^(?:tcp|udp):$/.test(protocol) || (isGeneric && port === ''))
    context.addIssue({ code: 'custom', path: ['url'], message: urlAllowed });
}

/** What a hook is known by: its name, else its host. */
export function hookName({ name, url }: Pick<HookEntry, 'name' | 'url'>): string {
  return name ?? new URL(url).host;
}

/** Stands for what is not shown. */
export const secretMask = '***';

/** A URL without what may be secret in it: user, password, query and fragment. */
export function maskUrl(text: string): string {
  const url = new URL(text);
  const user = url.username === '' && url.password === '' ? '' : `${secretMask}@`;
  return `${url.protocol}//${user}${url.host}${url.pathname}${url.search === '' ? '' : `?${secretMask}`}`;
}

/** An entry as it may be shown: what is secret in its URL, and the values of its headers, are masked. */
export function shownHook(entry: HookEntry): Record<string, unknown> {
  const { url, timeout: timeoutMs, headers } = entry;
  return {
    ...entry,
    url: maskUrl(url),
    ...(timeoutMs !== undefined && { timeout: formatDuration(timeoutMs) }),
    ...(headers !== undefined && {
      headers: Object.fromEntries(Object.keys(headers).map((name) => [name, secretMask])),
    }),
  };
}

/** What a message about a mistake may show of a value inside the list: nothing that could be secret. */
export function shownHookValue(path: readonly PropertyKey[], value: unknown): unknown {
  if (Array.isArray(value)) return value.map((part, place) => shownHookValue([...path, place], part));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, shownHookValue([...path, key], part)]));
  }
  const keys = path.filter((part) => typeof part === 'string');
  const isKnown = keys.length === 0 || hookKeys.includes(keys[0]!);
  if (value === undefined || value === null) return value;
  if (keys[0] === 'headers' || !isKnown) return secretMask;
  return typeof value === 'string'
    ? value.replace(/\/\/[^/?#]*@/, '//***@').replace(/(:\/\/[^?]*)\?.*/s, '$1?***')
    : value;
}
