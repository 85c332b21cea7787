import { write, writeSync } from 'node:fs';

/** How whole lines get into a file descriptor. */
export interface LineOutputOptions {
  readonly fd: number;
  /**
   * Bytes of one write. What several threads write to a pipe is mixed inside a line only if a write is larger than PIPE_BUF
   * of the system; whole lines are gathered up to this. A single longer line is the one exception.
   */
  readonly writeBytes: number;
  /** Bytes that are gathered before a write; lines that wait longer than `delayMs` are written anyway. */
  readonly gatherBytes: number;
  readonly delayMs: number;
  /** Bytes that may wait for a reader or a disk that does not take them; beyond, lines are dropped and counted. */
  readonly waitingBytes: number;
  /** Called when everything is out again after `lines` were dropped. */
  readonly onDropped: (lines: number) => void;
  /** Instead of the system's own, for tests. */
  readonly system?: Pick<typeof import('node:fs'), 'write' | 'writeSync'>;
}

/** Milliseconds until the next try at a pipe that is full, and at a disk that is full or broken. */
const busyRetryMs = 50;
const failedRetryMs = 1000;
/** Milliseconds without progress after which the last flush gives up: nobody reads, and the process has to end. */
const patienceMs = 2000;
const sleepMs = 10;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** The system's errors that say: nobody will ever read this. */
const goneCodes = new Set(['EPIPE', 'EBADF']);
const busyCodes = new Set(['EAGAIN', 'EBUSY']);

/**
 * Writes lines to a file descriptor without ever blocking, throwing or failing: a log that cannot be written must not touch what
 * it tells of. A pipe without a reader ends it for good; a full disk is tried again, with the newest lines dropped meanwhile.
 */
export class LineOutput {
  readonly #options: LineOutputOptions;
  readonly #system: Pick<typeof import('node:fs'), 'write' | 'writeSync'>;
  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#start();
  };
  readonly #onWritten = (error: NodeJS.ErrnoException | null, bytes: number): void => {
    this.#writing = false;
    if (error !== null) this.#failed(error);
    else this.#wrote(bytes);
  };
  #lines: string[] = [];
  /** Of `#lines` and of what is left of `#batch`. */
  #waiting = 0;
  #batch: Buffer | null = null;
  #at = 0;
  /** Of all batches that are not too large for it: a busy log would else leave a MB a second to be cleared away. */
  #memory: Buffer | null = null;
  #writing = false;
  #gone = false;
  /** The last flush gave up because nobody reads. */
  #stuck = false;
  #dropped = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: LineOutputOptions) {
    this.#options = options;
    this.#system = options.system ?? { write, writeSync };
  }

  /** `text`: whole lines with their ends. */
  write(text: string): void {
    if (this.#gone) return;
    const bytes = Buffer.byteLength(text);
    if (this.#waiting + bytes > this.#options.waitingBytes) {
      this.#dropped++;
      return;
    }
    this.#lines.push(text);
    this.#waiting += bytes;
    this.#next();
  }

  /**
   * Writes what waits, synchronously: for the end of the thread. Gives up at an error, and when nobody reads for two seconds; then at
   * once, until somebody reads again.
   * A write that is under way is the system's already and is left to it.
   */
  flush(): void {
    let rest = this.#writing ? null : (this.#batch?.subarray(this.#at) ?? null);
    let progressMs = performance.now();
    while (rest !== null || this.#lines.length > 0) {
      const bytes: Buffer = rest ?? this.#take();
      rest = bytes;
      try {
        const written = this.#system.writeSync(this.#options.fd, bytes);
        this.#waiting -= written;
        rest = written < bytes.length ? bytes.subarray(written) : null;
        this.#stuck = false;
        progressMs = performance.now();
      } catch (error) {
        const busy = busyCodes.has((error as NodeJS.ErrnoException).code ?? '');
        this.#stuck ||= performance.now() - progressMs > patienceMs;
        if (!busy || this.#stuck) break;
        Atomics.wait(sleeper, 0, 0, sleepMs);
      }
    }
    // What could not be written is tried again, unless another write stands in its place.
    if (!this.#writing) this.#setBatch(rest);
    else if (rest !== null) this.#waiting -= rest.length;
  }

  /** Starts a write if enough waits, or a timer for the little that does. */
  #next(): void {
    if (this.#writing || this.#waiting === 0) return;
    if (this.#timer !== null && this.#batch !== null) return;
    if (this.#waiting >= this.#options.gatherBytes) this.#start();
    else this.#later(this.#options.delayMs);
  }

  #start(): void {
    if (this.#writing || this.#gone || this.#waiting === 0) return;
    if (this.#batch === null) this.#setBatch(this.#take());
    this.#writing = true;
    const batch = this.#batch!;
    this.#system.write(this.#options.fd, batch, this.#at, batch.length - this.#at, null, this.#onWritten);
  }

  #wrote(bytes: number): void {
    this.#stuck = false;
    this.#waiting -= bytes;
    this.#at += bytes;
    if (this.#at < this.#batch!.length) {
      this.#start();
      return;
    }
    this.#setBatch(null);
    if (this.#waiting === 0 && this.#dropped > 0) {
      const lines = this.#dropped;
      this.#dropped = 0;
      this.#options.onDropped(lines);
    }
    this.#next();
  }

  #failed({ code = '' }: NodeJS.ErrnoException): void {
    if (goneCodes.has(code)) {
      this.#gone = true;
      this.#lines = [];
      this.#setBatch(null);
      this.#waiting = 0;
    } else this.#later(busyCodes.has(code) ? busyRetryMs : failedRetryMs);
  }

  #setBatch(batch: Buffer | null): void {
    this.#batch = batch;
    this.#at = 0;
  }

  /** As many lines as one write takes, at least one. In {@link LineOutput.#memory}, unless a write is under way from there. */
  #take(): Buffer {
    const { writeBytes } = this.#options;
    let bytes = 0;
    let count = 0;
    for (const line of this.#lines) {
      const more = Buffer.byteLength(line);
      if (count > 0 && bytes + more > writeBytes) break;
      bytes += more;
      count++;
    }
    const lines = this.#lines.splice(0, count);
    if (this.#writing || bytes > writeBytes) return Buffer.from(lines.join(''));
    this.#memory ??= Buffer.allocUnsafeSlow(writeBytes);
    let at = 0;
    for (const line of lines) at += this.#memory.write(line, at);
    return this.#memory.subarray(0, at);
  }

  /** The timer does not keep the process: what is left then is written by {@link flush}. */
  #later(ms: number): void {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(this.#onTimer, ms);
    this.#timer.unref();
  }
}
