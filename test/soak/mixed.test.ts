/** The short form of `npm run soak`: everything at once, for a quarter of a minute. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { SoakReport } from '../../scripts/soak/report.ts';
import { temporaryFolder } from '../support/media.ts';
import { start, until } from '../support/program.ts';

const script = resolve(import.meta.dirname, '../../scripts/soak.ts');
const skip = !existsSync('/proc/self/fd') && 'needs /proc';

function soak(t: TestContext, ...args: string[]) {
  const folder = temporaryFolder(t);
  const json = join(folder, 'report.json');
  const env = { ...process.env, TMPDIR: folder, TMP: folder, TEMP: folder };
  const program = start(t, process.execPath, [script, '--json', json, '--every', '1', ...args], { env });
  return { ...program, folder, report: () => JSON.parse(readFileSync(json, 'utf8')) as SoakReport };
}

describe('npm run soak', { skip }, () => {
  test('publishers that stay, flap and are odd, hostile peers, readers of all kinds, ONVIF: every frame is explained', {
    timeout: 180_000,
  }, async (t) => {
    const program = soak(t, '--minutes', '0.25', '--steady', '5', '--flapping', '3', '--seed', '3');
    const { code, stdout, stderr } = await program.ended;
    assert.deepEqual([code, stderr], [0, ''], stdout);
    assert.match(stdout, /^PASS: /m);
    const { verdict, peers, findings, samples, reasons } = program.report();
    assert.deepEqual(verdict, { pass: true, problems: [] });
    const { checked, numbered, restless, onvif, rough } = peers;
    // One a second, and at least one in three on a machine that stands still now and then.
    assert.ok(samples.length >= 5, stdout);
    assert.ok(samples.every((sample) => sample.heapBytes > 0 && sample.threads > 3 && sample.residentBytes > 0));
    assert.ok(checked.sent > 1000 && checked.starts > 8 && numbered.received > 500, stdout);
    assert.ok(restless.visits > 3 && restless.slow === 3 && onvif.requests > 100 && onvif.events > 100, stdout);
    assert.ok(rough!.hostile > 5 && rough!.odd > 3, stdout);
    assert.ok(Object.keys(reasons).length > 3, stdout);
    assert.ok(findings.left!.after <= findings.left!.before + 4, stdout);
    t.diagnostic(stdout.trim().split('\n').at(-1)!);
    assert.deepEqual(readdirSync(program.folder), ['report.json'], 'nothing else is left behind');
  });

  test('Ctrl-C ends it early, with report and verdict', { timeout: 120_000 }, async (t) => {
    const program = soak(t, '--minutes', '10', '--steady', '2', '--flapping', '1');
    const runs = () => /^ +0:(0[2-9]|[1-9]\d) /m.test(program.output.stdout);
    await until('it runs', () => runs() || program.process.exitCode !== null, 90_000);
    assert.ok(runs(), program.output.stdout + program.output.stderr);
    const askedMs = performance.now();
    program.kill('SIGINT');
    const { code, stdout, stderr } = await program.ended;
    t.diagnostic(`${Math.round(performance.now() - askedMs)} ms from the signal to the end`);
    assert.deepEqual([code, stderr], [0, ''], stdout);
    const { interrupted, verdict } = program.report();
    assert.deepEqual([interrupted, verdict.pass], [true, true], stdout);
    assert.deepEqual(readdirSync(program.folder), ['report.json'], 'nothing else is left behind');
  });
});
