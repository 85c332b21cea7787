import type { RemoteInfo, Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { plainAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import type { MediaTransport, TransportUser } from '../egress/media-transport.ts';
import type { LentPackets, PacketBatch } from '../rtp/packet-batch.ts';
import { bindUdp } from './bind-udp.ts';

/** Pairs of ports that are tried until one starts at an even number (RFC 3550 section 11). */
const attempts = 50;

/** Bytes of packets that may wait in the process because the kernel's buffer is full; several large pictures. */
const queuedBytes = 4 * 1024 * 1024;

/**
 * Bytes that one reader gets at once before it has to wait for {@link burstMs}: a backlog that goes out at full speed
 * would overrun the reader's receive buffer. 200 Mbit/s are far above any live stream; within a single large picture
 * there is no rest.
 */
const burstBytes = 256 * 1024;
const burstMs = 10;

/** Takes a reader's RTCP packet; `bytes` is valid during the call only. */
export interface ReportSink {
  onReport(bytes: Uint8Array): void;
}

/**
 * One pair of UDP ports for all readers of a thread: packets go out of the even one, RTCP in and out of the odd one.
 * Whose receiver report came in is told by address and port.
 */
export class RtpPorts {
  readonly rtpPort: number;
  readonly rtcpPort: number;
  readonly #rtp: Socket;
  readonly #rtcp: Socket;
  readonly #dualStack: boolean;
  /** Of a machine whose sockets for IPv6 take no IPv4. */
  #forIPv4: RtpPorts | null = null;
  readonly #readers = new Map<string, ReportSink>();
  /** Transports that wait for the next moment at which bursts may go on. */
  #resting: UdpTransport[] = [];
  /** Transports in the middle of a large picture. */
  #unfinished: UdpTransport[] = [];

  private constructor(rtp: Socket, rtcp: Socket) {
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    this.#dualStack = rtp.address().family === 'IPv6';
    this.rtpPort = rtp.address().port;
    this.rtcpPort = rtcp.address().port;
    rtcp.on('message', (bytes, from) => this.#onReport(bytes, from));
    for (const socket of [rtp, rtcp]) {
      // What cannot be delivered is reported per packet; there is nothing to do about the socket.
      socket.on('error', () => undefined);
      tryBufferSize(socket);
    }
  }

  /**
   * Opens a pair on the address that the listeners have; null when the machine has none to give. Where sockets for IPv6 take no IPv4
   * (`net.ipv6.bindv6only` of Linux, which only TCP can turn off; `ipv6Only` stands for it in tests), readers over IPv4 get another pair.
   */
  static async open(host: string, ipv6Only = false): Promise<RtpPorts | null> {
    const bound = await addressOf(host);
    if (bound === null) return null;
    const ports = await RtpPorts.#openPair(bound, ipv6Only);
    if (bound !== '::') return ports;
    if (ports === null) return RtpPorts.#openPair('0.0.0.0');
    if (!(await ports.#reachesIPv4())) ports.#forIPv4 = await RtpPorts.#openPair('0.0.0.0');
    return ports;
  }

  static async #openPair(address: string, ipv6Only = false): Promise<RtpPorts | null> {
    for (let attempt = 0; attempt < attempts; attempt++) {
      const rtp = await bind(address, 0, ipv6Only);
      if (rtp === null) return null;
      const { port } = rtp.address();
      const rtcp = port % 2 === 0 ? await bind(address, port + 1, ipv6Only) : null;
      if (rtcp !== null) return new RtpPorts(rtp, rtcp);
      rtp.close();
    }
    return null;
  }

  /** The pair for a reader at this address. */
  of(address: string): RtpPorts {
    return this.#forIPv4 !== null && isIPv4(plainAddress(address)) ? this.#forIPv4 : this;
  }

  /** Sends nothing to itself. */
  #reachesIPv4(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#rtp.send('', this.rtcpPort, '::ffff:127.0.0.1', (error) => resolve(error === null));
    });
  }

  /** The address to send to: a dual-stack socket wants IPv4 mapped into IPv6, an IPv4 socket the plain form. */
  destination(address: string): string {
    const plain = plainAddress(address);
    return this.#dualStack && isIPv4(plain) ? `::ffff:${plain}` : plain;
  }

  add(address: string, rtcpPort: number, sink: ReportSink): void {
    this.#readers.set(readerKey(address, rtcpPort), sink);
  }

  remove(address: string, rtcpPort: number, sink: ReportSink): void {
    const key = readerKey(address, rtcpPort);
    if (this.#readers.get(key) === sink) this.#readers.delete(key);
  }

  /** Bytes that wait because the kernel's buffer is full. */
  get waitingBytes(): number {
    return this.#rtp.getSendQueueSize();
  }

  /** Sends `bytes[start, end)`, which must stay untouched while {@link waitingBytes} is above 0. */
  sendPacket(bytes: Buffer, start: number, end: number, port: number, address: string, done?: SendCallback): void {
    this.#rtp.send(bytes, start, end - start, port, address, done);
  }

  /** Sends a copy. */
  sendReport(bytes: Buffer, length: number, port: number, address: string): void {
    this.#rtcp.send(Buffer.from(bytes.subarray(0, length)), port, address);
  }

  /** Calls the transport's `rested` in {@link burstMs}; one timer serves all. */
  rest(transport: UdpTransport): void {
    if (this.#resting.push(transport) === 1) setTimeout(this.#onRested, burstMs);
  }

  readonly #onRested = (): void => {
    const transports = this.#resting;
    this.#resting = [];
    for (const transport of transports) transport.rested();
  };

  /** Calls the transport's `goOn` in a turn of the event loop that is its own; of several, one after the other. */
  goOnLater(transport: UdpTransport): void {
    if (this.#unfinished.push(transport) === 1) setImmediate(this.#onTurn);
  }

  readonly #onTurn = (): void => {
    const transport = this.#unfinished.shift();
    if (transport === undefined) return;
    if (this.#unfinished.length > 0) setImmediate(this.#onTurn);
    transport.goOn();
  };

  close(): void {
    this.#unfinished = [];
    this.#rtp.close();
    this.#rtcp.close();
    this.#forIPv4?.close();
  }

  #onReport(bytes: Buffer, from: RemoteInfo): void {
    this.#readers.get(readerKey(from.address, from.port))?.onReport(bytes);
  }
}

type SendCallback = (error: Error | null) => void;

/** RTP and RTCP of one reader over UDP. */
export class UdpTransport implements MediaTransport {
  readonly interleavedChannel = -1;
  readonly #ports: RtpPorts;
  readonly #address: string;
  readonly #rtpPort: number;
  readonly #rtcpPort: number;
  readonly #user: TransportUser & ReportSink;
  /** {@link TransportUser.onReady} is due when there is room again. */
  #waiting = false;
  /** Bytes since the last rest, and whether one has been asked for. */
  #burst = 0;
  #resting = false;
  /** What is left of a large picture, and a report that belongs behind it. */
  #rest: LentPackets | null = null;
  #sent = 0;
  #report: Buffer | null = null;
  #closed = false;

  constructor(
    ports: RtpPorts,
    address: string,
    clientPorts: readonly [number, number],
    user: TransportUser & ReportSink,
  ) {
    this.#ports = ports;
    this.#address = ports.destination(address);
    this.#rtpPort = clientPorts[0];
    this.#rtcpPort = clientPorts[1];
    this.#user = user;
    ports.add(this.#address, this.#rtcpPort, user);
  }

  ready(): boolean {
    if (this.#rest === null && this.#burst < burstBytes && this.#ports.waitingBytes <= queuedBytes) return true;
    this.#waiting = true;
    return false;
  }

  /** A burst may go on. */
  rested(): void {
    this.#resting = false;
    this.#burst = 0;
    this.#proceed();
  }

  sendPackets(batch: PacketBatch): void {
    const ports = this.#ports;
    this.#burst += batch.length;
    if (!this.#resting && this.#burst >= burstBytes / 2) {
      this.#resting = true;
      ports.rest(this);
    }
    const { packets } = limits.turns;
    this.#send(batch, 0, Math.min(batch.count, packets), batch.count);
    if (batch.count > packets) {
      this.#rest = batch.lendPackets(packets);
      this.#sent = 0;
      ports.goOnLater(this);
    } else if (ports.waitingBytes > 0) batch.lendBuffer();
  }

  /** Sends more of a picture that is too large for one turn. */
  goOn(): void {
    const rest = this.#rest;
    if (rest === null) return;
    const count = rest.starts.length;
    const from = this.#sent;
    this.#sent = Math.min(count, from + limits.turns.packets);
    this.#send(rest, from, this.#sent, count);
    if (this.#sent < count) {
      this.#ports.goOnLater(this);
      return;
    }
    this.#rest = null;
    const report = this.#report;
    this.#report = null;
    if (report !== null) this.sendReport(report, report.length);
    this.#proceed();
  }

  /** Sends the packets `[from, to)` of `count`. */
  #send({ buffer, starts, ends }: LentPackets, from: number, to: number, count: number): void {
    const ports = this.#ports;
    const last = to === count ? to - 1 : to;
    for (let i = from; i < last; i++) ports.sendPacket(buffer, starts[i]!, ends[i]!, this.#rtpPort, this.#address);
    // One callback per picture is enough to learn that the reader is gone or that there is room again.
    if (last < to) ports.sendPacket(buffer, starts[last]!, ends[last]!, this.#rtpPort, this.#address, this.#onSent);
  }

  /** What a report says was sent is sent before it. */
  sendReport(bytes: Buffer, length: number): void {
    if (this.#rest === null) this.#ports.sendReport(bytes, length, this.#rtcpPort, this.#address);
    else this.#report = Buffer.from(bytes.subarray(0, length));
  }

  /** UDP does not tell whether the peer takes anything; a dead reader is found by its missing reports. */
  pendingBytes(): number {
    return 0;
  }

  close(): void {
    this.#closed = true;
    this.#rest = null;
    this.#report = null;
    this.#ports.remove(this.#address, this.#rtcpPort, this.#user);
  }

  readonly #onSent = (error: NodeJS.ErrnoException | null): void => {
    if (this.#closed) return;
    if (error !== null && isFinal(error.code)) {
      this.#user.onLost('peer_reset', `UDP port ${this.#rtpPort}: ${error.code}`);
      return;
    }
    this.#proceed();
  };

  #proceed(): void {
    if (!this.#waiting || this.#closed || !this.ready()) return;
    this.#waiting = false;
    this.#user.onReady();
  }
}

/** Nobody listens on the port, or packets of this size never get through; other errors may pass. */
function isFinal(code: string | undefined): boolean {
  return code === 'ECONNREFUSED' || code === 'EMSGSIZE';
}

function readerKey(address: string, port: number): string {
  return `${plainAddress(address)} ${port}`;
}

/** The address that the listeners have: a host name is looked up as they do it, once. Null for one that is not known. */
async function addressOf(host: string): Promise<string | null> {
  try {
    return (await lookup(host)).address;
  } catch {
    return null;
  }
}

function bind(host: string, port: number, ipv6Only: boolean): Promise<Socket | null> {
  return bindUdp(host, port, { ipv6Only }).catch(() => null);
}

function tryBufferSize(socket: Socket): void {
  try {
    socket.setSendBufferSize(limits.sockets.sendBufferBytes);
  } catch {
    // The kernel's default will do.
  }
}
