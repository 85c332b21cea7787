import { stat } from 'node:fs/promises';

const missing = 'none';

/** Changes when one of the files is replaced, rewritten, gone or come; one that is missing counts too. Symbolic links are followed. */
export async function signatureOf(files: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    files.map(async (file) => {
      const found = await stat(file, { bigint: true }).catch(() => null);
      return found === null ? missing : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    }),
  );
  return parts.join('\n');
}

/** Whether a file that was there by the first of two signatures of the same files is not by the second. */
export function hasLost(before: string, after: string): boolean {
  const then = before.split('\n');
  return after.split('\n').some((part, place) => part === missing && then[place] !== missing);
}
