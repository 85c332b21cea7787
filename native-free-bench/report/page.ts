/** The generated sections of docs/performance.md: between two markers each, from the JSON file of their experiment. */
import { speedOf } from './calibration.ts';
import type { Experiment, ExperimentFile, PartRecord } from './experiment.ts';

/** Calibrations of one experiment that differ by more than this were made on a machine that became slower or faster. */
const unsteadySpeed = 1.15;

/** `page` with the section of `experiment` filled in; null if it has no markers for it. */
export function withSection(page: string, experiment: Experiment, file: ExperimentFile, folder: string): string | null {
  const begin = `<!-- bench:${experiment.name}:begin -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(`<!-- bench:${experiment.name}:end -->`);
  if (from < 0 || to < from) return null;
  const section = sectionText(experiment, file, folder);
  return `${page.slice(0, from + begin.length)}\n\n${section}\n\n${page.slice(to)}`;
}

/** The files of an experiment's pictures, by name. */
export function chartFiles(experiment: Experiment, file: ExperimentFile): Map<string, string> {
  if (file.parts.length === 0) return new Map();
  return new Map(experiment.render(file.parts).charts.map(({ name, svg }) => [chartName(experiment, name), svg]));
}

/** The section without its markers. `folder` is that of the pictures as the page sees it. */
export function sectionText(experiment: Experiment, file: ExperimentFile, folder: string): string {
  const command = `npm run bench:report -- --only ${experiment.name}`;
  if (file.parts.length === 0) return `_${experiment.question}_ Not measured yet: \`${command}\`.`;
  const { blocks, charts } = experiment.render(file.parts);
  const pictures = charts.map(({ name, description }) => `![${description}](${folder}/${chartName(experiment, name)})`);
  const all = [
    `_${experiment.question}_`,
    ...blocks,
    ...pictures,
    ...doubts(file.parts),
    origin(file, command, folder),
  ];
  return all.join('\n\n');
}

function chartName(experiment: Experiment, name: string): string {
  return name === '' ? `${experiment.name}.svg` : `${experiment.name}-${name}.svg`;
}

/** What was in the way, in a line for each kind; nothing where nothing was. */
function doubts(records: readonly PartRecord[]): string[] {
  const count = (pick: (record: PartRecord) => readonly string[]): number =>
    records.filter((record) => pick(record).length > 0).length;
  const cost = count(({ validity }) => validity.cost);
  const late = count(({ validity }) => validity.latency);
  const lines: string[] = [];
  if (cost > 0)
    lines.push(
      `- ${cost} of ${records.length} measurements are not valid: ${commonest(records, ({ validity }) => validity.cost)}.`,
    );
  if (late > 0)
    lines.push(
      `- The latency of ${late} of ${records.length} is not the server's alone (\\*): ${commonest(records, ({ validity }) => validity.latency)}.`,
    );
  const speeds = records.flatMap(({ calibration }) => [speedOf(calibration.before), speedOf(calibration.after)]);
  const [slowest, fastest] = [Math.min(...speeds), Math.max(...speeds)];
  if (fastest / slowest > unsteadySpeed)
    lines.push(
      `- The machine's own speed changed meanwhile between ${slowest.toFixed(2)} and ${fastest.toFixed(2)} of the reference: compare neighbours only.`,
    );
  return lines.length === 0 ? [] : [lines.join('\n')];
}

/** The two causes that came most often, without their figures. */
function commonest(records: readonly PartRecord[], pick: (record: PartRecord) => readonly string[]): string {
  const causes = new Map<string, number>();
  for (const record of records)
    for (const cause of pick(record)) {
      const kind = cause.replace(/ ?\([^)]*\)/g, '').replace(/\d[\d.]*/g, 'n');
      causes.set(kind, (causes.get(kind) ?? 0) + 1);
    }
  const sorted = [...causes].sort((a, b) => b[1] - a[1]).slice(0, 2);
  return sorted.map(([cause, times]) => `${cause} (${times})`).join(', ');
}

function origin(file: ExperimentFile, command: string, folder: string): string {
  const newest = file.parts.reduce((last, one) => (one.at > last.at ? one : last));
  const { machine, source } = newest;
  const commits = [...new Set(file.parts.map((one) => one.source.commit).filter((one) => one !== ''))];
  const speed = speedOf(newest.calibration.before).toFixed(2);
  const facts = [
    `${machine.cores} x ${machine.model}`,
    `${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB`,
    `Linux ${machine.kernel}`,
    `Node ${machine.node}`,
    `speed ${speed} of the reference`,
    `${newest.at.slice(0, 10)}`,
    ...(commits.length > 0 ? [`commit ${commits.join(', ')}`] : []),
    ...(source.hash === '' ? [] : [`source ${source.hash.slice(0, 8)}`]),
  ];
  const small = file.quick ? '**A try-out in small size, no result.** ' : '';
  return `${small}${facts.join('; ')}. Figures: [${file.experiment}.json](${folder}/${file.experiment}.json), again with \`${command} --again\`.`;
}
