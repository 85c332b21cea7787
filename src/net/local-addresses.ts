import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { networkInterfaces } from 'node:os';
import { plainAddress, withoutZone } from '../base/address.ts';

/** Addresses of this machine by network interface, as `os.networkInterfaces` gives them. */
export type Interfaces = ReturnType<typeof networkInterfaces>;

/** An address of this machine, with the networks that are directly reached through it. */
interface LocalAddress {
  readonly interfaceName: string;
  readonly address: string;
  readonly isIPv6: boolean;
  readonly internal: boolean;
  readonly linkLocal: boolean;
  /** Number of the interface, which Windows has for its name in IPv6 addresses. */
  readonly scopeId: number;
  readonly network: BlockList;
  /** Of its leading bits: of several networks with a peer, packets to it go by the one that has most. */
  readonly networkBits: number;
}

/** Somewhere to announce something: one network interface, in one family. */
export interface AnnouncementPlace {
  readonly interfaceName: string;
  /** What names the interface in IPv6 addresses. */
  readonly zone: string;
  /** What to announce there. */
  readonly address: string;
  readonly isIPv6: boolean;
}

/** Which address of this machine a peer can use, told by the subnets of its network interfaces. */
export class LocalAddresses {
  readonly #all: readonly LocalAddress[];
  /** The smallest networks first. */
  readonly #byNetwork: readonly LocalAddress[];
  /** Those that are for one link only, served or not: they tell which interface the zone of a peer means. */
  readonly #links: readonly LocalAddress[];
  readonly #zonesAreNumbers: boolean;

  /** `host` is what the listeners are bound to: `::` and `0.0.0.0` are all addresses of their families. */
  constructor(interfaces: Interfaces, host: string, platform: string = process.platform) {
    this.#zonesAreNumbers = platform === 'win32';
    const found = Object.entries(interfaces).flatMap(([name, infos]) =>
      (infos ?? []).map((info) => localAddressOf(name, info)),
    );
    this.#links = found.filter(({ linkLocal }) => linkLocal);
    this.#all = found.filter((local) => isServed(local, host));
    this.#byNetwork = this.#all.toSorted((a, b) => b.networkBits - a.networkBits);
  }

  /**
   * The address that faces a peer, which may be IPv4 mapped into IPv6 or have a zone; null for one that is on none of our
   * links. A link-local address cannot stand in a URL for others, so that it is given when there is nothing better only.
   */
  facing(peer: string): string | null {
    const plain = plainAddress(peer);
    const [bare = '', zone] = plain.split('%');
    const family = isIPv4(bare) ? 'ipv4' : isIPv6(bare) ? 'ipv6' : null;
    if (family === null) return null;
    const own = this.#all.find(({ address }) => address === bare);
    const isNear = (one: LocalAddress): boolean => one.network.check(bare, family) && isInZone(one, zone);
    const local = own ?? this.#byNetwork.find(isNear) ?? this.#onLink(this.#links.find(isNear));
    if (local === undefined) return null;
    return local.linkLocal ? this.#best(local) : local.address;
  }

  /** One for each IPv4 address and for each interface with IPv6, at most so many. */
  places(bound: number): AnnouncementPlace[] {
    const places = new Map<string, AnnouncementPlace>();
    for (const local of this.#all) {
      if (local.internal) continue;
      const address = local.isIPv6 ? this.#best(local) : local.address;
      const { interfaceName } = local;
      const place = { interfaceName, zone: this.#zoneOf(interfaceName), address, isIPv6: local.isIPv6 };
      places.set(`${interfaceName} ${address}`, place);
    }
    return [...places.values()].slice(0, bound);
  }

  /** Windows has numbers, which Node tells with the link-local address only. */
  #zoneOf(interfaceName: string): string {
    const numbered = this.#links.find((one) => one.interfaceName === interfaceName && one.scopeId > 0);
    return this.#zonesAreNumbers && numbered !== undefined ? String(numbered.scopeId) : interfaceName;
  }

  /** An address of ours at the interface of one that is not served. */
  #onLink(link: LocalAddress | undefined): LocalAddress | undefined {
    return this.#all.find((one) => one.isIPv6 && one.interfaceName === link?.interfaceName);
  }

  /** An IPv6 address of the same interface that is not link-local, if it has one. */
  #best(local: LocalAddress): string {
    const other = this.#all.find((one) => one.isIPv6 && !one.linkLocal && one.interfaceName === local.interfaceName);
    return (other ?? local).address;
  }
}

function localAddressOf(interfaceName: string, info: NonNullable<Interfaces[string]>[number]): LocalAddress {
  const network = new BlockList();
  const family = info.family === 'IPv6' ? 'ipv6' : 'ipv4';
  const bits = Number(info.cidr?.split('/')[1] ?? (family === 'ipv6' ? 128 : 32));
  network.addSubnet(info.address, bits, family);
  return {
    interfaceName,
    address: info.address,
    isIPv6: family === 'ipv6',
    internal: info.internal,
    linkLocal: /^fe[89ab]/i.test(info.address),
    scopeId: info.scopeid ?? 0,
    network,
    networkBits: bits,
  };
}

function isServed(local: LocalAddress, host: string): boolean {
  if (host === '::') return true;
  return host === '0.0.0.0' ? !local.isIPv6 : local.address === withoutZone(plainAddress(host));
}

/** All interfaces have the same link-local network; the zone of the peer's address tells which is meant. */
function isInZone(local: LocalAddress, zone: string | undefined): boolean {
  return zone === undefined || zone === local.interfaceName || zone === String(local.scopeId);
}
