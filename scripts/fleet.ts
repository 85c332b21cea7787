/** `npm run fleet`: a fleet of cameras against an RTMP server, and every frame read back. See `--help`. */
import { showsUnicode } from './demo/paint.ts';
import { FleetUsageError, fleetHelp, parseFleetOptions } from './fleet/options.ts';
import { FleetStartError } from './fleet/prepare.ts';
import { reportLines } from './fleet/view.ts';
import { firstSignal } from './tools/first-signal.ts';
import { ReportFile, ReportFileError } from './tools/report-file.ts';
import { outputTold, watchStandardOutput } from './tools/standard-output.ts';

try {
  process.exitCode = await main();
} catch (error) {
  const expected = [FleetUsageError, FleetStartError, ReportFileError].some((kind) => error instanceof kind);
  // Anything else is our own mistake, or this machine's, and says nothing of the server either.
  console.error(expected ? `fleet: ${(error as Error).message}` : error);
  process.exit(2);
}
process.exit();

async function main(): Promise<number> {
  watchStandardOutput('fleet');
  const options = parseFleetOptions(process.argv.slice(2), process.env);
  if (options === null) {
    process.stdout.write(fleetHelp);
    return 0;
  }
  const file = options.jsonFile === null ? null : new ReportFile('--json', options.jsonFile);
  const colour = options.colour && process.stdout.isTTY === true && process.stdout.hasColors();
  const how = { colour, unicode: showsUnicode(process.env, process.platform) };
  const { flyFleet } = await import('./fleet/fleet-run.ts');
  const report = await flyFleet(options, how, firstSignal());
  for (const line of reportLines(report, how)) process.stdout.write(`${line}\n`);
  // Before the wait: it is kept even if nobody can be told any more.
  file?.write(report);
  await outputTold();
  if (report.grounded !== null) return 2;
  return report.verdict.pass ? 0 : 1;
}
