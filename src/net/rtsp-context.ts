import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { FeedLoop } from '../egress/feed-loop.ts';
import type { OfflineSource } from '../egress/offline-source.ts';
import type { PlayContext } from '../egress/play-session.ts';
import type { DigestAuthenticator } from '../rtsp/digest-authenticator.ts';
import type { ReaderTally } from '../shm/reader-tally.ts';
import type { CameraDirectory } from './camera-directory.ts';
import type { ReadTurns } from './read-turns.ts';
import type { ReaderTls } from './reader-tls.ts';
import type { RtpPorts } from './rtp-udp.ts';
import type { Tunnels } from './rtsp-tunnel.ts';
import type { Strangers } from './strangers.ts';

/** What the RTSP connections of one thread share. */
export interface RtspContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly loop: FeedLoop;
  readonly play: PlayContext;
  readonly offline: OfflineSource;
  readonly tunnels: Tunnels;
  /** See `pipe-greeting.ts`. */
  readonly pipePass: string;
  readonly directory: CameraDirectory;
  readonly authenticator: DigestAuthenticator | null;
  /** Null when the machine had no pair of UDP ports. */
  readonly ports: RtpPorts | null;
  /** Null where there is no certificate. */
  readonly tls: ReaderTls | null;
  /** RTP payload bytes of a packet at most. */
  readonly packetBytes: number;
  /** The same over TCP. */
  readonly tcpPacketBytes: number;
  readonly randomBytes: (into: Uint8Array) => void;
  readonly tally: ReaderTally;
  readonly turns: ReadTurns;
  readonly strangers: Strangers;
}
