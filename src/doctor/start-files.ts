import { systemClock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { findCredentials } from '../config/credentials.ts';
import { StartError, UsageError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import { readServerId } from '../config/server-id.ts';
import { AccessFiles } from '../server/access-files.ts';
import { secretsOf } from '../server/hooks.ts';
import { PublishAuth } from '../server/publish-auth.ts';
import { checkOf, type Finding } from './finding.ts';

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Reads the passwords, keys, lists and the identity that a start reads, by its own means: a problem for each that it would fail over. */
export async function checkStartFiles(
  config: Config,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Finding[]> {
  const { stateDir } = config;
  const users = new AccessFiles(stateDir);
  const publishing = new PublishAuth({ stateDir, clock: systemClock, logger: silent, onCut: () => {} });
  const reads: (() => unknown)[] = [
    () => findCredentials(config, environment),
    () => readServerId(stateDir),
    ...(config.http ? [() => users.loadUsers(), () => users.loadTokens()] : []),
    () => publishing.prepare(config),
    ...config.hooks.map((hook) => () => secretsOf(hook)),
  ];
  const problems = await Promise.all(reads.map(problemOf));
  const check = checkOf('secrets', 'Secret files');
  return problems.flat().map((problem) => {
    const [text, ...remedy] = problem.split('; ');
    return check.problem(text!, remedy.join('; ') || 'correct it, or what names it: Skyweir does not start like this');
  });
}

async function problemOf(read: () => unknown): Promise<readonly string[]> {
  try {
    await read();
    return [];
  } catch (error) {
    if (error instanceof UsageError) return error.problems;
    if (error instanceof StartError) return [error.message];
    throw error;
  }
}
