import type { MediaTransport } from '../../src/egress/media-transport.ts';
import type { PacketBatch } from '../../src/rtp/packet-batch.ts';
import { decodeRtp, depacketize, type RtpPacket } from './h264-depacketizer.ts';

/** One access unit as it left. */
export interface SentUnit {
  readonly rtpTime: number;
  readonly sequences: readonly number[];
  readonly units: readonly Buffer[];
}

/** A transport without a socket: keeps what is sent, and is full when told so. */
export class FakeTransport implements MediaTransport {
  readonly interleavedChannel = -1;
  readonly sent: SentUnit[] = [];
  readonly reports: Buffer[] = [];
  full = false;
  pending = 0;

  ready(): boolean {
    return !this.full;
  }

  sendPackets(batch: PacketBatch): void {
    const packets: RtpPacket[] = [];
    for (let i = 0; i < batch.count; i++)
      packets.push(decodeRtp(Buffer.from(batch.buffer.subarray(batch.starts[i]!, batch.ends[i]!))));
    this.sent.push({
      rtpTime: packets[0]!.timestamp,
      sequences: packets.map((packet) => packet.sequence),
      units: depacketize(packets),
    });
  }

  sendReport(bytes: Buffer, length: number): void {
    this.reports.push(Buffer.from(bytes.subarray(0, length)));
  }

  pendingBytes(): number {
    return this.pending;
  }
}
