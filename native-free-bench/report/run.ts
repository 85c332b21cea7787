/**
 * `npm run bench:report`: measures the experiments of docs/performance.md one after another, and makes the page's tables and
 * pictures from what was measured. Each part is kept as soon as it is done; an interrupted run goes on where it was. `--help`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { calibrate, speedOf } from './calibration.ts';
import { atMost, type Experiment, fullScale, type PartRecord, quickScale } from './experiment.ts';
import { loadExperiment, saveExperiment, withPart } from './experiment-file.ts';
import { experiments } from './experiments.ts';
import { machineFacts, root, sourceFacts } from './machine.ts';
import { chartFiles, withSection } from './page.ts';

interface Options {
  readonly only?: readonly Experiment[];
  readonly part?: string;
  readonly quick: boolean;
  readonly rounds?: number;
  readonly seconds?: number;
  readonly again: boolean;
  readonly keep: boolean;
  readonly render: boolean;
  readonly check: boolean;
  readonly list: boolean;
}

const pageName = 'docs/performance.md';
/** Seconds of silence between two parts: ports and the kernel's memory come to rest. */
const restMs = 1000;
const startMs = performance.now();
const options = parse(process.argv.slice(2));
/** What is tried in small size never gets among the results. */
const folder = options.quick ? join(root, 'native-free-bench/results/quick') : join(root, 'docs/performance');
const chosen = options.only ?? experiments;
const scale = options.quick ? quickScale : atMost(fullScale, options.rounds, options.seconds);
// Exit handlers end the targets and remove the temporary folders.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

if (options.list) list();
else if (options.check) check();
else {
  let failed = 0;
  if (!options.render) for (const experiment of chosen) failed += await run(experiment);
  draw();
  if (failed > 0) {
    say(`${failed} part(s) failed; the same command tries them again`);
    process.exitCode = 1;
  }
  // Whatever a part that failed has left behind must not keep this process.
  process.exit();
}

/** Measures what is not yet there; returns the number of parts that failed. */
async function run(experiment: Experiment): Promise<number> {
  const path = join(folder, `${experiment.name}.json`);
  const { hash } = sourceFacts();
  const parts = experiment.parts(scale);
  const names = parts.map(({ name }) => name);
  let file = loadExperiment(path, experiment.name, options.quick);
  // What no longer belongs to the experiment would only stand in its tables.
  file = { ...file, parts: file.parts.filter(({ name }) => names.includes(name)) };
  const isThere = (name: string): boolean =>
    file.parts.some((one) => one.name === name && (options.keep || one.source.hash === hash));
  const wanted = parts
    .filter(({ name }) => options.part === undefined || name.includes(options.part))
    .filter(({ name }) => options.again || !isThere(name));
  say(`=== ${experiment.name}: ${wanted.length} of ${parts.length} parts to measure`);
  let failed = 0;
  for (const [index, part] of wanted.entries()) {
    say(`--- ${experiment.name}, ${index + 1} of ${wanted.length}: ${part.name}`);
    try {
      const before = await calibrate();
      const [at, machine, partMs] = [new Date().toISOString(), machineFacts(), performance.now()];
      const { figures, validity } = await part.run({ scale, say });
      const seconds = (performance.now() - partMs) / 1000;
      const calibration = { before, after: await calibrate() };
      const { name, options: settings } = part;
      const source = sourceFacts();
      const record: PartRecord = {
        name,
        at,
        seconds,
        options: settings,
        machine,
        source,
        calibration,
        validity,
        figures,
      };
      file = withPart(file, record, names);
      saveExperiment(path, file);
      for (const cause of [...validity.cost, ...validity.latency]) say(`not valid: ${cause}`);
      say(`speed ${speedOf(before).toFixed(2)} before, ${speedOf(calibration.after).toFixed(2)} after`);
    } catch (error) {
      failed++;
      say(`FAILED: ${(error as Error).message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, restMs));
  }
  return failed;
}

/** Every file that is made from the JSON, by its path. Quick results get a page of their own. */
function made(): Map<string, string> {
  const files = new Map<string, string>();
  const page = options.quick ? quickPage() : readFileSync(join(root, pageName), 'utf8');
  const seenFrom = options.quick ? '.' : 'performance';
  let text = page;
  for (const experiment of experiments) {
    const file = loadExperiment(join(folder, `${experiment.name}.json`), experiment.name, options.quick);
    const filled = withSection(text, experiment, file, seenFrom);
    if (filled === null) throw new Error(`${pageName} has no markers for ${experiment.name}`);
    text = filled;
    for (const [name, svg] of chartFiles(experiment, file)) files.set(join(folder, name), svg);
  }
  files.set(options.quick ? join(folder, 'page.md') : join(root, pageName), text);
  return files;
}

function draw(): void {
  mkdirSync(folder, { recursive: true });
  for (const [path, text] of made()) {
    if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
    writeFileSync(path, text);
    say(`${path.slice(root.length + 1)} written`);
  }
}

function check(): void {
  const stale = [...made()]
    .filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text)
    .map(([path]) => path.slice(root.length + 1));
  if (stale.length === 0) return;
  console.error(`not as the measurements say: ${stale.join(', ')}; run "npm run bench:report -- --render"`);
  process.exitCode = 1;
}

function quickPage(): string {
  const sections = experiments.map(
    ({ name }) => `## ${name}\n\n<!-- bench:${name}:begin --><!-- bench:${name}:end -->\n`,
  );
  return `# A try-out\n\n${sections.join('\n')}`;
}

function list(): void {
  for (const { name, minutes, question, parts } of experiments)
    console.log(
      `${name.padEnd(16)} ${String(parts(scale).length).padStart(3)} parts, about ${minutes} min  ${question}`,
    );
}

function parse(argv: readonly string[]): Options {
  const names = experiments.map(({ name }) => name);
  return new Command('bench:report')
    .description(
      `Measures the experiments of ${pageName} and draws them. What was measured with the present sources of the server is not measured again.`,
    )
    .option('--only <names>', `comma-separated: ${names.join(', ')}`, experimentsNamed)
    .option('--part <text>', 'only parts whose name holds the text')
    .option('--again', 'measure what is there already, too', false)
    .option('--keep', 'take what was measured with other sources of the server for measured', false)
    .option('--rounds <n>', 'repeat a measurement so often at most', positive)
    .option('--seconds <n>', 'measure for so long at most', positive)
    .option('--quick', 'try everything in small size, with results apart from the real ones', false)
    .option('--render', 'only draw the page from what was measured', false)
    .option('--check', 'only tell whether the page agrees with what was measured', false)
    .option('--list', 'tell what there is and how long it takes', false)
    .allowExcessArguments(false)
    .parse([...argv], { from: 'user' })
    .opts<Options>();
}

function experimentsNamed(text: string): Experiment[] {
  return text.split(',').map((name) => {
    const found = experiments.find((one) => one.name === name.trim());
    if (found === undefined)
      throw new InvalidArgumentError(`'${name}' is none of ${experiments.map((one) => one.name).join(', ')}.`);
    return found;
  });
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It must be a whole number from 1 on.');
  return value;
}

function say(line: string): void {
  console.error(`[${((performance.now() - startMs) / 1000).toFixed(1).padStart(7)}] ${line}`);
}
