import { createHmac } from 'node:crypto';

/**
 * The headers that prove where a message comes from: HMAC-SHA256 (RFC 2104) over the time, a full stop and the body as it is sent,
 * all in UTF-8. `wallMs` is the time of the attempt, so that a receiver can refuse what was recorded and is sent once more.
 */
export function signatureHeaders(secret: string, body: string, wallMs: number): Record<string, string> {
  const timestamp = String(Math.floor(wallMs / 1000));
  const signature = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return { 'Skyweir-Timestamp': timestamp, 'Skyweir-Signature': `v1=${signature}` };
}
