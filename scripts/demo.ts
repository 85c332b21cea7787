/** `npm run demo`: Skyweir with simulated drones and readers, and a live table of what it does. See `--help`. */
import { StartError, UsageError } from '../src/config/errors.ts';
import { DemoUsageError, demoHelp, parseDemoOptions } from './demo/options.ts';
import { showsUnicode } from './demo/paint.ts';
import { firstSignal } from './tools/first-signal.ts';

try {
  await main();
} catch (error) {
  if (error instanceof DemoUsageError || error instanceof UsageError || error instanceof StartError) {
    console.error(`demo: ${error.message}`);
    process.exit(error instanceof StartError ? 1 : 2);
  }
  throw error;
}

async function main(): Promise<void> {
  const options = parseDemoOptions(process.argv.slice(2), process.env);
  if (options === null) {
    process.stdout.write(demoHelp);
    return;
  }
  // A reader of our output that leaves early, such as `head`, is no fault.
  process.stdout.on('error', () => process.exit(0));
  const colour = options.colour && process.stdout.isTTY === true && process.stdout.hasColors();
  const how = { colour, unicode: showsUnicode(process.env, process.platform) };
  const { runDemo } = await import('./demo/show.ts');
  await runDemo(options, how, firstSignal());
  process.exit(0);
}
