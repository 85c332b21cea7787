import { randomUUID } from 'node:crypto';
import type { RemoteInfo, Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { DiscoverableDevice } from '../onvif/discovery/discovery-message.ts';
import {
  type DiscoveryCounters,
  type DiscoveryDatagram,
  DiscoveryResponder,
} from '../onvif/discovery/discovery-responder.ts';
import { bindUdp } from './bind-udp.ts';
import { type AnnouncementPlace, type Interfaces, LocalAddresses } from './local-addresses.ts';

/** Groups and port of WS-Discovery (clause 2.4). */
const group4 = '239.255.255.250';
const group6 = 'ff02::c';
const discoveryPort = 3702;

/** What a {@link DiscoverySocket} is opened with. */
export interface DiscoverySocketOptions {
  readonly devices: readonly DiscoverableDevice[];
  /** Where the ONVIF services listen: `::`, `0.0.0.0` or one address. */
  readonly host: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 lets the system choose, for tests. */
  readonly port?: number;
  readonly random?: () => number;
  readonly interfaces?: () => Interfaces;
}

/**
 * Lets clients in the same networks find our ONVIF devices: one UDP port, shared with others on this machine, in both
 * families. A network that multicast does not work on is warned of once; what comes by unicast is answered all the same.
 */
export class DiscoverySocket {
  readonly #options: DiscoverySocketOptions;
  readonly #responder: DiscoveryResponder;
  readonly #sockets: readonly Socket[];
  /** By {@link placeKey}; null where it could not be opened. */
  readonly #announcers = new Map<string, Socket | null>();
  readonly #check: NodeJS.Timeout;
  #addresses: LocalAddresses;
  #places: readonly AnnouncementPlace[] = [];
  #timer: NodeJS.Timeout | undefined;
  #closed: (() => void) | null = null;

  private constructor(options: DiscoverySocketOptions, sockets: readonly Socket[]) {
    const { clock, devices, random = Math.random } = options;
    const instanceId = Math.floor(clock.wallMs() / 1000);
    this.#options = options;
    this.#sockets = sockets;
    this.#responder = new DiscoveryResponder({ devices, instanceId, random, newUuid: randomUUID }, clock.nowMs());
    this.#addresses = this.#lookUpAddresses();
    for (const socket of sockets) socket.on('message', (bytes, from) => this.#onMessage(bytes, from));
    this.#check = setInterval(() => void this.#checkInterfaces(), limits.discovery.interfaceCheckMs).unref();
  }

  /** Binds, and announces the devices. Rejects with the system's error when the port cannot be had in any family. */
  static async open(options: DiscoverySocketOptions): Promise<DiscoverySocket> {
    const port = options.port ?? discoveryPort;
    const wants6 = options.host === '::' || isIPv6(options.host);
    const failures: unknown[] = [];
    const socket4 = wants6 && options.host !== '::' ? null : await tryBind('0.0.0.0', port, failures);
    const socket6 = wants6 ? await tryBind('::', socket4?.address().port ?? port, failures) : null;
    const sockets = [socket4, socket6].filter((socket) => socket !== null);
    if (sockets.length === 0) throw failures[0];
    for (const error of failures.filter((one) => !isMissingFamily(one)))
      options.logger.warn({ port, error: String(error) }, 'discovery has its port in one address family only');
    const opened = new DiscoverySocket(options, sockets);
    await opened.#checkInterfaces();
    return opened;
  }

  get port(): number {
    return this.#sockets[0]!.address().port;
  }

  get counters(): DiscoveryCounters {
    return this.#responder.counters;
  }

  /** Other devices from now on; those that went are said goodbye for. */
  replaceDevices(devices: readonly DiscoverableDevice[]): void {
    this.#responder.replaceDevices(devices, this.#localAddresses(), this.#options.clock.nowMs());
    this.#sendDue();
  }

  /** Says goodbye, which takes less than a second with its repetitions, and closes. */
  async close(): Promise<void> {
    if (this.#closed !== null) return;
    clearInterval(this.#check);
    for (const socket of this.#sockets) socket.removeAllListeners('message');
    await new Promise<void>((resolve) => {
      this.#closed = resolve;
      this.#responder.bye(this.#localAddresses(), this.#options.clock.nowMs());
      this.#sendDue();
    });
    const all = [...this.#sockets, ...this.#announcers.values()].filter((socket) => socket !== null);
    await Promise.all(all.map((socket) => new Promise<void>((resolve) => socket.close(resolve))));
  }

  #onMessage(bytes: Buffer, from: RemoteInfo): void {
    const localAddress = this.#addresses.facing(from.address);
    this.#responder.receive(
      bytes,
      { address: from.address, port: from.port, localAddress },
      this.#options.clock.nowMs(),
    );
    this.#sendDue();
  }

  #sendDue(): void {
    const { clock } = this.#options;
    for (const datagram of this.#responder.takeDue(clock.nowMs())) this.#send(datagram);
    clearTimeout(this.#timer);
    const nextMs = this.#responder.nextDeadlineMs;
    if (nextMs !== Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(() => this.#sendDue(), Math.max(0, Math.ceil(nextMs - clock.nowMs())));
    else this.#closed?.();
  }

  #send({ bytes, to, localAddress }: DiscoveryDatagram): void {
    // What cannot be sent is lost, as any datagram can be.
    if (to !== null) {
      this.#socketOf(isIPv6(to.address))?.send(bytes, to.port, to.address, ignoreError);
      return;
    }
    for (const place of this.#places) {
      if (place.address !== localAddress) continue;
      const group = place.isIPv6 ? `${group6}%${place.zone}` : group4;
      this.#announcers.get(placeKey(place))?.send(bytes, this.port, group, ignoreError);
    }
  }

  #lookUpAddresses(): LocalAddresses {
    return new LocalAddresses((this.#options.interfaces ?? networkInterfaces)(), this.#options.host);
  }

  /**
   * Joins the groups on interfaces that came up, and announces the devices there. The system forgets a membership without a word
   * when it makes an interface anew, so that all are asked for each time.
   */
  async #checkInterfaces(): Promise<void> {
    this.#addresses = this.#lookUpAddresses();
    const places = this.#addresses.places(limits.discovery.addresses);
    for (const place of this.#places) if (!places.some((one) => placeKey(one) === placeKey(place))) this.#leave(place);
    /** Networks that we were not in a moment ago. */
    const joined = new Set<string>();
    const added: string[] = [];
    for (const place of places) {
      const key = placeKey(place);
      const before = this.#announcers.get(key);
      try {
        if (this.#join(place)) joined.add(networkKey(place));
        if (before && !joined.has(networkKey(place))) continue;
        before?.close();
        this.#announcers.set(key, null);
        const announcer = await openAnnouncer(place);
        if (this.#closed !== null) {
          announcer.close();
          return;
        }
        this.#announcers.set(key, announcer);
        added.push(place.address);
      } catch (error) {
        // It is told once. Where it worked it still does: the system only has another word for being a member already.
        if (before !== undefined) continue;
        this.#announcers.set(key, null);
        const { interfaceName, address } = place;
        this.#options.logger.warn(
          { interface: interfaceName, address, error: String(error) },
          'discovery by multicast does not work on this network',
        );
      }
    }
    this.#places = places;
    this.#responder.hello(added, this.#options.clock.nowMs());
    this.#sendDue();
  }

  /** Whether we were no member before. */
  #join(place: AnnouncementPlace): boolean {
    const socket = this.#socketOf(place.isIPv6);
    if (socket === undefined) return false;
    try {
      if (place.isIPv6) socket.addMembership(group6, `::%${place.zone}`);
      else socket.addMembership(group4, place.address);
      return true;
    } catch (error) {
      // Of before, or of another address of the interface.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      return false;
    }
  }

  #leave(place: AnnouncementPlace): void {
    const key = placeKey(place);
    this.#announcers.get(key)?.close();
    this.#announcers.delete(key);
    // Linux goes on counting memberships of IPv4 whose interface is gone, and a socket has 20. Those of IPv6 cannot be named any
    // more, and are not counted.
    if (place.isIPv6) return;
    try {
      this.#socketOf(false)?.dropMembership(group4, place.address);
    } catch {
      // It was that of another address, or is forgotten already.
    }
  }

  #socketOf(isIPv6Socket: boolean): Socket | undefined {
    return this.#sockets.find((one) => (one.address().family === 'IPv6') === isIPv6Socket);
  }

  #localAddresses(): string[] {
    return this.#places.filter((place) => this.#announcers.get(placeKey(place))).map((place) => place.address);
  }
}

function placeKey(place: AnnouncementPlace): string {
  return `${place.interfaceName} ${place.address}`;
}

function networkKey(place: AnnouncementPlace): string {
  return `${place.interfaceName} ${place.isIPv6}`;
}

/** A socket whose multicasts go to one network, and no further; clients on this machine hear them too. */
async function openAnnouncer(place: AnnouncementPlace): Promise<Socket> {
  const socket = await bind(place.isIPv6 ? '::' : place.address, 0);
  try {
    socket.setMulticastInterface(place.isIPv6 ? `::%${place.zone}` : place.address);
    socket.setMulticastTTL(1);
    socket.setMulticastLoopback(true);
  } catch (error) {
    socket.close();
    throw error;
  }
  return socket.unref();
}

async function tryBind(address: string, port: number, failures: unknown[]): Promise<Socket | null> {
  try {
    return await bind(address, port, true);
  } catch (error) {
    failures.push(error);
    return null;
  }
}

/** A machine without IPv6 is nothing to warn of. */
function isMissingFamily(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL';
}

async function bind(address: string, port: number, shared = false): Promise<Socket> {
  const socket = await bindUdp(address, port, { reuseAddr: shared, ipv6Only: isIPv6(address) });
  socket.on('error', ignoreError);
  return socket;
}

function ignoreError(): void {
  // A datagram that was lost.
}
