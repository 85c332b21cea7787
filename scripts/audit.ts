/**
 * `npm run audit`: asks the registry for known faults of what the server loads. Passes, and says so, where the registry cannot be
 * reached or gives no audits; ends with 1 for a fault of high severity.
 */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { auditVerdict } from './audit/verdict.ts';

const root = resolve(import.meta.dirname, '..');
/** Milliseconds; and no second try, for which npm would take minutes without a network. */
const timeout = 30_000;
const question = ['audit', '--omit=dev', '--audit-level=high', '--json', '--fetch-retries=0', '--fetch-timeout=15000'];

const output = await new Promise<string>((done) => {
  // The exit code says the same as the output, with findings and unreachable registries alike. On Windows npm is a script.
  execFile('npm', question, { cwd: root, timeout, shell: process.platform === 'win32' }, (error, stdout) => {
    const killed = error?.killed === true ? JSON.stringify({ message: `no answer in ${timeout / 1000} s` }) : '';
    const absent =
      (error as NodeJS.ErrnoException | null)?.code === 'ENOENT' ? JSON.stringify({ message: 'there is no npm' }) : '';
    done(stdout || killed || absent);
  });
});
const { pass, line } = auditVerdict(output);
console.log(line);
process.exitCode = pass ? 0 : 1;
