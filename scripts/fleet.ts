/** `npm run fleet`: a fleet of cameras against an RTMP server, and every frame read back. See `--help`. */
import { writeFileSync } from 'node:fs';
import { showsUnicode } from './demo/paint.ts';
import { FleetUsageError, fleetHelp, parseFleetOptions } from './fleet/options.ts';
import { FleetStartError } from './fleet/prepare.ts';
import { reportLines } from './fleet/view.ts';
import { firstSignal } from './tools/first-signal.ts';
import { outputTold, watchStandardOutput } from './tools/standard-output.ts';

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof FleetUsageError || error instanceof FleetStartError)) throw error;
  console.error(`fleet: ${error.message}`);
  process.exit(2);
}
process.exit();

async function main(): Promise<number> {
  const options = parseFleetOptions(process.argv.slice(2), process.env);
  if (options === null) {
    process.stdout.write(fleetHelp);
    return 0;
  }
  watchStandardOutput('fleet');
  const colour = options.colour && process.stdout.isTTY === true && process.stdout.hasColors();
  const how = { colour, unicode: showsUnicode(process.env, process.platform) };
  const { flyFleet } = await import('./fleet/fleet-run.ts');
  const report = await flyFleet(options, how, firstSignal());
  if (options.jsonFile !== null) writeReport(options.jsonFile, report);
  for (const line of reportLines(report, how)) process.stdout.write(`${line}\n`);
  await outputTold();
  return report.verdict.pass ? 0 : 1;
}

function writeReport(file: string, report: object): void {
  try {
    writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  } catch (error) {
    console.error(`fleet: --json ${file}: cannot be written (${(error as NodeJS.ErrnoException).code})`);
  }
}
