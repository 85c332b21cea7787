/**
 * The receiving end of RTP over UDP for one reader. Node cannot take in the datagrams of a thousand readers, so only a sample
 * is read and checked; the sockets of the others are never read, and the kernel counts what comes for them.
 */
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import type { FrameChecker } from './frame-checker.ts';
import { InterleavedParser } from './interleaved-parser.ts';

/** Bytes asked of the kernel for a sampled reader, which gives at most its own limit (net.core.rmem_max). */
const sampledBufferBytes = 4 * 1024 * 1024;
/** Bytes that an unread socket may fill. */
const unreadBufferBytes = 4096;
const prefixLength = 4;

/** A datagram with the prefix of interleaved RTP, for the parser; one after another uses it. */
const packet = Buffer.allocUnsafe(prefixLength + 65_536);
packet[0] = 0x24;
packet[1] = 0;

interface DatagramHandle {
  recvStop?(): number;
}

/** All readers of a process may have one RTCP port: they send no reports, and what comes there is thrown away. */
let reports: Socket | null = null;

/** One reader's sockets. */
export class UdpReceiver {
  readonly sampled: boolean;
  datagrams = 0;
  readonly #socket = createSocket('udp4');
  readonly #parser: InterleavedParser;
  #port = 0;

  constructor(reader: number, checker: FrameChecker, sampled: boolean) {
    this.sampled = sampled;
    this.#parser = new InterleavedParser(reader, checker, () => undefined);
  }

  /** RTP and RTCP port; only after {@link open}. */
  get ports(): readonly [number, number] {
    return [this.#port, reports!.address().port];
  }

  get sequenceGaps(): number {
    return this.#parser.sequenceGaps;
  }

  /** Datagrams that the kernel threw away because this reader was too slow. */
  dropsIn(table: ReadonlyMap<number, number>): number {
    return table.get(this.#port) ?? 0;
  }

  /** Opens the sockets and calls `ready`. */
  open(ready: () => void): void {
    withReports(() => {
      if (this.sampled) this.#socket.on('message', (bytes) => this.#take(bytes));
      this.#socket.bind(0, '127.0.0.1', () => {
        this.#port = this.#socket.address().port;
        this.#socket.setRecvBufferSize(this.sampled ? sampledBufferBytes : unreadBufferBytes);
        if (!this.sampled) stopReading(this.#socket);
        ready();
      });
    });
  }

  #take(bytes: Buffer): void {
    this.datagrams++;
    packet.writeUInt16BE(bytes.length, 2);
    bytes.copy(packet, prefixLength);
    this.#parser.receive(packet, prefixLength + bytes.length, systemClock.nowMs() * 1000);
  }
}

function withReports(then: () => void): void {
  if (reports !== null) {
    if (isBound(reports)) then();
    else reports.once('listening', then);
    return;
  }
  reports = createSocket('udp4');
  reports.once('listening', then);
  reports.bind(0, '127.0.0.1');
}

function isBound(socket: Socket): boolean {
  try {
    return socket.address().port > 0;
  } catch {
    return false;
  }
}

/** Node has no `pause` for datagrams; the handle has. Without it the socket is read, and what comes is thrown away. */
function stopReading(socket: Socket): void {
  for (const symbol of Object.getOwnPropertySymbols(socket)) {
    const state = (socket as unknown as Record<symbol, { handle?: DatagramHandle } | undefined>)[symbol];
    state?.handle?.recvStop?.();
  }
}

/** Datagrams dropped so far by local port, from the text of /proc/net/udp. */
export function parseDrops(text: string): Map<number, number> {
  const drops = new Map<number, number>();
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const port = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16);
    const count = Number(fields.at(-1));
    if (port > 0 && Number.isFinite(count)) drops.set(port, count);
  }
  return drops;
}

/** Datagrams that have come to this machine so far, read or thrown away for want of room, from the text of /proc/net/snmp. */
export function parseArrived(text: string): number {
  const [names, values] = text
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '));
  const field = (name: string): number => Number(values?.[names?.indexOf(name) ?? -1] ?? 0);
  return field('InDatagrams') + field('RcvbufErrors');
}

/** The same from this machine. */
export function readDrops(): Map<number, number> {
  return parseDrops(readFileSync('/proc/net/udp', 'latin1'));
}

/** The same from this machine. */
export function readArrived(): number {
  return parseArrived(readFileSync('/proc/net/snmp', 'latin1'));
}
