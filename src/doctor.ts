import { UsageError } from './config/errors.ts';
import type { LoadedConfig } from './config/load.ts';
import { checkCertificate } from './doctor/certificate-checks.ts';
import { checkClock } from './doctor/clock-checks.ts';
import { checkOf, type Finding } from './doctor/finding.ts';
import { findRunning, outputOf, probePorts, readCertificate, readNetwork } from './doctor/machine-facts.ts';
import { checkNetwork } from './doctor/network-checks.ts';
import { checkPorts, wantedPorts } from './doctor/port-checks.ts';
import { checkCapacity, checkNode } from './doctor/runtime-checks.ts';
import { checkStartFiles } from './doctor/start-files.ts';
import { checkSecrets, checkSpace, checkStateFolder } from './doctor/storage-checks.ts';
import { readSecretFiles, readSpaces, readStateFolder } from './doctor/storage-facts.ts';
import { counted } from './server/capacity-report.ts';
import { readMachine } from './server/machine.ts';

/** What the checks are about; tests put in what their machine is not. */
export interface DoctorOptions {
  /** Throws `UsageError` for a configuration with mistakes. */
  readonly load: () => LoadedConfig;
  /** Holds the passwords that the configuration names no file for. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Version of Node.js that runs, and those that are supported. */
  readonly node: string;
  readonly engines: string;
}

/** Carries out all checks; changes nothing. With mistakes in the configuration only those are told that need none. */
export async function examine(options: DoctorOptions): Promise<Finding[]> {
  const driftFrom = Date.now() - performance.now();
  const node = checkNode(options.node, options.engines);
  const { loaded, findings } = loadConfiguration(options.load);
  const ofConfig = loaded === null ? [] : await examineFor(loaded, options);
  const [chronyc, timedatectl] = await Promise.all([
    outputOf('chronyc', ['-n', 'tracking']),
    outputOf('timedatectl', ['show']),
  ]);
  const driftMs = Date.now() - performance.now() - driftFrom;
  const clock = checkClock({ wallMs: Date.now(), driftMs, chronyc, timedatectl });
  return [node, ...findings, ...ofConfig, ...clock];
}

function loadConfiguration(load: () => LoadedConfig): { loaded: LoadedConfig | null; findings: Finding[] } {
  const check = checkOf('configuration', 'Configuration');
  const remedy = 'correct it; docs/configuration.md has all keys';
  try {
    const loaded = load();
    const { config, warnings, file, sources } = loaded;
    const isFromFile = file !== null && [...sources.values()].includes('file');
    const from = isFromFile ? file.path : 'no file; defaults, flags and environment';
    const valid = check.ok(
      `${from}: ${counted(config.cameras, 'camera')} on ${counted(config.hardwareList.length, 'device')}`,
    );
    return { loaded, findings: [valid, ...warnings.map((text) => check.warning(text, remedy))] };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { loaded: null, findings: error.problems.map((text) => check.problem(text, remedy)) };
  }
}

async function examineFor({ config }: LoadedConfig, { environment }: DoctorOptions): Promise<Finding[]> {
  // In this order: what is open while it is looked for must not pass for a port that is taken.
  const running = await findRunning(config);
  const probed = await probePorts(config);
  const network = await readNetwork(config);
  const certificate = await readCertificate(config, environment['SKYWEIR_TLS_PASSWORD'] ?? '');
  return [
    ...checkPorts(probed, running),
    ...checkCapacity(config, readMachine()),
    ...checkCertificate(certificate, Date.now()),
    checkStateFolder(readStateFolder(config.stateDir)),
    ...checkSpace(readSpaces(config.stateDir, process.platform)),
    ...checkSecrets(readSecretFiles(config)),
    ...(await checkStartFiles(config, environment)),
    ...checkNetwork(config, network, wantedPorts(config)),
  ];
}

const gradeWords = { ok: 'ok', warning: 'warning', problem: 'PROBLEM' } as const;
const gradeWidth = 9;
const subjectWidth = 22;

/** One line for each finding, with what to do below it, and a sum. */
export function describeFindings(version: string, findings: readonly Finding[]): string {
  const lines = findings.flatMap(({ grade, subject, text, remedy }) => {
    const line = `${gradeWords[grade].padEnd(gradeWidth)}${subject.padEnd(subjectWidth)} ${text}`;
    return remedy === null ? [line] : [line, `${' '.repeat(gradeWidth + subjectWidth)} to do: ${remedy}`];
  });
  const count = (grade: Finding['grade'], name: string): string =>
    counted(findings.filter((finding) => finding.grade === grade).length, name);
  return `Skyweir ${version}\n\n${lines.join('\n')}\n\n${count('problem', 'problem')}, ${count('warning', 'warning')}\n`;
}

/** Whether nothing is so bad that Skyweir, or a part of it, would not work. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ grade }) => grade !== 'problem');
}
