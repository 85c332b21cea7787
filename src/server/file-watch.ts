import { hasLost, signatureOf } from './file-signature.ts';

/** Milliseconds between two looks. One file a second costs nothing, and works on every file system, also over a network. */
const pollMs = 1000;

/**
 * Milliseconds that a file must have been gone: editors, and who puts a backup back, take the old one away before the new one is
 * there, and a list that is not there is an empty one.
 */
const goneMs = 2500;

/** How a {@link FileWatch} waits, where it does not tell of a change at once. */
export interface FileWatchOptions {
  /** Milliseconds that the files must have stood still before a change is told. */
  readonly stillMs?: number;
  readonly nowMs?: () => number;
}

/** Looks whether files have changed: replaced, rewritten, gone or come. A symbolic link is followed to what it leads to. */
export class FileWatch {
  readonly #files: readonly string[];
  readonly #onChange: () => void | Promise<void>;
  readonly #stillMs: number;
  readonly #nowMs: () => number;
  /** How the files were when that was told, and at the last look, with the first look that found them so. */
  #told: string | null = null;
  #seen: string | null = null;
  #seenAtMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #looking = false;

  constructor(
    files: readonly string[],
    onChange: () => void | Promise<void>,
    { stillMs = 0, nowMs = () => performance.now() }: FileWatchOptions = {},
  ) {
    this.#files = files;
    this.#onChange = onChange;
    this.#stillMs = stillMs;
    this.#nowMs = nowMs;
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
    this.#told = await signatureOf(this.#files);
  }

  /** The next look tells of the files once more, however they are. */
  forget(): void {
    this.#told = null;
  }

  /** Calls back if something has changed since that was told last, and has stood still, or been gone, for long enough. */
  async look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const signature = await signatureOf(this.#files);
      const nowMs = this.#nowMs();
      if (signature !== this.#seen) {
        this.#seen = signature;
        this.#seenAtMs = nowMs;
      }
      const stillMs = this.#told !== null && hasLost(this.#told, signature) ? goneMs : 0;
      if (signature === this.#told || nowMs - this.#seenAtMs < Math.max(stillMs, this.#stillMs)) return;
      this.#told = signature;
      await this.#onChange();
    } finally {
      this.#looking = false;
    }
  }
}
