/** What `npm audit --json` means for us. */

/** The outcome; `line` is for people. */
export interface AuditVerdict {
  readonly pass: boolean;
  readonly line: string;
}

/** Severities that fail, as `--audit-level=high` has it. */
const failing = ['high', 'critical'] as const;

/**
 * Judges the output. Faults of high severity fail; so does an output that is none. A registry that cannot be reached, or that
 * does not offer audits, passes with a line that says so: machines without a network must be able to check.
 */
export function auditVerdict(output: string): AuditVerdict {
  let answer: AuditAnswer;
  try {
    answer = JSON.parse(output) as AuditAnswer;
  } catch {
    return { pass: false, line: `audit: npm said what is not JSON: ${output.trim().slice(0, 200) || 'nothing'}` };
  }
  const counts = answer.metadata?.vulnerabilities;
  if (counts === undefined) {
    const why = (answer.message ?? answer.error?.summary ?? '').split('\n')[0] || 'no reason given';
    return { pass: true, line: `audit: NOT DONE, the registry gives no audits (${why})` };
  }
  const total = counts['total'] ?? 0;
  const bad = failing.reduce((sum, severity) => sum + (counts[severity] ?? 0), 0);
  if (bad === 0)
    return {
      pass: true,
      line: `audit: ${total === 0 ? 'no known fault' : `${total} known faults, none of them high`}`,
    };
  const names = Object.entries(answer.vulnerabilities ?? {})
    .filter(([, { severity }]) => (failing as readonly string[]).includes(severity))
    .map(([name, { severity }]) => `${name} (${severity})`);
  return { pass: false, line: `audit: known faults in what the server loads: ${names.join(', ')}; see npm audit` };
}

interface AuditAnswer {
  readonly metadata?: { readonly vulnerabilities?: Readonly<Record<string, number>> };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string }>>;
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}
