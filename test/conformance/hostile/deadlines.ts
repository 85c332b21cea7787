import type { Row } from './row.ts';

/** Each is short only while rows play that wait for it, so that on a busy machine no other peer ends by it. */
export const deadlines = [
  'none',
  'handshake timeout',
  'publish timeout',
  'video timeout',
  'session timeout',
  'write stall',
] as const;
export type ShortDeadline = (typeof deadlines)[number];

/** Under which the threads of the servers find a word: the place of the deadline that is short now. */
export const deadlinesKey = 'hostile short deadline';

/** What a row waits for. The deadlines of a request over HTTP are always the same. */
export function deadlineOf({ ends, when = 'at once' }: Row): ShortDeadline {
  const reasons = typeof ends === 'object' && 'closed' in ends ? [] : [ends].flat();
  const known = deadlines.find((deadline) => deadline === when);
  if (known !== undefined) return known;
  if (reasons.includes('video_timeout')) return 'video timeout';
  return reasons.includes('receive_timeout') ? 'session timeout' : 'none';
}
