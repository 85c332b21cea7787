/** profile_idc of the H.264 profiles that a rule can name (H.264, annex A). Constrained Baseline has the number of Baseline. */
export const profileNumbers = {
  baseline: 66,
  main: 77,
  extended: 88,
  high: 100,
  high10: 110,
  high422: 122,
  high444: 244,
  cavlc444: 44,
} as const;

/** A profile as the configuration names it. */
export type ProfileName = keyof typeof profileNumbers;

/** All profiles, the simplest first. */
export const profileNames = Object.keys(profileNumbers) as ProfileName[];

/** What happens to a stream that breaks a rule: it is only told, or its publisher is disconnected too. */
export type RuleAction = 'flag' | 'reject';

/** What a camera's stream must be like. */
export interface IngestRules {
  /** Mbit/s; 0 is no limit. */
  readonly maxMbit: number;
  /** Frames per second; 0 is no limit. */
  readonly maxFps: number;
  /** Luma samples, in either orientation; null is no limit. */
  readonly maxSize: PictureSize | null;
  /** Milliseconds from keyframe to keyframe; 0 is no limit. */
  readonly maxGopMs: number;
  /** Empty is all. */
  readonly profiles: readonly ProfileName[];
  /** Whether frames may come in another order than they are shown in. */
  readonly bFrames: boolean;
  readonly action: RuleAction;
}

/** Width and height of a picture in luma samples. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** The rules by the keys that the configuration has for them. */
export const ruleNames = [
  'max-bitrate',
  'max-fps',
  'max-resolution',
  'max-gop',
  'allowed-profiles',
  'allow-b-frames',
] as const;

/** A rule, by its key of the configuration. */
export type RuleName = (typeof ruleNames)[number];

/** A rule that a stream breaks, with what was found and what is allowed: both with their unit, for people. */
export interface Violation {
  readonly rule: RuleName;
  readonly value: string;
  readonly limit: string;
}

/** Rules that nothing can break. */
export const noRules: IngestRules = {
  maxMbit: 0,
  maxFps: 0,
  maxSize: null,
  maxGopMs: 0,
  profiles: [],
  bFrames: true,
  action: 'flag',
};

/** A violation in one line: `max-bitrate: 12.4 Mbit/s, allowed: 8 Mbit/s`. */
export function describeViolation({ rule, value, limit }: Violation): string {
  return `${rule}: ${value}, allowed: ${limit}`;
}

/** Whether some rule can only be judged by looking at the counters once in a while. */
export function needsLooks({ maxMbit, maxFps, maxGopMs }: IngestRules): boolean {
  return maxMbit > 0 || maxFps > 0 || maxGopMs > 0;
}
