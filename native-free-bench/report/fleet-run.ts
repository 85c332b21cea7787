/** A flight of `npm run fleet` as a part: its report, shortened to what a page shows. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FleetReport } from '../../scripts/fleet/report.ts';
import { temporaryFolder } from '../system/temporary-folder.ts';
import { root } from './machine.ts';

const keptOutput = 2000;

/** Flies with `flags`. Throws an Error with what it said if there is no report; FAIL is no error. */
export async function flyFleet(flags: readonly string[], say: (line: string) => void): Promise<FleetReport> {
  const folder = temporaryFolder('skyweir-bench-');
  const file = join(folder.path, 'fleet.json');
  try {
    const command = [join(root, 'scripts/fleet.ts'), ...flags, '--json', file, '--no-color'];
    const child = spawn(process.execPath, command, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    const kill = () => child.kill('SIGTERM');
    process.once('exit', kill);
    let output = '';
    let saidMs = 0;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-keptOutput);
      if (performance.now() - saidMs < 20_000) return;
      saidMs = performance.now();
      say(text.trim().split('\n').at(-1)!);
    });
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    process.off('exit', kill);
    if (code !== 0 && code !== 1) throw new Error(`the fleet ended with ${code}: ${output.trim()}`);
    const report = JSON.parse(readFileSync(file, 'utf8')) as FleetReport;
    say(report.verdict.line);
    return report;
  } finally {
    folder.remove();
  }
}
