/** What an experiment of the benchmark page is: parts that are measured one by one and kept, and a section made from them. */
import type { Validity } from '../system/validity.ts';
import type { Calibration } from './calibration.ts';
import type { MachineFacts, SourceFacts } from './machine.ts';

/** How large everything is: as the page needs it, or small enough to try the tools. */
export interface Scale {
  readonly quick: boolean;
  /** So many cameras, publishers, readers. */
  count(full: number): number;
  /** So many seconds of a measurement. */
  seconds(full: number): number;
  /** How often a measurement is repeated. */
  rounds(full: number): number;
}

/** What a part has to work with. */
export interface PartContext {
  readonly scale: Scale;
  say(line: string): void;
}

/** What a part has found; `figures` is plain data, in the form that its experiment reads. */
export interface PartResult {
  readonly figures: unknown;
  readonly validity: Validity;
}

/** The least that is run, kept and run again. */
export interface Part {
  /** Unique in its experiment. */
  readonly name: string;
  /** Settings that matter, for the record. */
  readonly options: object;
  run(context: PartContext): Promise<PartResult>;
}

/** A part that was run. */
export interface PartRecord extends PartResult {
  readonly name: string;
  /** ISO 8601. */
  readonly at: string;
  readonly seconds: number;
  readonly options: object;
  readonly machine: MachineFacts;
  readonly source: SourceFacts;
  /** The machine's speed right before and after. */
  readonly calibration: { readonly before: Calibration; readonly after: Calibration };
}

/** Everything that is kept of an experiment. */
export interface ExperimentFile {
  readonly format: 'skyweir-bench-1';
  readonly experiment: string;
  readonly quick: boolean;
  readonly parts: readonly PartRecord[];
}

/** A picture of the section. */
export interface Chart {
  /** Follows the experiment's name in the file's name; '' for the only one. */
  readonly name: string;
  /** What it shows, for those who cannot see it. */
  readonly description: string;
  readonly svg: string;
}

/** The generated part of a section. */
export interface Rendered {
  /** Markdown, a paragraph or table each. */
  readonly blocks: readonly string[];
  readonly charts: readonly Chart[];
}

export interface Experiment {
  /** Of its JSON file, its section and on the command line. */
  readonly name: string;
  /** One line: what is asked. */
  readonly question: string;
  /** About how long all parts take in full size. */
  readonly minutes: number;
  parts(scale: Scale): readonly Part[];
  /** Pure: the same records give the same text. There is at least one record. */
  render(records: readonly PartRecord[]): Rendered;
}

/** Full size. */
export const fullScale: Scale = {
  quick: false,
  count: (full) => full,
  seconds: (full) => full,
  rounds: (full) => full,
};

/** As `scale`, but with fewer rounds and shorter ones, for who has less time than a quiet machine. */
export function atMost(scale: Scale, rounds = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY): Scale {
  return {
    ...scale,
    seconds: (full) => Math.min(scale.seconds(full), seconds),
    rounds: (full) => Math.min(scale.rounds(full), rounds),
  };
}

const quickShare = 20;
const quickSeconds = 3;

/** Small enough for a busy machine: a twentieth of the cameras, a few seconds, once. */
export const quickScale: Scale = {
  quick: true,
  count: (full) => (full === 0 ? 0 : Math.max(4, Math.round(full / quickShare))),
  seconds: (full) => Math.min(full, quickSeconds),
  rounds: () => 1,
};
