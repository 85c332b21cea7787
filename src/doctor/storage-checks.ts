import { checkOf, type Finding } from './finding.ts';

/** A file system, as the folder of interest sees it. */
export interface SpaceFacts {
  readonly what: string;
  readonly folder: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/** The state folder. */
export interface StateFolderFacts {
  readonly folder: string;
  /** `absent`: it is made at the first start. */
  readonly state: 'writable' | 'absent' | 'absent-denied' | 'not-writable' | 'no-folder';
  /** Permission bits; null where the system has none. */
  readonly mode: number | null;
  readonly user: string;
}

/** A file with a secret. */
export interface SecretFile {
  readonly file: string;
  /** Permission bits. */
  readonly mode: number;
  readonly ownerIsUs: boolean;
}

const MiB = 1024 * 1024;
/** Free bytes below which writing is about to fail, and below which it is time to look. */
const littleBytes = 50 * MiB;
const scarceBytes = 500 * MiB;

/** Whether there is room to write on each file system that is used. */
export function checkSpace(spaces: readonly SpaceFacts[]): Finding[] {
  return spaces.map(({ what, folder, freeBytes, totalBytes }) => {
    const check = checkOf('disk', 'Disk');
    const text = `${size(freeBytes)} free of ${size(totalBytes)} for the ${what}, at ${folder}`;
    if (freeBytes < littleBytes) return check.problem(text, 'free some space, or enlarge the file system');
    if (freeBytes < scarceBytes) return check.warning(text, 'free some space before it is full');
    return check.ok(text);
  });
}

/** Whether what must outlive a restart can be kept, out of reach of others. */
export function checkStateFolder({ folder, state, mode, user }: StateFolderFacts): Finding {
  const check = checkOf('state-folder', 'State folder');
  switch (state) {
    case 'no-folder':
      return check.problem(`${folder} is not a folder`, 'remove it, or choose another with --state-dir');
    case 'not-writable':
      return check.problem(
        `${folder}: user ${user} may not write there`,
        `chown it to ${user}, or choose another with --state-dir`,
      );
    case 'absent-denied':
      return check.problem(
        `${folder} is not there, and user ${user} may not make it`,
        `make it for ${user}, or choose another with --state-dir`,
      );
    case 'absent':
      return check.ok(`${folder} is made at the first start`);
    default:
      if (mode !== null && (mode & 0o022) !== 0)
        return check.warning(`${folder}: others may change it (mode ${octal(mode)})`, `chmod 700 ${folder}`);
      return check.ok(folder);
  }
}

/** Files that hold secrets, or show who may log in. */
export function checkSecrets(files: readonly SecretFile[]): Finding[] {
  const check = checkOf('secrets', 'Secret files');
  const exposed = files.filter(({ mode }) => (mode & 0o077) !== 0);
  if (exposed.length > 0)
    return exposed.map(({ file, mode, ownerIsUs }) =>
      (mode & 0o007) !== 0 || ownerIsUs
        ? check.problem(`${file}: others may read or change it (mode ${octal(mode)})`, `chmod 600 ${file}`)
        : check.ok(`${file}: for its owner and group (mode ${octal(mode)})`),
    );
  if (files.length === 0) return [check.ok('there are none yet')];
  return [check.ok(`${files.length} readable by their owner only`)];
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(3, '0');
}

function size(bytes: number): string {
  const gib = bytes / 1024 / MiB;
  return gib >= 10 ? `${Math.round(gib)} GiB` : gib >= 1 ? `${gib.toFixed(1)} GiB` : `${Math.round(bytes / MiB)} MiB`;
}
