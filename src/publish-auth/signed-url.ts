import { createHmac } from 'node:crypto';
import type { PublishQuery } from './publish-query.ts';
import { sameBytes } from './stream-key.ts';
import { absent, type MethodVerdict, type PublishCamera, refused } from './verdict.ts';

/** What a {@link SignedUrls} is set to. */
export interface SignedUrlOptions {
  /** One, or two while they are exchanged. */
  readonly secrets: readonly string[];
  /** Milliseconds that the clocks of signer and server may differ. */
  readonly skewMs: number;
  /** A URL is for one use. */
  readonly singleUse: boolean;
  /** Whether an address lies in a range such as `10.1.0.0/16`; false also for a range that is none. */
  readonly inRange: (address: string, range: string) => boolean;
}

/**
 * The text that is signed: path and expiry, each on a line of its own, and a line for each of the two options that is used.
 * There is no line break behind the last one.
 */
export function signedText(path: string, expires: string, options: { address?: string; nonce?: string } = {}): string {
  const lines = [path, expires];
  if (options.address !== undefined) lines.push(`address=${options.address}`);
  if (options.nonce !== undefined) lines.push(`nonce=${options.nonce}`);
  return lines.join('\n');
}

/** HMAC-SHA256 of the text. */
export function signText(secret: string, text: string): Buffer {
  return createHmac('sha256', secret).update(text).digest();
}

/** Checks URLs that carry their own permission: `?expires=<unix s>&sign=<hex>`, with `address` and `nonce` as options. */
export function checkSignedUrl(
  options: SignedUrlOptions,
  query: PublishQuery,
  camera: PublishCamera | null,
  path: string,
  address: string,
  wallMs: number,
): MethodVerdict {
  const [sign, expires] = [query.get('sign'), query.get('expires')];
  if (sign === undefined && expires === undefined) return absent;
  if (sign === undefined || expires === undefined) return refused('credential_wrong', 'only one of sign and expires');
  if (!/^[0-9a-f]{64}$/i.test(sign)) return refused('credential_wrong', 'sign is not 64 hexadecimal digits');
  if (!/^[1-9]\d{0,11}$/.test(expires)) return refused('credential_wrong', 'expires is not a time in seconds');
  const given = Buffer.from(sign, 'hex');
  const bound = query.get('address');
  const nonce = query.get('nonce');
  const extra = { ...(bound !== undefined && { address: bound }), ...(nonce !== undefined && { nonce }) };
  const signed = camera?.path ?? path;
  // Paths are compared without regard to case everywhere else; a signer may have either form.
  const forms = [...new Set([signed, signed.toLowerCase()])];
  let found: Buffer | null = null;
  for (const secret of options.secrets) {
    for (const form of forms) {
      const expected = signText(secret, signedText(form, expires, extra));
      if (sameBytes(given, expected)) found = expected;
    }
  }
  if (found === null || camera === null) return refused('credential_wrong', 'the signature does not fit');
  if (bound !== undefined && !options.inRange(address, bound))
    return refused('credential_wrong', 'the URL is for another address');
  const untilMs = Number(expires) * 1000 + options.skewMs;
  if (wallMs >= untilMs) return refused('credential_expired', `the URL ended ${isoTime(Number(expires) * 1000)}`);
  const detail = `signed URL until ${isoTime(Number(expires) * 1000)}`;
  if (!options.singleUse) return { type: 'accepted', detail };
  // Known again by what we computed, not by what was sent, which can be written in several ways.
  return { type: 'accepted', detail, once: { id: `sign ${found.toString('base64')}`, untilMs } };
}

/** A time for people. `expires` has at most twelve digits, which `Date` can show. */
function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
