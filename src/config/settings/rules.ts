import { z } from 'zod';
import { type ProfileName, profileNames } from '../../ingest-rules/ingest-rules.ts';
import { boolean, choice, complete, duration, integer } from '../setting.ts';

const bitrateAllowed = '0, or a bitrate from 0.1 to 1000 in Mbit/s';
const resolutionAllowed = 'none, or a width and a height up to 16384, such as 1920x1080';
const profilesAllowed = `any, or some of ${profileNames.join(', ')}`;
const resolutionPattern = /^(?:none|[1-9]\d{1,4}x[1-9]\d{1,4})$/;

/** Settings: what streams must be like. A hardware entry or a camera of the file may have each of its own, by these keys. */
export const ruleSettings = {
  maxBitrate: complete<number>(
    {
      flag: 'max-bitrate',
      default: 0,
      defaultText: '0: no limit',
      applies: 'live',
      group: 'Ingest rules',
      text: 'Highest bitrate of the video of a camera, in Mbit/s, averaged over some seconds. 0 is no limit. See docs/ingest-rules.md for this and all rules.',
    },
    {
      kind: 'integer',
      valueName: '<Mbit/s>',
      schema: z.preprocess(
        (raw) => (typeof raw === 'string' && /^\d+(\.\d+)?$/.test(raw.trim()) ? Number(raw) : raw),
        z
          .number(bitrateAllowed)
          .max(1000, bitrateAllowed)
          .refine((value) => value === 0 || value >= 0.1, bitrateAllowed),
      ),
      allowed: bitrateAllowed,
      range: '0.1-1000 Mbit/s',
      format: (value) => value,
    },
  ),
  maxFps: integer({
    flag: 'max-fps',
    valueName: '<fps>',
    default: 0,
    defaultText: '0: no limit',
    min: 0,
    max: 1000,
    applies: 'live',
    group: 'Ingest rules',
    text: 'Most frames per second of a camera, averaged over some seconds. 0 is no limit.',
  }),
  maxResolution: complete<string>(
    {
      flag: 'max-resolution',
      default: 'none',
      applies: 'live',
      group: 'Ingest rules',
      text: 'Largest picture of a camera, upright or lying. `none` is no limit.',
    },
    {
      kind: 'text',
      valueName: '<width>x<height>',
      schema: z.preprocess(
        (raw) => (typeof raw === 'string' ? raw.trim().toLowerCase() : raw),
        z
          .string(resolutionAllowed)
          .regex(resolutionPattern, resolutionAllowed)
          .refine((value) => value.split('x').every((side) => !(Number(side) > 16_384)), resolutionAllowed),
      ),
      allowed: resolutionAllowed,
      range: 'none or such as 1920x1080',
      format: (value) => value,
    },
  ),
  maxGopMs: duration({
    flag: 'max-gop',
    default: 0,
    defaultText: '0s: no limit',
    minMs: 0,
    maxMs: 600_000,
    applies: 'live',
    group: 'Ingest rules',
    text: 'Longest time from keyframe to keyframe. A reader that joins waits for the next keyframe. 0 is no limit.',
  }),
  allowedProfiles: complete<readonly ProfileName[]>(
    {
      flag: 'allowed-profiles',
      default: [],
      defaultText: 'any',
      applies: 'live',
      group: 'Ingest rules',
      text: 'H.264 profiles that a camera may be sent in.',
    },
    {
      kind: 'list',
      valueName: '<profiles>',
      schema: z.preprocess(profilesFromText, z.array(z.enum(profileNames, profilesAllowed), profilesAllowed)),
      allowed: profilesAllowed,
      range: `any, or ${profileNames.join(', ')}`,
      format: (value) => (value.length === 0 ? 'any' : value),
    },
  ),
  allowBFrames: boolean({
    flag: 'allow-b-frames',
    default: true,
    applies: 'live',
    group: 'Ingest rules',
    text: 'Whether a camera may send B-frames. They make the picture come later, and some decoders stumble over them.',
  }),
  ruleAction: choice({
    flag: 'rule-action',
    valueName: '<action>',
    values: ['flag', 'reject'],
    default: 'flag',
    applies: 'live',
    group: 'Ingest rules',
    text: 'What happens to a stream that breaks a rule. `flag` shows it in the log, the events, the API and the metrics; `reject` also disconnects the publisher.',
  }),
} as const;

function profilesFromText(raw: unknown): unknown {
  const words = typeof raw === 'string' ? raw.split(',') : raw;
  if (!Array.isArray(words)) return words;
  const cleaned = words.map((word) => (typeof word === 'string' ? word.trim().toLowerCase() : word));
  return cleaned.length === 1 && cleaned[0] === 'any' ? [] : cleaned.filter((word) => word !== '');
}
