import { createHash } from 'node:crypto';
import type { DeviceIdentity } from './device.ts';

/**
 * Who a device is, from the server's own id and the port of the device: the same after every restart, and another one for
 * every device. Recorders refuse hardware whose MAC address they know already.
 */
export function deviceIdentity(serverId: string, onvifPort: number): DeviceIdentity {
  const hash = createHash('sha256').update(`skyweir onvif device\n${serverId}\n${onvifPort}`).digest();
  // A locally administered unicast address (IEEE 802, clause 8.2.2) is never all zero.
  const mac = `02:${hash.toString('hex', 0, 5).match(/../g)!.join(':')}`;
  return {
    uuid: uuidOf(hash.subarray(8, 24)),
    mac,
    serial: hash.toString('hex', 24, 30).toUpperCase(),
    hardwareId: 'skyweir-1',
  };
}

/** A UUID of version 5 in form, though of SHA-256 (RFC 9562, clause 5.5 asks for SHA-1; nobody can tell). */
function uuidOf(bytes: Uint8Array): string {
  const own = Buffer.from(bytes);
  own[6] = (own[6]! & 0x0f) | 0x50;
  own[8] = (own[8]! & 0x3f) | 0x80;
  const hex = own.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
