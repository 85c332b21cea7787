#!/usr/bin/env node
import { availableParallelism, networkInterfaces } from 'node:os';
import { describeStart, reachableHosts, type StartFacts, startRecord } from './banner.ts';
import type { Logger } from './base/logger.ts';
import { registerSubcommands, runSubcommand } from './cli/subcommands.ts';
import type { Surroundings } from './cli/surroundings.ts';
import { type Credentials, describeExposure, findCredentials, storeCredentials } from './config/credentials.ts';
import { exitCodes, StartError, UsageError } from './config/errors.ts';
import { parseCommandLine } from './config/flags.ts';
import { type LoadedConfig, loadConfig } from './config/load.ts';
import { printConfig } from './config/print.ts';
import type { Config } from './config/schema.ts';
import { findServerId } from './config/server-id.ts';
import { runServer } from './lifetime.ts';
import { createLog, type LogOptions, type ThreadLog } from './log.ts';
import { checkMachine, describePlan } from './server/capacity-report.ts';
import { ConfigTexts } from './server/config-file.ts';
import { ConfigWatcher } from './server/config-watcher.ts';
import { readMachine } from './server/machine.ts';
import type { Server } from './server/server.ts';
import { readVersion } from './version.ts';

const texts = new ConfigTexts();

// Who reads along may leave, as `| head` does: that is no mistake. A full disk is one, though there is nowhere left to say so.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code !== 'EPIPE') process.exitCode = 1;
  });

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.exitCode = report(error);
}

/** Carries out one command line. Sets the exit code for what only prints; a server run ends the process itself. */
async function main(args: readonly string[]): Promise<void> {
  const version = readVersion();
  if (await runSubcommand(args, surroundings(version))) return;
  const commandLine = parseCommandLine(
    args,
    version,
    process.stdout.columns,
    registerSubcommands(surroundings(version)),
  );
  if (commandLine.print !== null) {
    process.stdout.write(commandLine.print);
    return;
  }

  // A wish to read the files anew that comes while the server starts would end it. They are looked at once more when it has started.
  if (process.platform !== 'win32' && !process.stdout.isTTY) process.on('SIGHUP', () => {});
  const load = (text?: string): LoadedConfig => loadFor(commandLine.flags, text);
  const loaded = load();
  if (commandLine.printConfig) {
    process.stdout.write(printConfig(loaded));
    return;
  }

  const { config } = loaded;
  if (commandLine.plan !== null) {
    const { text, possible } = describePlan(config, readMachine(), commandLine.plan.bitsPerSecond);
    process.stdout.write(`Skyweir ${version}: ${text}`);
    process.exitCode = possible ? exitCodes.ok : exitCodes.startFailed;
    return;
  }

  const credentials = findCredentials(config, process.env);
  const tlsPassword = process.env['SKYWEIR_TLS_PASSWORD'] ?? '';
  const logOptions: LogOptions = {
    level: config.logLevel,
    format: config.logFormat,
    colour: config.logFormat === 'pretty' && process.stdout.isTTY === true && process.stdout.hasColors(),
    secrets: [credentials?.password ?? '', tlsPassword],
  };
  const log = createLog(logOptions, 'main');
  for (const warning of [...loaded.warnings, ...checkMachine(config, readMachine())]) log.logger.warn({}, warning);

  const { id: serverId, warning } = findServerId(config.stateDir);
  if (warning !== null) log.logger.warn({}, warning);

  // Imported only now, so that help and mistakes in the flags are answered without loading the server.
  const { startServer } = await import('./server/server.ts');
  let running: Server | null = null;
  const code = await runServer({
    start: async () => {
      running = await startServer({
        config,
        credentials,
        tlsPassword,
        logger: log.logger,
        figuresLogger: log.figures,
        logOptions,
        serverId,
        loadConfig: load,
      });
      return running;
    },
    ready: (server) => {
      announce(server, config, credentials, log, version);
      watchConfig(server, loaded.file?.path ?? null, load, log.logger);
    },
    drainTimeoutMs: () => (running?.config ?? config).drainTimeoutMs,
    logger: log.logger,
    exit: (exitCode) => process.exit(exitCode),
  });
  log.flush();
  process.exit(code);
}

/** The configuration with these flags, of this machine and environment; `fileText` stands for what its file holds. */
function loadFor(flags: ReadonlyMap<string, string | boolean>, fileText?: string): LoadedConfig {
  return loadConfig({
    flags,
    keptFile: true,
    ...(fileText !== undefined && { fileText }),
    environment: process.env,
    readFile: (path) => texts.read(path),
    cores: availableParallelism(),
    terminal: process.stdout.isTTY === true,
  });
}

/** What subcommands have of this process. */
function surroundings(version: string): Surroundings {
  return {
    version,
    environment: process.env,
    columns: process.stdout.columns,
    load: (flags) => loadFor(flags),
    write: (text) => process.stdout.write(text),
    exitCode: (code) => {
      process.exitCode = code;
    },
  };
}

/** Puts changes of the configuration in force from now on. */
function watchConfig(server: Server, file: string | null, load: () => LoadedConfig, logger: Logger): void {
  new ConfigWatcher({
    file,
    load,
    running: () => server.config,
    apply: (config) => server.apply(config),
    store: server.configStore,
    logger,
  }).start();
}

/** Keeps a generated password and tells where the server is reached. */
function announce(
  server: Server,
  config: Config,
  credentials: Credentials | null,
  log: ThreadLog,
  version: string,
): void {
  if (credentials !== null) {
    // Only now: a start that failed must not use up the one time that the password is shown.
    storeCredentials(credentials);
    const exposure = describeExposure(credentials);
    if (exposure !== null) log.logger.warn({}, exposure);
  }
  const { addresses } = server;
  const hosts = reachableHosts(addresses.host, networkInterfaces());
  const facts: StartFacts = { version, config, addresses, hosts, credentials };
  if (config.logFormat === 'pretty') {
    log.flush();
    process.stdout.write(`\n${describeStart(facts)}\n`);
    return;
  }
  log.logger.info(startRecord(facts), 'Skyweir is ready');
  if (credentials?.origin === 'generated') {
    // Beside the log, which collectors keep: this is the one time that the password is shown.
    const { user, password, file } = credentials;
    process.stderr.write(`skyweir: new RTSP password for user ${user}: ${password} (kept in ${file})\n`);
  }
}

/** Tells a person what went wrong and returns the exit code. A stack trace only for what is our own mistake. */
function report(error: unknown): number {
  if (error instanceof UsageError) {
    for (const problem of error.problems) process.stderr.write(`skyweir: ${problem}\n`);
    return error.exitCode;
  }
  if (error instanceof StartError) {
    process.stderr.write(`skyweir: ${error.message}\n`);
    // Threads of a start that failed half-way must not keep the process.
    process.exit(error.exitCode);
  }
  process.stderr.write(`skyweir: internal error; please report it\n${error instanceof Error ? error.stack : error}\n`);
  process.exit(exitCodes.startFailed);
}
