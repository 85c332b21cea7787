import type { Command } from 'commander';
import { exitCodes } from '../config/errors.ts';
import { addSettingFlags, givenFlags } from '../config/flags.ts';
import { readEngines } from '../version.ts';
import type { Surroundings } from './surroundings.ts';

/** `skyweir doctor`: looks for what would keep this configuration from working on this machine. */
export function registerDoctor(program: Command, surroundings: Surroundings): void {
  const command = program
    .command('doctor')
    .description('Check configuration, ports, certificate, clock and limits, and say what to do about each.')
    .usage('[--json] [flags of the server]')
    .option('--json', 'Print the findings as JSON.')
    .addHelpText(
      'after',
      '\nIt takes all flags of the server, changes nothing, and may run beside a server. Ends with 1 if there is a problem.',
    );
  addSettingFlags(command, true);
  command.action(async (options: { readonly json?: boolean }) => {
    const { describeFindings, examine, isHealthy } = await import('../doctor.ts');
    const findings = await examine({
      load: () => surroundings.load(givenFlags(command)),
      environment: surroundings.environment,
      node: process.versions.node,
      engines: readEngines(),
    });
    const { version } = surroundings;
    const healthy = isHealthy(findings);
    surroundings.write(
      options.json === true
        ? `${JSON.stringify({ version, healthy, findings }, null, 2)}\n`
        : describeFindings(version, findings),
    );
    surroundings.exitCode(healthy ? exitCodes.ok : exitCodes.startFailed);
  });
}
