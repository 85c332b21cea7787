import type { ErrorCode } from '../base/errors.ts';
import type { PacketBatch } from '../rtp/packet-batch.ts';

/** Where the packets of one reader go: interleaved on its RTSP connection, or over UDP. */
export interface MediaTransport {
  /** RTP channel number of the interleaved form (RFC 2326 section 10.12), -1 over UDP. */
  readonly interleavedChannel: number;
  /**
   * False while earlier bytes wait for the peer; `onReady` of {@link TransportUser} is then called when they are gone.
   */
  ready(): boolean;
  /** Sends all packets of one access unit. When it returns, `batch` may be used again. */
  sendPackets(batch: PacketBatch): void;
  /** Sends a compound RTCP packet; `bytes` may be used again afterwards. */
  sendReport(bytes: Buffer, length: number): void;
  /** Bytes that wait for the peer. It changes when the peer takes some, 0 when nothing waits. */
  pendingBytes(): number;
}

/** The session behind a transport. */
export interface TransportUser {
  /** The transport takes packets again. */
  onReady(): void;
  /** The transport cannot reach the peer any more. */
  onLost(reason: ErrorCode, detail: string): void;
}
