import { createHmac } from 'node:crypto';

/**
 * The header that proves where a message of ours comes from: its time in seconds since 1970, and an HMAC-SHA256 (RFC 2104) over
 * that time, a full stop and the body as it is sent, all in UTF-8. `wallMs` is the time of the attempt, so that a receiver can
 * refuse what was recorded and is sent once more.
 */
export function signatureHeader(secret: string, body: string, wallMs: number): Record<string, string> {
  const time = Math.floor(wallMs / 1000);
  const signature = createHmac('sha256', secret).update(`${time}.${body}`).digest('hex');
  return { 'Skyweir-Signature': `t=${time},v1=${signature}` };
}
