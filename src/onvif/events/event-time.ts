import { limits } from '../../base/limits.ts';

/** `PnYnMnDTnHnMnS` of XML Schema part 2, clause 3.2.6; a T at the end without a time is forgiven. */
const durationShape =
  /^(-)?P(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{0,9})?)S)?)?$/;
/** Clause 3.2.7, years of four digits. A time without a zone is taken for UTC, as ONVIF means all of them. */
const dateTimeShape = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d{1,12})?(Z|[+-]\d{2}:\d{2})?$/;

const secondMs = 1000;
const dayMs = 86_400 * secondMs;

/** Milliseconds of an xs:duration, a year having 365 days and a month 30; null if it is none. */
export function parseDuration(text: string): number | null {
  if (text.length > limits.onvifEvents.timeCharacters) return null;
  const match = durationShape.exec(text);
  if (match === null || match.slice(2).every((part) => part === undefined)) return null;
  const [years, months, days, hours, minutes, seconds] = match.slice(2).map((part) => Number(part ?? 0));
  const ms = (years! * 365 + months! * 30 + days!) * dayMs + (hours! * 3600 + minutes! * 60 + seconds!) * secondMs;
  return match[1] === '-' ? -ms : ms;
}

/** Wall-clock milliseconds of an xs:dateTime; null if it is none. */
export function parseDateTime(text: string): number | null {
  if (text.length > limits.onvifEvents.timeCharacters) return null;
  const match = dateTimeShape.exec(text);
  if (match === null) return null;
  const ms = Date.parse(`${match[1]}${match[2]?.slice(0, 4) ?? ''}${match[3] ?? 'Z'}`);
  return Number.isNaN(ms) ? null : ms;
}

/**
 * Milliseconds from now of a wsnt:AbsoluteOrRelativeTimeType, negative if it is past; null if it is neither a time nor a
 * duration.
 */
export function parseTermination(text: string, wallMs: number): number | null {
  const duration = parseDuration(text);
  if (duration !== null) return duration;
  const time = parseDateTime(text);
  return time === null ? null : time - wallMs;
}

/** `2026-01-31T12:00:00.000Z`: ONVIF wants UTC with the Z (Core, clause 9.1.1). */
export function utcText(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
