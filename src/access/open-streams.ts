/** Answers that go on for long, by what the leave for them hangs on. How many there may be is for those who open them. */
export class OpenStreams {
  readonly #streams = new Map<string, Set<() => void>>();

  /** Returns what to call when it has ended by itself; that tells whether it was still open. */
  add(subject: string, end: () => void): () => boolean {
    const own = this.#streams.get(subject) ?? new Set();
    // The same function may be given twice.
    const entry = (): void => end();
    own.add(entry);
    this.#streams.set(subject, own);
    return () => {
      if (!own.delete(entry)) return false;
      if (own.size === 0 && this.#streams.get(subject) === own) this.#streams.delete(subject);
      return true;
    };
  }

  /** Ends all of one subject. */
  end(subject: string): void {
    const own = [...(this.#streams.get(subject) ?? [])];
    this.#streams.get(subject)?.clear();
    this.#streams.delete(subject);
    for (const end of own) end();
  }
}
