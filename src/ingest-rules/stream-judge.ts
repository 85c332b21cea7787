import { round } from '../base/round.ts';
import {
  type IngestRules,
  type PictureSize,
  profileNames,
  profileNumbers,
  type RuleName,
  ruleNames,
  type Violation,
} from './ingest-rules.ts';
import { KeyframeDistances } from './keyframe-distance.ts';
import { RateWindows, type StreamLook } from './rate-windows.ts';

/** What a publisher's parameter sets say; 0 is unknown. */
export interface StreamParameters extends PictureSize {
  /** profile_idc. */
  readonly profile: number;
}

/** A rule that is broken from now on, or no longer. */
export interface RuleChange {
  readonly state: 'broken' | 'kept';
  readonly violation: Violation;
}

/** Part of a limit that a measured value may be above it, so that a stream right at its limit keeps it; less to end a violation. */
const tolerance = 0.05;
const calmTolerance = 0.02;

/** Milliseconds that a rule must be kept before its violation is over: a stream at the limit is told once, not again and again. */
export const calmMs = 10_000;

/** Luma samples of a macroblock's side: a coded picture is whole ones, and some encoders do not crop it. */
const macroblock = 16;

/** A violation that lasts, and when it was last seen. */
interface Standing {
  violation: Violation;
  seenMs: number;
}

/** Judges one stream by its rules. Pure: what is known of the stream and the time are arguments. */
export class StreamJudge {
  #rules: IngestRules;
  #parameters: StreamParameters | null = null;
  #reordered = false;
  #rates = new RateWindows();
  #distances = new KeyframeDistances();
  readonly #standing = new Map<RuleName, Standing>();

  constructor(rules: IngestRules) {
    this.#rules = rules;
  }

  get rules(): IngestRules {
    return this.#rules;
  }

  /** The rules that are broken now, in the order of {@link ruleNames}. */
  get violations(): Violation[] {
    if (this.#standing.size === 0) return [];
    return ruleNames.flatMap((name) => this.#standing.get(name)?.violation ?? []);
  }

  /** The newest parameter sets. */
  parameters(parameters: StreamParameters): void {
    this.#parameters = parameters;
  }

  /** The stream has frames that are shown in another order. */
  reordered(): void {
    this.#reordered = true;
  }

  /** The counters; about once a second. */
  look(look: StreamLook): void {
    // Nothing is measured before the first frame: the encoder may take its time.
    if (look.frames === 0) return;
    this.#rates.add(look);
    this.#distances.add(look);
  }

  /** Other rules from now on. What they no longer forbid is over at once; `judge` finds the rest. */
  replaceRules(rules: IngestRules, nowMs: number): RuleChange[] {
    this.#rules = rules;
    const ended: RuleChange[] = [];
    for (const [name, { violation }] of this.#standing) {
      if (this.#check(name, true) !== null) continue;
      this.#standing.delete(name);
      ended.push({ state: 'kept', violation });
    }
    return [...ended, ...this.judge(nowMs)];
  }

  /** What has changed since the last time. */
  judge(nowMs: number): RuleChange[] {
    const changes: RuleChange[] = [];
    for (const name of ruleNames) {
      const standing = this.#standing.get(name);
      const found = this.#check(name, standing !== undefined);
      if (found !== null && standing === undefined) {
        this.#standing.set(name, { violation: found, seenMs: nowMs });
        changes.push({ state: 'broken', violation: found });
      } else if (found !== null && standing !== undefined) {
        standing.violation = found;
        standing.seenMs = nowMs;
      } else if (standing !== undefined && nowMs - standing.seenMs >= calmMs) {
        this.#standing.delete(name);
        changes.push({ state: 'kept', violation: standing.violation });
      }
    }
    return changes;
  }

  /** How the stream breaks a rule; null if it does not. It takes less for one that is `standing` already. */
  #check(rule: RuleName, standing: boolean): Violation | null {
    const { maxMbit, maxFps, maxGopMs } = this.#rules;
    switch (rule) {
      case 'max-bitrate':
        return this.#checkRate(rule, 'mbit', maxMbit, standing, 'Mbit/s');
      case 'max-fps':
        return this.#checkRate(rule, 'fps', maxFps, standing, 'fps');
      case 'max-gop': {
        const { atLeastMs, likelyMs } = this.#distances.distance;
        if (maxGopMs === 0 || atLeastMs <= bound(maxGopMs, standing)) return null;
        return { rule, value: `${number(likelyMs / 1000)} s`, limit: `${number(maxGopMs / 1000)} s` };
      }
      case 'max-resolution':
        return this.#checkSize(rule);
      case 'allowed-profiles':
        return this.#checkProfile(rule);
      case 'allow-b-frames':
        return this.#rules.bFrames || !this.#reordered ? null : { rule, value: 'B-frames', limit: 'none' };
    }
  }

  #checkRate(rule: RuleName, rate: 'mbit' | 'fps', limit: number, standing: boolean, unit: string): Violation | null {
    const windows = limit === 0 ? null : this.#rates.rates();
    if (windows === null) return null;
    const [older, newer] = windows;
    const least = standing ? newer[rate] : Math.min(older[rate], newer[rate]);
    if (least <= bound(limit, standing)) return null;
    return { rule, value: `${number(newer[rate])} ${unit}`, limit: `${number(limit)} ${unit}` };
  }

  #checkSize(rule: RuleName): Violation | null {
    const { maxSize } = this.#rules;
    if (maxSize === null || this.#parameters === null) return null;
    const { width, height } = this.#parameters;
    const [long, short] = [Math.max(width, height), Math.min(width, height)];
    const fits =
      long <= wholeBlocks(Math.max(maxSize.width, maxSize.height)) &&
      short <= wholeBlocks(Math.min(maxSize.width, maxSize.height));
    return fits ? null : { rule, value: `${width}x${height}`, limit: `${maxSize.width}x${maxSize.height}` };
  }

  #checkProfile(rule: RuleName): Violation | null {
    const { profiles } = this.#rules;
    const profile = this.#parameters?.profile ?? 0;
    if (profiles.length === 0 || profile === 0) return null;
    if (profiles.some((name) => profileNumbers[name] === profile)) return null;
    const name = profileNames.find((candidate) => profileNumbers[candidate] === profile);
    return { rule, value: name ?? `profile_idc ${profile}`, limit: profiles.join(', ') };
  }
}

/** What a measured value must be above to break a rule, or to go on breaking it. */
function bound(limit: number, standing: boolean): number {
  return limit * (1 + (standing ? calmTolerance : tolerance));
}

function wholeBlocks(samples: number): number {
  return Math.ceil(samples / macroblock) * macroblock;
}

function number(value: number): string {
  return String(round(value, value < 100 ? 1 : 0));
}
