/** The system benchmark: real servers in processes of their own, real sockets, one load. See `--help`. */
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, setPriority } from 'node:os';
import { resolve } from 'node:path';
import { reportFileOf } from '../../scripts/tools/report-file.ts';
import { churn } from './churn.ts';
import { type Measurement, measure } from './measurement.ts';
import { type BenchOptions, parseOptions } from './options.ts';
import { formatReport, ratiosOf, rowsOf } from './report.ts';
import type { Target } from './target.ts';
import { NginxTarget } from './target-nginx.ts';
import { NodeMediaServerTarget } from './target-nms.ts';
import { SkyweirTarget } from './target-skyweir.ts';

/** Chunk sizes nginx sends with: its default, which is what people run, and the cheapest for it of those tried. */
const nginxChunkSize = 4096;
const nginxTunedChunkSize = 65536;

const startMs = performance.now();
const options = withFolders(parseOptions(process.argv.slice(2)));
const file = reportFileOf('bench:system', options.jsonFile);
// Exit handlers end the targets and remove the temporary folders.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
setNice(options.nice);
if (options.churn > 0) await runChurn();
else await runTargets();

async function runTargets(): Promise<void> {
  const targets = options.targets.map((name) => targetOf(name));
  const measurements: Measurement[] = [];
  const failures: string[] = [];
  say(
    `${options.publishers} publishers of ${(options.shape.bitsPerSecond / 1e6).toFixed(2)} Mbit/s, ${machine().text}`,
  );
  for (const mode of options.modes) {
    for (let round = 1; round <= options.rounds; round++) {
      for (const target of targets) {
        say(`--- ${mode}, round ${round} of ${options.rounds}, ${target.name}`);
        try {
          const one = await measure(target, mode, options, say);
          measurements.push(one);
          say(summaryLine(one));
        } catch (error) {
          const text = `${target.name}, ${mode}, round ${round}: ${(error as Error).message}`;
          failures.push(text);
          say(`FAILED ${text}`);
        }
      }
    }
  }
  const rows = rowsOf(measurements);
  console.log(rows.length === 0 ? 'nothing was measured' : `\n${formatReport(rows)}`);
  for (const target of targets) console.log(`${target.name}: ${target.description}`);
  for (const one of measurements)
    for (const cause of one.invalid) console.log(`NOT VALID: ${one.target}, ${one.mode}: ${cause}`);
  for (const failure of failures) console.log(`FAILED: ${failure}`);
  writeJson({ rows, ratios: ratiosOf(rows), measurements, failures });
  if (failures.length > 0) process.exitCode = 1;
}

async function runChurn(): Promise<void> {
  const result = await churn(new SkyweirTarget(options.skyweirArguments), options, say);
  console.log(`\n${result.text}`);
  writeJson({ churn: result.figures });
  if (!result.passed) process.exitCode = 1;
}

function targetOf(name: string): Target {
  if (name === 'skyweir') return new SkyweirTarget(options.skyweirArguments);
  if (name === 'nginx') return new NginxTarget('nginx', '1', nginxChunkSize);
  if (name === 'nginx-64k') return new NginxTarget('nginx-64k', '1', nginxTunedChunkSize);
  if (name === 'nginx-auto') return new NginxTarget('nginx-auto', 'auto', nginxChunkSize);
  return new NodeMediaServerTarget();
}

/** Absolute paths, because targets run in folders of their own; the profile folder must exist. */
function withFolders(given: BenchOptions): BenchOptions {
  if (given.profile === '') return given;
  const profile = resolve(given.profile);
  mkdirSync(profile, { recursive: true });
  return { ...given, profile };
}

/** Processes started later inherit it, so that targets and load compete with each other as before. */
function setNice(nice: number): void {
  if (nice === 0) return;
  try {
    setPriority(nice);
    // Linux weighs sessions first where it groups them (sched(7), autogroup); within a session the priority counts.
    if (existsSync('/proc/self/autogroup')) writeFileSync('/proc/self/autogroup', String(nice));
  } catch (error) {
    say(`--nice ${nice} was refused: ${(error as Error).message}`);
  }
}

function summaryLine(one: Measurement): string {
  const latency =
    one.latency === null
      ? ''
      : `, p50 ${one.latency.p50Ms.toFixed(1)} p99 ${one.latency.p99Ms.toFixed(1)} ms, lost ${one.lost}, silent ${one.silentReaders}`;
  const load = `generator ${one.generatorCores.toFixed(2)} cores, late p99 ${one.generatorLateness.p99Ms.toFixed(1)} ms`;
  const readers = one.readerLag === null ? '' : `, readers ${one.readerCores.toFixed(2)} cores`;
  return `${one.target}: ${one.cpuPerGigabit.toFixed(4)} CPU s/Gbit, ${one.cores.toFixed(2)} cores, ${(one.residentBytes / 1e6).toFixed(0)} MB${latency} (${load}${readers})`;
}

function machine(): { text: string; [key: string]: unknown } {
  const model = cpus()[0]?.model ?? 'unknown processor';
  const cores = availableParallelism();
  return {
    text: `${cores} x ${model}, Linux ${release()}, Node ${process.versions.node}`,
    model,
    cores,
    kernel: release(),
    node: process.versions.node,
    load: loadavg(),
  };
}

function writeJson(figures: object): void {
  if (file === null) return;
  file.write({ at: new Date().toISOString(), machine: machine(), options, ...figures });
  say(`figures written to ${options.jsonFile} (${statSync(options.jsonFile).size} bytes)`);
}

function say(line: string): void {
  console.error(`[${((performance.now() - startMs) / 1000).toFixed(1).padStart(6)}] ${line}`);
}
