import { checkOf, type Finding } from './finding.ts';

/** What is known of the certificate that would be served; `problem` is why there is none. */
export type CertificateFacts =
  | { readonly problem: string }
  | {
      readonly problem: null;
      /** Milliseconds since 1970. */
      readonly fromMs: number;
      readonly untilMs: number;
      /** Such as `DNS:rtmp.example, IP Address:192.0.2.1`; empty for none. */
      readonly names: string;
      readonly subject: string;
      /** Warnings about files that others may read. */
      readonly exposed: readonly string[];
    };

const dayMs = 86_400_000;

/** Days before its end from which on a certificate is worth a warning. */
export const renewalDays = 21;

/** Null is a configuration without TLS. */
export function checkCertificate(facts: CertificateFacts | null, nowMs: number): Finding[] {
  const check = checkOf('certificate', 'Certificate');
  if (facts === null) return [check.ok('none is configured: RTMP, RTSP and HTTP are not encrypted')];
  if (facts.problem !== null) {
    const [text, ...remedy] = facts.problem.split('; ');
    return [check.problem(text!, remedy.join('; ') || 'see docs/tls.md')];
  }
  const { fromMs, untilMs, names, subject, exposed } = facts;
  const days = Math.floor((untilMs - nowMs) / dayMs);
  const until = new Date(untilMs).toISOString().slice(0, 10);
  const renew = 'renew it; Skyweir takes the new file over by itself';
  const findings: Finding[] = [];
  if (nowMs > untilMs) findings.push(check.problem(`expired on ${until}`, renew));
  else if (nowMs < fromMs)
    findings.push(
      check.problem(
        `is not valid before ${new Date(fromMs).toISOString()}`,
        'check the clock of this machine, or wait until then',
      ),
    );
  else if (days < renewalDays) findings.push(check.warning(`expires in ${days} days, on ${until}`, renew));
  else findings.push(check.ok(`matches its key, valid until ${until}, for ${days} days more`));
  const named = checkOf('certificate', 'Its names');
  findings.push(
    names === ''
      ? named.warning(
          `none but the subject ${subject.replaceAll('\n', ', ')}, which most clients ignore`,
          'make a certificate with the host name that encoders and XProtect use as subjectAltName (docs/tls.md)',
        )
      : named.ok(names.replaceAll('IP Address:', 'IP:')),
  );
  for (const line of exposed) {
    const [text, ...remedy] = line.split('; ');
    findings.push(checkOf('certificate', 'Its files').problem(text!, remedy.join('; ')));
  }
  return findings;
}
