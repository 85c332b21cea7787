import { stat } from 'node:fs/promises';

/** Milliseconds between two looks. One file a second costs nothing, and works on every file system, also over a network. */
const pollMs = 1000;

/** Looks whether files have changed: replaced, rewritten, gone or come. */
export class FileWatch {
  readonly #files: readonly string[];
  readonly #onChange: () => void | Promise<void>;
  #signature: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #looking = false;

  constructor(files: readonly string[], onChange: () => void | Promise<void>) {
    this.#files = files;
    this.#onChange = onChange;
  }

  /** From now on; what was changed between the last read and this call may be noticed a moment later. */
  start(): void {
    if (this.#files.length > 0) this.#timer ??= setInterval(() => void this.look(), pollMs).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Notes how the files are now: to be called right before they are read. */
  async note(): Promise<void> {
    this.#signature = await signatureOf(this.#files);
  }

  /** Calls back if something has changed since the last look. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const signature = await signatureOf(this.#files);
      if (signature === this.#signature) return;
      this.#signature = signature;
      await this.#onChange();
    } finally {
      this.#looking = false;
    }
  }
}

async function signatureOf(files: readonly string[]): Promise<string> {
  const parts = await Promise.all(
    files.map(async (file) => {
      const found = await stat(file, { bigint: true }).catch(() => null);
      return found === null ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    }),
  );
  return parts.join('\n');
}
