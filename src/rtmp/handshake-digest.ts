import { createHmac, timingSafeEqual } from 'node:crypto';
import { handshakeBytes } from './handshake-packet.ts';

/** Where a scheme keeps its digest: the sum of four bytes, modulo 728, after them. Flash Player tries both. */
interface DigestScheme {
  /** Offset of the four bytes that are summed. */
  readonly pointer: number;
}

/** Schema 1 has the digest in the first half, schema 0 in the second. Most clients use schema 1. */
const schemes: readonly DigestScheme[] = [{ pointer: 8 }, { pointer: 772 }];

const digestBytes = 32;
const clientKey = Buffer.from('Genuine Adobe Flash Player 001', 'latin1');
const serverKey = Buffer.from('Genuine Adobe Flash Media Server 001', 'latin1');
/** Follows either text in the key that signs the second packet. */
const keyTail = Buffer.from('f0eec24a8068bee82e00d0d1029e7e576eec5d2d29806fab93b8e636cfeb31ae', 'hex');
const serverSignatureKey = Buffer.concat([serverKey, keyTail]);
/** Any version from 3.0 says "this packet has a digest"; this one was sent by Flash Media Server 3.5. */
const serverVersion = Buffer.from([3, 5, 1, 1]);

/**
 * Makes S1 and S2 answer a C1 that carries a digest (the handshake of Flash Player 9 and later, which is outside of
 * RTMP 1.0). `s1` and `s2` hold random bytes and are completed in place. Returns false, and leaves them alone, if C1 has
 * no valid digest: then the simple handshake is due, for a wrong digest is worse than none.
 */
export function answerDigest(c1: Buffer, s1: Buffer, s2: Buffer): boolean {
  for (const scheme of schemes) {
    const at = digestOffset(c1, scheme);
    const digest = c1.subarray(at, at + digestBytes);
    if (!timingSafeEqual(digestAround(c1, at, clientKey), digest)) continue;
    serverVersion.copy(s1, 4);
    const serverAt = digestOffset(s1, scheme);
    digestAround(s1, serverAt, serverKey).copy(s1, serverAt);
    const key = createHmac('sha256', serverSignatureKey).update(digest).digest();
    const signed = handshakeBytes - digestBytes;
    createHmac('sha256', key).update(s2.subarray(0, signed)).digest().copy(s2, signed);
    return true;
  }
  return false;
}

function digestOffset(packet: Buffer, { pointer }: DigestScheme): number {
  const sum = packet[pointer]! + packet[pointer + 1]! + packet[pointer + 2]! + packet[pointer + 3]!;
  return pointer + 4 + (sum % 728);
}

/** HMAC-SHA256 over the packet without the 32 bytes at `at`. */
function digestAround(packet: Buffer, at: number, key: Buffer): Buffer {
  return createHmac('sha256', key)
    .update(packet.subarray(0, at))
    .update(packet.subarray(at + digestBytes, handshakeBytes))
    .digest();
}
