import { networkInterfaces } from 'node:os';
import type { InterfaceAddress } from '../onvif/device-facts.ts';

/** The machine's IPv4 addresses but those of loopback. */
export function ipv4Addresses(): InterfaceAddress[] {
  const found: InterfaceAddress[] = [];
  for (const list of Object.values(networkInterfaces()))
    for (const { family, internal, address, cidr } of list ?? [])
      if (family === 'IPv4' && !internal) found.push({ address, prefixLength: Number(cidr?.split('/')[1] ?? 24) });
  return found;
}
