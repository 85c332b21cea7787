import { randomFillSync } from 'node:crypto';

/** Bytes. Some forty handshakes; a call to the system for each of them costs more than all the rest of a handshake. */
const poolBytes = 64 * 1024;

/** Random bytes for handshakes, drawn from the system many at a time. They are no secret: the peer gets to see them all. */
export function handshakeRandom(): (into: Uint8Array) => void {
  const pool = new Uint8Array(poolBytes);
  let used = poolBytes;
  return (into) => {
    if (into.length > poolBytes - used) {
      randomFillSync(pool);
      used = 0;
    }
    into.set(pool.subarray(used, used + into.length));
    used += into.length;
  };
}
