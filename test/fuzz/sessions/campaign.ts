import { ConnectionError } from '../../../src/base/errors.ts';
import { installAllocationMeter, takeAllocatedBytes } from './allocation-meter.ts';
import { Mutator } from './mutator.ts';
import { parameterSetTarget } from './parameter-set-target.ts';
import { Random } from './random.ts';
import { amfTarget, chunkTarget, sessionTarget, videoTarget } from './rtmp-targets.ts';
import { requestTarget, rtcpTarget, rtspSessionTarget, tunnelTarget } from './rtsp-targets.ts';
import { type FuzzTarget, Outcome } from './target.ts';

/** Every target, made anew: some keep a ring. */
export function makeTargets(): FuzzTarget[] {
  return [
    sessionTarget(),
    chunkTarget(),
    amfTarget(),
    videoTarget(),
    parameterSetTarget(),
    requestTarget(),
    rtspSessionTarget(),
    tunnelTarget(),
    rtcpTarget(),
  ];
}

/** Events that an input of so many bytes may cause: a chunk header is a byte at least, and a message says a few things. */
const eventsPerByte = 4;
const eventsBase = 64;
/** Bytes that may be sent for it: the longest reply to the shortest command, again and again. */
const outputPerByte = 64;
const outputBase = 16 * 1024;
/** Bytes of buffers that may be asked for: each byte can be gathered, doubled and copied on its way, besides a few tables. */
const allocatedPerByte = 24;
const allocatedBase = 192 * 1024;

/** What is wrong with how a target took an input; null if nothing is. */
export function violation(target: FuzzTarget, bytes: Buffer, cuts: readonly (readonly number[])[]): string | null {
  const whole = attempt(target, bytes, []);
  if (typeof whole === 'string') return whole;
  for (const places of target.splits ? cuts : [[]]) {
    const split = attempt(target, bytes, places);
    if (typeof split === 'string') return `cut at ${places}: ${split}`;
    if (!split.equals(whole)) return `cut at ${places}: ${split}; whole: ${whole}`;
  }
  return null;
}

function attempt(target: FuzzTarget, bytes: Buffer, cuts: readonly number[]): Outcome | string {
  const outcome = new Outcome();
  takeAllocatedBytes();
  try {
    target.run(bytes, cuts, outcome);
  } catch (error) {
    if (!(error instanceof ConnectionError)) return `threw ${error instanceof Error ? error.stack : error}`;
    outcome.error = error.code;
  }
  const { events, outputBytes } = outcome;
  const allocated = takeAllocatedBytes();
  if (events > eventsBase + eventsPerByte * bytes.length) return `${events} events for ${bytes.length} bytes`;
  if (outputBytes > outputBase + outputPerByte * bytes.length) return `${outputBytes} bytes out for ${bytes.length} in`;
  if (allocated > allocatedBase + allocatedPerByte * bytes.length)
    return `${allocated} bytes of memory for ${bytes.length}`;
  return outcome;
}

/** Where an input is cut: mostly at a few places, now and then at every byte. */
export function cutsFor(length: number, random: Random): number[] {
  if (length < 2) return [];
  if (length < 2000 && random.oneIn(40)) return Array.from({ length: length - 1 }, (_, i) => i + 1);
  const places = new Set<number>();
  for (let i = random.below(4); i >= 0; i--) places.add(1 + random.below(length - 1));
  return [...places].sort((a, b) => a - b);
}

/** An input that broke a promise. */
export interface Crasher {
  readonly target: string;
  readonly bytes: Buffer;
  readonly cuts: readonly number[];
  readonly problem: string;
}

/** A run of mutants through one target, as long as its owner wants. */
export class Campaign {
  readonly target: FuzzTarget;
  inputs = 0;
  bytes = 0;
  readonly #random: Random;
  readonly #mutator: Mutator;

  constructor(target: FuzzTarget, seed: number) {
    installAllocationMeter();
    this.target = target;
    this.#random = new Random(seed);
    this.#mutator = new Mutator(target.seeds, this.#random);
  }

  /** One mutant; what it broke, or null. */
  next(): Crasher | null {
    const bytes = this.#mutator.next();
    const cuts = this.target.splits ? cutsFor(bytes.length, this.#random) : [];
    this.inputs++;
    this.bytes += bytes.length;
    const problem = violation(this.target, bytes, [cuts]);
    return problem === null ? null : { target: this.target.name, bytes: Buffer.from(bytes), cuts, problem };
  }
}
