/** `npm run soak -- --minutes N`: the server under everything that it meets in the field, for a long time. See `--help`. */
import { parseSoakOptions, SoakUsageError, soakHelp } from './soak/options.ts';
import { reportLines, sampleLine } from './soak/report.ts';
import { firstSignal } from './tools/first-signal.ts';
import { ReportFile, ReportFileError } from './tools/report-file.ts';
import { outputTold, watchStandardOutput } from './tools/standard-output.ts';

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SoakUsageError || error instanceof ReportFileError)) console.error(error);
  else console.error(`soak: ${error.message}`);
  process.exitCode = 2;
}
process.exit();

async function main(): Promise<number> {
  watchStandardOutput('soak');
  const options = parseSoakOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(soakHelp);
    return 0;
  }
  const file = options.jsonFile === null ? null : new ReportFile('--json', options.jsonFile);
  const { soak } = await import('./soak/soak-run.ts');
  const report = await soak(options, firstSignal(), (sample) => process.stdout.write(`${sampleLine(sample)}\n`));
  for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
  // Before the wait: it is kept even if nobody can be told any more.
  file?.write(report);
  await outputTold();
  return report.verdict.pass ? 0 : 1;
}
