import type { z } from 'zod';
import type { IngestRules, ProfileName, RuleAction } from '../ingest-rules/ingest-rules.ts';
import { formatDuration, parseDuration } from './quantity.ts';
import { ruleSettings } from './settings/rules.ts';

/** Rules as an entry of the file gives them, for a hardware or for one camera. What it does not say, the wider ones say. */
export interface RuleEntry {
  readonly 'max-bitrate'?: number | undefined;
  readonly 'max-fps'?: number | undefined;
  readonly 'max-resolution'?: string | undefined;
  /** A duration as the file has it. */
  readonly 'max-gop'?: string | undefined;
  readonly 'allowed-profiles'?: readonly ProfileName[] | undefined;
  readonly 'allow-b-frames'?: boolean | undefined;
  readonly 'rule-action'?: RuleAction | undefined;
}

/** The rules that hold for every camera, as the settings give them. */
export interface RuleDefaults {
  readonly maxBitrate: number;
  readonly maxFps: number;
  readonly maxResolution: string;
  readonly maxGopMs: number;
  readonly allowedProfiles: readonly ProfileName[];
  readonly allowBFrames: boolean;
  readonly ruleAction: RuleAction;
}

/** The checks of a {@link RuleEntry}, by its keys. */
export const ruleEntryShape = {
  'max-bitrate': ruleSettings.maxBitrate.schema.optional(),
  'max-fps': ruleSettings.maxFps.schema.optional(),
  'max-resolution': ruleSettings.maxResolution.schema.optional(),
  'max-gop': ruleSettings.maxGopMs.schema.transform(formatDuration).optional(),
  'allowed-profiles': ruleSettings.allowedProfiles.schema.optional(),
  'allow-b-frames': ruleSettings.allowBFrames.schema.optional(),
  'rule-action': ruleSettings.ruleAction.schema.optional(),
} satisfies Record<keyof RuleEntry, z.ZodType>;

/** The keys of a {@link RuleEntry}. */
export const ruleEntryKeys = Object.keys(ruleEntryShape) as (keyof RuleEntry)[];

/** The part of an entry that is about rules; without what it leaves out. */
export function ruleEntryOf(entry: RuleEntry): RuleEntry {
  return Object.fromEntries(ruleEntryKeys.flatMap((key) => (entry[key] === undefined ? [] : [[key, entry[key]]])));
}

/** The rules of a camera: its own win over its hardware's, those over the ones for all. */
export function resolveRules(defaults: RuleDefaults, hardware: RuleEntry, camera: RuleEntry): IngestRules {
  const own = { ...ruleEntryOf(hardware), ...ruleEntryOf(camera) };
  const [width, height] = (own['max-resolution'] ?? defaults.maxResolution).split('x').map(Number);
  return {
    maxMbit: own['max-bitrate'] ?? defaults.maxBitrate,
    maxFps: own['max-fps'] ?? defaults.maxFps,
    maxSize: height === undefined || width === undefined ? null : { width, height },
    maxGopMs: parseDuration(own['max-gop']) ?? defaults.maxGopMs,
    profiles: own['allowed-profiles'] ?? defaults.allowedProfiles,
    bFrames: own['allow-b-frames'] ?? defaults.allowBFrames,
    action: own['rule-action'] ?? defaults.ruleAction,
  };
}
