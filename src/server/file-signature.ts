import { stat } from 'node:fs/promises';

/** Changes when one of the files is replaced, rewritten, gone or come; one that is missing counts too. Symbolic links are followed. */
export async function signatureOf(files: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    files.map(async (file) => {
      const found = await stat(file, { bigint: true }).catch(() => null);
      return found === null ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    }),
  );
  return parts.join('\n');
}
