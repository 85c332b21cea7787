import { z } from 'zod';
import { limits } from '../base/limits.ts';
import { type AccessEntry, accessEntryKeys, accessEntryOf, accessEntryShape } from './camera-access.ts';
import { type RuleEntry, ruleEntryKeys, ruleEntryOf, ruleEntryShape } from './camera-rules.ts';

/** Most cameras of one server: 63 ONVIF devices of 16. */
export const maximumCameras = 1008;

/** One camera: its name for people, and normalised paths. */
export interface Camera {
  readonly name: string;
  /** What publishers push to. */
  readonly path: string;
  /** What readers pull from. */
  readonly rtspPath: string;
  /** Where it differs from the rules of its hardware. */
  readonly ownRules: RuleEntry;
  /** Who may publish to it. */
  readonly ownAccess: AccessEntry;
}

/** A camera as the configuration file gives it; what is missing follows from its channel. */
export interface CameraEntry extends RuleEntry, AccessEntry {
  readonly name?: string | undefined;
  readonly path?: string | undefined;
  readonly 'rtsp-path'?: string | undefined;
  /** Which channel of its ONVIF device it is, from 1; only in a hardware entry. */
  readonly channel?: number | undefined;
}

/** The keys of a {@link CameraEntry}. */
export const cameraKeys = ['name', 'path', 'rtsp-path', 'channel', ...ruleEntryKeys, ...accessEntryKeys] as const;

/** Most cameras of one hardware: what XProtect takes as one ONVIF device. */
export const camerasPerHardware = 16;

const nameAllowed = 'a name of 1 to 64 characters in one line';
/** Completes "must be ..." for a camera path. */
const pathAllowed = `a path such as /gate/north: at most ${limits.rtmp.pathBytes} bytes and ${limits.rtmp.pathSegments} parts, without '..', '?', '#', '\\' and control characters`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const controls = /[\u0000-\u001f\u007f-\u009f]/;

/** A name for people, as cameras and hardware have it. */
export const nameSchema = z
  .string(nameAllowed)
  .refine((name) => name.trim() !== '' && name.length <= 64 && !controls.test(name), nameAllowed)
  .transform((name) => name.trim());

const cameraPath = z.string(pathAllowed).transform((raw, context) => {
  const path = normaliseCameraPath(raw);
  if (path === null) context.addIssue({ code: 'custom', message: pathAllowed });
  return path ?? z.NEVER;
});

const entryAllowed = 'a camera: name and path';
const channelAllowed = `a whole number from 1 to ${camerasPerHardware}`;
const entryShape = {
  name: nameSchema.optional(),
  path: cameraPath.optional(),
  'rtsp-path': cameraPath.optional(),
  ...ruleEntryShape,
  ...accessEntryShape,
};
const entryError = (issue: { readonly code?: string | undefined }): string | undefined =>
  issue.code === 'unrecognized_keys' ? undefined : entryAllowed;
const cameraEntry: z.ZodType<CameraEntry> = z.strictObject(entryShape, { error: entryError });
const channelEntry: z.ZodType<CameraEntry> = z.strictObject(
  {
    ...entryShape,
    channel: z.int(channelAllowed).min(1, channelAllowed).max(camerasPerHardware, channelAllowed).optional(),
  },
  { error: entryError },
);

/** Completes "must be ..." for a setting that takes at most `maximum` cameras. */
export function camerasAllowed(maximum: number): string {
  return `${countAllowed(maximum)} (in the file also a list of cameras with name and path)`;
}

/** A number of cameras up to `maximum`, or (from a file) the list of them: of all cameras, or those of one hardware. */
export function camerasSchema(maximum: number, of: 'all' | 'hardware'): z.ZodType<number | CameraEntry[]> {
  const allowed = countAllowed(maximum);
  const count = z.preprocess(
    (raw) => (typeof raw === 'string' && /^\d+$/.test(raw.trim()) ? Number(raw) : raw),
    z.int(allowed).min(1, allowed).max(maximum, allowed),
  );
  const list = z
    .array(of === 'all' ? cameraEntry : channelEntry)
    .min(1, 'a list of at least one camera')
    .max(maximum, `a list of at most ${maximum} cameras`);
  return z.unknown().transform((raw, context) => {
    const result = Array.isArray(raw) ? list.safeParse(raw) : count.safeParse(raw);
    if (result.success) return result.data;
    for (const issue of result.error.issues) context.issues.push({ ...issue, input: raw } as never);
    return z.NEVER;
  });
}

function countAllowed(maximum: number): string {
  return `a whole number from 1 to ${maximum}`;
}

/**
 * The path in the form in which paths are compared: one leading slash, no empty and no `.` parts. Null if no publisher
 * could ever be asked for it.
 */
export function normaliseCameraPath(raw: string): string | null {
  // Half a surrogate pair, which YAML and JSON can say, is no character: no URL can hold it.
  if (controls.test(raw) || /[\\?#]/.test(raw) || !raw.isWellFormed()) return null;
  const parts = raw.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.length > limits.rtmp.pathSegments || parts.includes('..')) return null;
  const path = `/${parts.join('/')}`;
  return Buffer.byteLength(path) <= limits.rtmp.pathBytes ? path : null;
}

/** The cameras with all names and paths filled in: number n is "Stream n" on /streamn unless it says otherwise. */
export function resolveCameras(cameras: number | readonly CameraEntry[]): (Camera & { readonly number: number })[] {
  const entries: readonly CameraEntry[] =
    typeof cameras === 'number' ? Array.from({ length: cameras }, () => ({})) : cameras;
  const numbers = fillNumbers(entries.map(({ channel }) => channel));
  return entries.map((entry, index) => {
    const number = numbers[index]!;
    const path = entry.path ?? `/stream${number}`;
    const name = entry.name ?? `Stream ${number}`;
    const rtspPath = entry['rtsp-path'] ?? path;
    return { name, path, rtspPath, ownRules: ruleEntryOf(entry), ownAccess: accessEntryOf(entry), number };
  });
}

/** What has no number gets, in order, the lowest that nobody has. */
export function fillNumbers(given: readonly (number | undefined)[]): number[] {
  const taken = new Set(given);
  let next = 1;
  return given.map((number) => {
    if (number !== undefined) return number;
    while (taken.has(next)) next++;
    return next++;
  });
}
