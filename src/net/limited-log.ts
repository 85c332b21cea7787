/** Lines of one kind that are written in a window, and the window's usual milliseconds. */
const linesPerWindow = 5;
const usualWindowMs = 10_000;

interface Window {
  readonly startMs: number;
  lines: number;
  suppressed: number;
}

/** Keeps a peer from filling the log: of each kind of line only some are written in a while, the rest are counted. */
export class LimitedLog {
  readonly #windows = new Map<string, Window>();
  readonly #windowMs: number;

  constructor(windowMs = usualWindowMs) {
    this.#windowMs = windowMs;
  }

  /**
   * Calls `write` if a line of that kind may be written now, with the number of those before it that were not. Kinds are
   * ours to choose, and few.
   */
  line(kind: string, nowMs: number, write: (suppressed: number) => void): void {
    const before = this.#windows.get(kind);
    const isOver = before === undefined || nowMs - before.startMs >= this.#windowMs;
    const window = isOver ? { startMs: nowMs, lines: 0, suppressed: before?.suppressed ?? 0 } : before;
    if (isOver) this.#windows.set(kind, window);
    if (window.lines >= linesPerWindow) {
      window.suppressed++;
      return;
    }
    window.lines++;
    const { suppressed } = window;
    window.suppressed = 0;
    write(suppressed);
  }
}

/** The kind of a line that gives this reason: what stands after a colon is its detail, of which there may be many. */
export function kindOf(reason: string): string {
  return `refused: ${reason.split(':', 1)[0]!}`;
}
