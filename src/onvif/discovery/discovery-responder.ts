import { limits } from '../../base/limits.ts';
import {
  type DiscoverableDevice,
  type DiscoveryRequest,
  endpointAddress,
  type MessageIdentity,
  mayAsk,
  parseDiscoveryRequest,
  writeBye,
  writeHello,
  writeMatches,
} from './discovery-message.ts';
import { ProbeLimiter } from './probe-limiter.ts';
import { scopesMatch } from './scope.ts';
import { TokenBucket } from './token-bucket.ts';

/** What a {@link DiscoveryResponder} is made with. */
export interface DiscoveryResponderOptions {
  readonly devices: readonly DiscoverableDevice[];
  /** Wall-clock seconds of the start, which grow from one run of the server to the next. */
  readonly instanceId: number;
  /** From 0 to below 1, like Math.random. */
  readonly random: () => number;
  readonly newUuid: () => string;
}

/** Where a datagram came from. */
export interface DiscoverySource {
  readonly address: string;
  readonly port: number;
  /** This machine's address towards the source, in the same subnet; null for a source that is not on any of our links. */
  readonly localAddress: string | null;
}

/** A datagram to send. */
export interface DiscoveryDatagram {
  readonly bytes: Buffer;
  /** Who asked; null for a multicast. */
  readonly to: { readonly address: string; readonly port: number } | null;
  /** The address of this machine that it tells, and whose network a multicast goes to. */
  readonly localAddress: string;
}

/** What became of all datagrams since the start. */
export interface DiscoveryCounters {
  readonly received: number;
  readonly answered: number;
  /** No question, or none about a device like ours. */
  readonly ignored: number;
  readonly malformed: number;
  /** Not answered because too much was asked. */
  readonly limited: number;
  /** Came again after it had been answered. */
  readonly repeated: number;
  /** From beyond our own networks. */
  readonly offLink: number;
  /** Of ours, not sent because too many waited. */
  readonly dropped: number;
}

/** Milliseconds over which devices spread their answers and announcements (WS-Discovery, APP_MAX_DELAY). */
const spreadMs = 500;
/**
 * UDP loses datagrams, so that each is sent again, with pauses that double (SOAP-over-UDP, appendix on retransmission). It
 * allows 2 and 4 repetitions; clients ask several times anyway.
 */
const answerRepeats = 1;
const announcementRepeats = 2;
const firstPauseMs = { least: 50, most: 250 };
const longestPauseMs = 500;

/** A message that waits for its time. */
interface Waiting extends DiscoveryDatagram {
  readonly dueMs: number;
  readonly repeats: number;
  readonly pauseMs: number;
}

/**
 * The target service of WS-Discovery for several ONVIF devices (ONVIF Core, clause 7): takes datagrams, and has datagrams
 * to send when {@link DiscoveryResponder.nextDeadlineMs} comes. Each device answers for itself, with one match in a message.
 */
export class DiscoveryResponder {
  readonly #options: DiscoveryResponderOptions;
  readonly #limiter: ProbeLimiter;
  readonly #parsed: TokenBucket;
  readonly #versions = new Map<string, number>();
  readonly #counters = {
    received: 0,
    answered: 0,
    ignored: 0,
    malformed: 0,
    limited: 0,
    repeated: 0,
    offLink: 0,
    dropped: 0,
  };
  #devices: readonly DiscoverableDevice[];
  #waiting: Waiting[] = [];
  #messageNumber = 0;

  constructor(options: DiscoveryResponderOptions, nowMs: number) {
    this.#options = options;
    this.#devices = options.devices;
    this.#limiter = new ProbeLimiter(nowMs);
    this.#parsed = new TokenBucket(limits.discovery.messagesPerSecond, limits.discovery.messagesAtOnce, nowMs);
  }

  get counters(): DiscoveryCounters {
    return { ...this.#counters };
  }

  /** Monotonic milliseconds at which {@link DiscoveryResponder.takeDue} has something; infinity if nothing waits. */
  get nextDeadlineMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { dueMs } of this.#waiting) next = Math.min(next, dueMs);
    return next;
  }

  /** Takes a datagram. Whatever is in it, nothing is thrown. */
  receive(bytes: Uint8Array, source: DiscoverySource, nowMs: number): void {
    this.#counters[this.#answer(bytes, source, nowMs)]++;
    this.#counters.received++;
  }

  /** Announces all devices on the networks of these addresses of this machine. */
  hello(localAddresses: readonly string[], nowMs: number): void {
    for (const device of this.#devices) this.#announce(device, localAddresses, nowMs);
  }

  /** Says goodbye for all devices. What still waited is not sent any more. */
  bye(localAddresses: readonly string[], nowMs: number): void {
    this.#waiting = [];
    for (const device of this.#devices) this.#leave(device, localAddresses, nowMs);
  }

  /** Other devices from now on: says goodbye for those that are gone, and announces what is new or different. */
  replaceDevices(devices: readonly DiscoverableDevice[], localAddresses: readonly string[], nowMs: number): void {
    const before = new Map(this.#devices.map((device) => [device.uuid, device]));
    this.#devices = devices;
    for (const device of devices) {
      const old = before.get(device.uuid);
      before.delete(device.uuid);
      if (old !== undefined && isSame(old, device)) continue;
      if (old !== undefined) this.#versions.set(device.uuid, this.#versionOf(device) + 1);
      this.#announce(device, localAddresses, nowMs);
    }
    for (const device of before.values()) this.#leave(device, localAddresses, nowMs);
  }

  /** What is to be sent now. */
  takeDue(nowMs: number): DiscoveryDatagram[] {
    const due = this.#waiting.filter(({ dueMs }) => dueMs <= nowMs);
    if (due.length === 0) return due;
    this.#waiting = this.#waiting.filter(({ dueMs }) => dueMs > nowMs);
    for (const message of due) {
      if (message.repeats === 0) continue;
      const pauseMs = Math.min(2 * message.pauseMs, longestPauseMs);
      this.#waiting.push({ ...message, dueMs: nowMs + message.pauseMs, repeats: message.repeats - 1, pauseMs });
    }
    return due;
  }

  #answer(bytes: Uint8Array, source: DiscoverySource, nowMs: number): keyof DiscoveryCounters {
    const { localAddress } = source;
    if (localAddress === null) return 'offLink';
    if (source.port === 0 || bytes.length > limits.discovery.datagramBytes) return 'malformed';
    if (!mayAsk(bytes)) return 'ignored';
    if (!this.#parsed.take(nowMs)) return 'limited';
    let request: DiscoveryRequest | null;
    try {
      request = parseDiscoveryRequest(bytes);
    } catch {
      return 'malformed';
    }
    if (request === null) return 'ignored';
    if (this.#limiter.isAnswered(source.address, request.messageId, nowMs)) return 'repeated';
    const devices = this.#devices.filter((device) => isAskedFor(device, request));
    if (devices.length === 0) return 'ignored';
    if (!this.#limiter.admit(source.address, request.messageId, nowMs)) return 'limited';
    const to = { address: source.address, port: source.port };
    for (const device of devices) {
      const endpoint = { device, localAddress, metadataVersion: this.#versionOf(device) };
      const text = writeMatches(request.kind, request.messageId, endpoint, this.#identity());
      // A Resolve is for one device, so that there is nothing to spread.
      const delayMs = request.kind === 'probe' ? this.#options.random() * spreadMs : 0;
      this.#queue(text, to, localAddress, nowMs + delayMs, answerRepeats);
    }
    return 'answered';
  }

  #announce(device: DiscoverableDevice, localAddresses: readonly string[], nowMs: number): void {
    const dueMs = nowMs + this.#options.random() * spreadMs;
    for (const localAddress of localAddresses) {
      const endpoint = { device, localAddress, metadataVersion: this.#versionOf(device) };
      this.#queue(writeHello(endpoint, this.#identity()), null, localAddress, dueMs, announcementRepeats);
    }
  }

  #leave(device: DiscoverableDevice, localAddresses: readonly string[], nowMs: number): void {
    for (const localAddress of localAddresses)
      this.#queue(writeBye(device, this.#identity()), null, localAddress, nowMs, announcementRepeats);
  }

  #queue(text: string, to: DiscoveryDatagram['to'], localAddress: string, dueMs: number, repeats: number): void {
    if (this.#waiting.length >= limits.discovery.waitingMessages) {
      this.#counters.dropped++;
      return;
    }
    const pauseMs = firstPauseMs.least + this.#options.random() * (firstPauseMs.most - firstPauseMs.least);
    this.#waiting.push({ bytes: Buffer.from(text), to, localAddress, dueMs, repeats, pauseMs });
  }

  #identity(): MessageIdentity {
    return {
      uuid: this.#options.newUuid(),
      instanceId: this.#options.instanceId,
      messageNumber: ++this.#messageNumber,
    };
  }

  /** Grows with every change and every start, which may have brought changes of the configuration. */
  #versionOf(device: DiscoverableDevice): number {
    return this.#versions.get(device.uuid) ?? this.#options.instanceId;
  }
}

function isAskedFor(device: DiscoverableDevice, request: DiscoveryRequest): boolean {
  if (request.kind === 'resolve') return request.address.toLowerCase() === endpointAddress(device).toLowerCase();
  return request.typesMatch && scopesMatch(request.scopes, device.scopes, request.rule);
}

function isSame(a: DiscoverableDevice, b: DiscoverableDevice): boolean {
  return a.port === b.port && a.scopes.join(' ') === b.scopes.join(' ');
}
