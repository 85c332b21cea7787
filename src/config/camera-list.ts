import { z } from 'zod';
import { limits } from '../base/limits.ts';

/** Most cameras of one server: 63 ONVIF devices of 16. */
export const maximumCameras = 1008;

/** One camera: its name for people, and normalised paths. */
export interface Camera {
  readonly name: string;
  /** What publishers push to. */
  readonly path: string;
  /** What readers pull from. */
  readonly rtspPath: string;
}

/** A camera as the configuration file gives it; what is missing follows from its place in the list. */
export interface CameraEntry {
  readonly name?: string | undefined;
  readonly path?: string | undefined;
  readonly 'rtsp-path'?: string | undefined;
}

/** The keys of a {@link CameraEntry}. */
export const cameraKeys = ['name', 'path', 'rtsp-path'] as const;

const nameAllowed = 'a name of 1 to 64 characters in one line';
/** Completes "must be ..." for a camera path. */
const pathAllowed = `a path such as /gate/north: at most ${limits.rtmp.pathBytes} bytes and ${limits.rtmp.pathSegments} parts, without '..', '?', '#', '\\' and control characters`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const controls = /[\u0000-\u001f\u007f-\u009f]/;

/** A name for people, as cameras and hardware have it. */
export const nameSchema = z
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
  { name: nameSchema.optional(), path: cameraPath.optional(), 'rtsp-path': cameraPath.optional() },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : entryAllowed) },
);

/** Completes "must be ..." for a setting that takes at most `maximum` cameras. */
export function camerasAllowed(maximum: number): string {
  return `${countAllowed(maximum)} (in the file also a list of cameras with name and path)`;
}

/** A number of cameras up to `maximum`, or (from a file) the list of them. */
export function camerasSchema(maximum: number): z.ZodType<number | CameraEntry[]> {
  const allowed = countAllowed(maximum);
  const count = z.preprocess(
    (raw) => (typeof raw === 'string' && /^\d+$/.test(raw.trim()) ? Number(raw) : raw),
    z.int(allowed).min(1, allowed).max(maximum, allowed),
  );
  const list = z
    .array(cameraEntry)
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
  return entries.map((entry, index) => {
    const path = entry.path ?? `/stream${index + 1}`;
    return { name: entry.name ?? `Stream ${index + 1}`, path, rtspPath: entry['rtsp-path'] ?? path };
  });
}
