/** How a check came out. A problem keeps Skyweir, or a part of it, from working; a warning may. */
export type Grade = 'ok' | 'warning' | 'problem';

/** The outcome of one check. */
export interface Finding {
  /** Stable name, for scripts. */
  readonly check: string;
  /** What was looked at, for people. */
  readonly subject: string;
  readonly grade: Grade;
  /** What was found. */
  readonly text: string;
  /** What to do about it; null where nothing is to be done. */
  readonly remedy: string | null;
}

/** Makes findings of one check. */
export interface Check {
  ok(text: string): Finding;
  warning(text: string, remedy: string): Finding;
  problem(text: string, remedy: string): Finding;
}

/** The findings of a check about `subject`. */
export function checkOf(check: string, subject: string): Check {
  const about = { check, subject };
  return {
    ok: (text) => ({ ...about, grade: 'ok', text, remedy: null }),
    warning: (text, remedy) => ({ ...about, grade: 'warning', text, remedy }),
    problem: (text, remedy) => ({ ...about, grade: 'problem', text, remedy }),
  };
}
