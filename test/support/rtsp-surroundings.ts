import assert from 'node:assert/strict';
import { FeedLoop } from '../../src/egress/feed-loop.ts';
import { noCardStream, noOfflineSource } from '../../src/egress/offline-source.ts';
import { CameraDirectory } from '../../src/net/camera-directory.ts';
import { type Delay, ReadTurns, timerDelay } from '../../src/net/read-turns.ts';
import type { ReaderTls } from '../../src/net/reader-tls.ts';
import type { RtpPorts } from '../../src/net/rtp-udp.ts';
import type { RtspContext } from '../../src/net/rtsp-context.ts';
import { Tunnels } from '../../src/net/rtsp-tunnel.ts';
import { Strangers } from '../../src/net/strangers.ts';
import { PacketBatch } from '../../src/rtp/packet-batch.ts';
import { Doorbell } from '../../src/shm/doorbell.ts';
import { ReaderTally } from '../../src/shm/reader-tally.ts';
import { StreamCounters } from '../../src/shm/stream-counters.ts';
import { testCamera } from './test-camera.ts';

/** One line of a connection's log. */
export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** Everything around RTSP connections but the network: two cameras without a publisher, a clock and a log. */
export class RtspSurroundings {
  nowMs = 1000;
  readonly log: LogLine[] = [];
  /** Where readers reached us, as the card of their camera was told. */
  readonly cardAddresses: string[] = [];
  readonly loop: FeedLoop;
  readonly context: RtspContext;
  readonly #counters = new StreamCounters(StreamCounters.create(2, 1));

  constructor(
    ports: RtpPorts | null = null,
    tunnels = new Tunnels(null),
    tls: ReaderTls | null = null,
    delay: Delay = timerDelay,
  ) {
    const clock = { nowMs: () => this.nowMs, wallMs: () => 1_700_000_000_000 + this.nowMs };
    this.loop = new FeedLoop({
      slot: 0,
      gopCache: false,
      clock,
      doorbell: new Doorbell(Doorbell.create(2)),
      counters: this.#counters,
      rings: [null, null],
      onSessionFailed: (session) => assert.fail(`session of camera ${session.camera} failed`),
    });
    const cameras = [0, 1].map((index) => testCamera({ index, name: `Camera ${index}` }));
    const note = (level: LogLine['level']) => (fields: object, message: string) => {
      this.log.push({ level, fields: fields as LogLine['fields'], message });
    };
    this.context = {
      clock,
      logger: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') },
      loop: this.loop,
      play: { clock, random: () => 0.25, batch: new PacketBatch(), cname: 'test' },
      offline: {
        ...noOfflineSource,
        open: (_camera, localAddress) => {
          this.cardAddresses.push(localAddress);
          return noCardStream;
        },
      },
      tunnels,
      pipePass: 'pass',
      directory: new CameraDirectory(cameras, 2),
      authenticator: null,
      ports,
      tls,
      packetBytes: 1400,
      tcpPacketBytes: 1400,
      randomBytes: (into) => into.fill(7),
      tally: new ReaderTally(ReaderTally.create(1), 0),
      turns: new ReadTurns(clock, delay),
      strangers: new Strangers(1),
    };
  }

  /** Readers of the first camera that are joined to its feed. */
  get readers(): number {
    return this.#counters.reader(0, 0).snapshot().readers;
  }
}
