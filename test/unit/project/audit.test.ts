import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditVerdict } from '../../../scripts/audit/verdict.ts';

const answer = (counts: Record<string, number>, vulnerabilities: Record<string, { severity: string }> = {}) =>
  JSON.stringify({ metadata: { vulnerabilities: counts }, vulnerabilities });

test('no known fault passes', () => {
  assert.deepEqual(auditVerdict(answer({ total: 0 })), { pass: true, line: 'audit: no known fault' });
});

test('faults below high pass, and are told', () => {
  const verdict = auditVerdict(answer({ moderate: 2, total: 2 }, { x: { severity: 'moderate' } }));
  assert.deepEqual(verdict, { pass: true, line: 'audit: 2 known faults, none of them high' });
});

test('a fault of high severity fails with its name', () => {
  const faults = { x: { severity: 'moderate' }, y: { severity: 'high' }, z: { severity: 'critical' } };
  const { pass, line } = auditVerdict(answer({ moderate: 1, high: 1, critical: 1, total: 3 }, faults));
  assert.equal(pass, false);
  assert.match(line, /: y \(high\), z \(critical\);/);
});

test('a registry that cannot be reached, or gives no audits, passes with a line that says so', () => {
  for (const message of ['request to http://x/ failed, reason: connect ECONNREFUSED', '405 Method Not Allowed - POST'])
    assert.deepEqual(auditVerdict(JSON.stringify({ message, error: { summary: '', detail: '' } })), {
      pass: true,
      line: `audit: NOT DONE, the registry gives no audits (${message})`,
    });
  assert.match(
    auditVerdict('{"error":{"code":"ENOAUDIT","summary":"no audit\\nmore"}}').line,
    /NOT DONE.*\(no audit\)$/,
  );
});

test('an npm that says nothing sensible fails', () => {
  assert.equal(auditVerdict('').pass, false);
  assert.equal(auditVerdict('npm error').pass, false);
});
