/** An IP address as people write it: IPv4 that a dual-stack socket shows mapped into IPv6 (`::ffff:192.0.2.1`) is plain IPv4. */
export function plainAddress(address: string): string {
  return /^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice(7) : address;
}

/** An IPv6 address without the network interface that it is for on this machine: of `fe80::1%eth0`, `fe80::1`. */
export function withoutZone(address: string): string {
  return address.split('%', 1)[0]!;
}

/**
 * What all addresses of one owner have in common, for bounds on what comes from one address: IPv4 (also when mapped into IPv6) as it is;
 * IPv6 as its first four groups, since one subscriber owns a whole /64.
 */
export function addressKey(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':')) return plain;
  const [head, tail] = withoutZone(address).split('::');
  const left = head === '' ? [] : head!.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups =
    tail === undefined
      ? left
      : [...left, ...Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

/** `192.0.2.1:1935` or `[2001:db8::1]:1935`. */
export function hostAndPort(address: string, port: number): string {
  const plain = plainAddress(address);
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** Whether a bind address, an IP address, or a host name without its port, is this machine's own and nobody else's. */
export function isLoopback(host: string): boolean {
  const plain = plainAddress(host).toLowerCase();
  return plain === '::1' || plain === 'localhost' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(plain);
}
