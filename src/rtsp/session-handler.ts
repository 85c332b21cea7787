import type { ErrorCode } from '../base/errors.ts';
import type { StreamDescription } from '../sdp/session-description.ts';
import type { TransportReply, TransportRequest } from './transport-header.ts';

/** Says no to SETUP with a status: 404, 453, 461 (then the client's next alternative is tried), 503. */
export interface TransportRefusal {
  readonly status: number;
}

/** Where a stream starts, for Range and RTP-Info of the answer to PLAY. All three are of one instant. */
export interface PlayReply {
  /** Sequence number of the first packet. */
  readonly sequence: number;
  /** RTP timestamp of that packet. */
  readonly rtpTimestamp: number;
  /** Wall clock of that timestamp, milliseconds since 1970. */
  readonly wallMs: number;
}

/** What an RTSP connection asks of the server around it. Every call is answered at once. */
export interface RtspHandler {
  /** Bytes for the client, a whole response each; the session never touches them afterwards. */
  onOutput(bytes: Uint8Array): void;
  /** The stream at a path, or null for 404. Paths come decoded, with a leading and no trailing slash, in any case. */
  describe(path: string): StreamDescription | null;
  /** Sets the transport up; before `play` it may be called again and then replaces what it set up before. */
  setup(path: string, transport: TransportRequest): TransportReply | TransportRefusal;
  /** Media may flow after this returns, behind the answer that the session then puts out. */
  play(): PlayReply;
  /** No media until the next `play`. */
  pause(): void;
  /** The client ended its session; not called when the connection ends. The transport is to be released. */
  teardown(cause: ErrorCode): void;
  /** An interleaved frame of the client's session, a receiver report as a rule; valid during the call only. */
  onInterleaved(channel: number, bytes: Uint8Array): void;
}
