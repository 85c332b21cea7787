/**
 * What a generated stream key looks like: `swk_` and 32 characters of Crockford's Base32, which is 160 bits. The mark in front
 * lets a key be known wherever it turns up, also at the end of a path, so that it is kept out of logs.
 */
export const streamKeyMark = 'swk_';

/** A whole path segment that is, or was meant to be, a key. A few letters too many or too few still hide it. */
const keySegment = /^swk_[0-9a-z]{8,64}$/i;

/** Whether a path segment has to be taken for a key. */
export function isKeySegment(segment: string): boolean {
  return keySegment.test(segment);
}

/** The same at any place of a text, with what is glued to it, which may be another key. */
const keyAnywhere = /swk_[0-9a-z_]{8,}/gi;

/** A text with `[key]` for all in it that has to be taken for a key. */
export function withKeysHidden(text: string): string {
  return text.replace(keyAnywhere, '[key]');
}
