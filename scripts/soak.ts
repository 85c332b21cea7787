/** `npm run soak -- --minutes N`: the server under everything that it meets in the field, for a long time. See `--help`. */
import { writeFileSync } from 'node:fs';
import { parseSoakOptions, SoakUsageError, soakHelp } from './soak/options.ts';
import { reportLines, sampleLine } from './soak/report.ts';

/** Milliseconds within which a signal again is the same wish: npm passes on the Ctrl-C that the terminal gave to both. */
const repeatedSignalMs = 200;

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
  process.stdout.on('error', () => process.exit(0));
  const { soak } = await import('./soak/soak-run.ts');
  const report = await soak(options, firstSignal(), (sample) => process.stdout.write(`${sampleLine(sample)}\n`));
  if (options.jsonFile !== null) writeFileSync(options.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
  for (const line of reportLines(report)) process.stdout.write(`${line}\n`);
  return report.verdict.pass ? 0 : 1;
}

/** Resolves at the first wish to stop; the second one ends the process at once. */
function firstSignal(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let firstMs = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (firstMs > 0 && performance.now() - firstMs >= repeatedSignalMs) process.exit(130);
      if (firstMs === 0) firstMs = performance.now();
      resolve();
    });
  return promise;
}
