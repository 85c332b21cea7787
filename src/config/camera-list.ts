import { z } from 'zod';
import { limits } from '../base/limits.ts';

/** Most cameras of one server: 63 ONVIF devices of 16. */
export const maximumCameras = 1008;

/** One camera: its name for people and the normalised path that publishers push to and readers pull from. */
export interface Camera {
  readonly name: string;
  readonly path: string;
}

/** A camera as the configuration file gives it; what is missing follows from its place in the list. */
export interface CameraEntry {
  readonly name?: string | undefined;
  readonly path?: string | undefined;
}

const countAllowed = `a whole number from 1 to ${maximumCameras}`;
const nameAllowed = 'a name of 1 to 64 characters in one line';
/** Completes "must be ..." for a camera path. */
const pathAllowed = `a path such as /gate/north: at most ${limits.rtmp.pathBytes} bytes and ${limits.rtmp.pathSegments} parts, without '..', '?', '#', '\\' and control characters`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const controls = /[\u0000-\u001f\u007f-\u009f]/;

const cameraName = z
  .preprocess((raw) => (typeof raw === 'number' ? String(raw) : raw), z.string(nameAllowed))
  .refine((name) => name.trim() !== '' && name.length <= 64 && !controls.test(name), nameAllowed)
  .transform((name) => name.trim());

const cameraPath = z
  .preprocess((raw) => (typeof raw === 'number' ? String(raw) : raw), z.string(pathAllowed))
  .transform((raw, context) => {
    const path = normaliseCameraPath(raw);
    if (path === null) context.addIssue({ code: 'custom', message: pathAllowed });
    return path ?? z.NEVER;
  });

const entryAllowed = 'a camera: name and path';
const cameraEntry: z.ZodType<CameraEntry> = z.strictObject(
  { name: cameraName.optional(), path: cameraPath.optional() },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : entryAllowed) },
);

const count = z.preprocess(
  (raw) => (typeof raw === 'string' && /^\d+$/.test(raw.trim()) ? Number(raw) : raw),
  z.int(countAllowed).min(1, countAllowed).max(maximumCameras, countAllowed),
);
const list = z
  .array(cameraEntry)
  .min(1, 'a list of at least one camera')
  .max(maximumCameras, `a list of at most ${maximumCameras} cameras`);

/** Completes "must be ..." for the setting as a whole. */
export const camerasAllowed = `${countAllowed} (in the file also a list of cameras with name and path)`;

/** A number of cameras, or (from a file) the list of them. */
export const camerasSchema: z.ZodType<number | CameraEntry[]> = z.unknown().transform((raw, context) => {
  const result = Array.isArray(raw) ? list.safeParse(raw) : count.safeParse(raw);
  if (result.success) return result.data;
  for (const issue of result.error.issues) context.issues.push({ ...issue, input: raw } as never);
  return z.NEVER;
});

/**
 * The path in the form in which paths are compared: one leading slash, no empty and no `.` parts. Null if no publisher
 * could ever be asked for it.
 */
export function normaliseCameraPath(raw: string): string | null {
  if (controls.test(raw) || /[\\?#]/.test(raw)) return null;
  const parts = raw.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.length > limits.rtmp.pathSegments || parts.includes('..')) return null;
  const path = `/${parts.join('/')}`;
  return Buffer.byteLength(path) <= limits.rtmp.pathBytes ? path : null;
}

/** The cameras with all names and paths filled in: the n-th is "Stream n" on /streamn unless it says otherwise. */
export function resolveCameras(cameras: number | readonly CameraEntry[]): Camera[] {
  const entries: readonly CameraEntry[] =
    typeof cameras === 'number' ? Array.from({ length: cameras }, () => ({})) : cameras;
  return entries.map((entry, index) => ({
    name: entry.name ?? `Stream ${index + 1}`,
    path: entry.path ?? `/stream${index + 1}`,
  }));
}

/** Pairs of cameras with one path, as places in the list; upper and lower case are the same, as for publishers. */
export function sharedPaths(cameras: readonly Camera[]): { first: number; second: number }[] {
  const seen = new Map<string, number>();
  const shared: { first: number; second: number }[] = [];
  cameras.forEach((camera, index) => {
    const key = camera.path.toLowerCase();
    const first = seen.get(key);
    if (first === undefined) seen.set(key, index);
    else shared.push({ first, second: index });
  });
  return shared;
}
