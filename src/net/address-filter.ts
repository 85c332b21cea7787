import { BlockList, isIPv6 } from 'node:net';

/** Decides by address who may connect at all. Ranges are addresses and networks such as `10.1.0.0/16`. */
export class AddressFilter {
  /** Null lets all in. */
  readonly #allowed: BlockList | null;
  readonly #denied: BlockList;

  /** `allow` empty is everybody; `deny` wins over it. */
  constructor(allow: readonly string[], deny: readonly string[]) {
    this.#allowed = allow.length === 0 ? null : blockList(allow);
    this.#denied = blockList(deny);
  }

  /** `address` may be IPv4 mapped into IPv6. */
  admits(address: string): boolean {
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    return (this.#allowed === null || this.#allowed.check(address, family)) && !this.#denied.check(address, family);
  }
}

function blockList(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}
