/** `npm run soak -- --minutes N`: the server under everything that it meets in the field, for a long time. See `--help`. */
import { writeFileSync } from 'node:fs';
import { parseSoakOptions, SoakUsageError, soakHelp } from './soak/options.ts';
import { reportLines, sampleLine } from './soak/report.ts';
import { firstSignal } from './tools/first-signal.ts';
import { outputTold, watchStandardOutput } from './tools/standard-output.ts';

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof SoakUsageError)) console.error(error);
  else console.error(`soak: ${error.message}`);
  process.exitCode = 2;
}
process.exit();

async function main(): Promise<number> {
  const options = parseSoakOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(soakHelp);
    return 0;
  }
  watchStandardOutput('soak');
  const { soak } = await import('./soak/soak-run.ts');
  const report = await soak(options, firstSignal(), (sample) => process.stdout.write(`${sampleLine(sample)}\n`));
  if (options.jsonFile !== null) writeFileSync(options.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
  await outputTold();
  return report.verdict.pass ? 0 : 1;
}
