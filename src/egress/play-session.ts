import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import { drawLateLimitMs } from '../base/late-limit.ts';
import { limits } from '../base/limits.ts';
import { H264Packetizer } from '../rtp/h264-packetizer.ts';
import type { PacketBatch } from '../rtp/packet-batch.ts';
import { rtcpMaximumBytes, type SenderReport, writeBye, writeSenderReport } from '../rtp/rtcp.ts';
import { videoPayloadType } from '../sdp/session-description.ts';
import { entryFlags, recordFlag, recordKind } from '../shm/frame-ring.ts';
import type { RingReader } from '../shm/ring-reader.ts';
import { type FeedRing, openReader, type StartAt } from './feed-ring.ts';
import type { FeedSession, PlayObserver } from './feed-session.ts';
import type { MediaTransport } from './media-transport.ts';
import { type CardStream, noCardStream } from './offline-source.ts';
import type { ParameterSets } from './parameter-sets.ts';
import { RtpTimeline } from './rtp-timeline.ts';

/**
 * Milliseconds between sender reports: at least this, plus up to as much again, so that readers do not report in step.
 */
const reportMs = 2500;

/** What the sessions of a thread share. */
export interface PlayContext {
  readonly clock: Clock;
  /** [0, 1): for what must differ between readers. */
  readonly random: () => number;
  /** All sessions build their packets in it, one after the other. */
  readonly batch: PacketBatch;
  readonly cname: string;
}

/** Who ends a session that cannot go on: its connection. */
export interface PlayOwner {
  endPlay(reason: ErrorCode, detail?: string): void;
}

const rtcpBuffer = Buffer.alloc(rtcpMaximumBytes);

/**
 * One reader playing one camera: its cursor in the ring, its RTP stream and its sender reports. The backlog of a slow
 * reader stays in the ring; what it does not fetch in time it loses, up to the next keyframe.
 */
export class PlaySession implements FeedSession {
  readonly camera: number;
  readonly counted = true;
  readonly transport: MediaTransport;
  readonly owner: PlayOwner;
  /** Where the session reads; null until its camera has a ring. Set by the feed. */
  ring: FeedRing | null = null;
  /** True while frames of a publisher go out, false before the first and after the end of a stream. */
  live = false;
  frames = 0;
  lost = 0;
  /** When the last frame of a publisher went out, monotonic ms. */
  lastFrameMs = 0;
  readonly #context: PlayContext;
  readonly #card: CardStream;
  readonly #packetizer: H264Packetizer;
  readonly #timeline: RtpTimeline;
  readonly #report: { -readonly [K in keyof SenderReport]: SenderReport[K] };
  #reader: RingReader | null = null;
  #generation = -1;
  #parameters: ParameterSets | null = null;
  /** False until a picture that a decoder can start at. */
  #open = false;
  /**
   * Losses count. Not before the first picture of a session that joined a running stream: what is overwritten before that is not
   * missing from what it shows, it only begins later.
   */
  #begun = false;
  /** Milliseconds since their arrival after which frames are late, while the thread is shedding. */
  #lateMs: number;
  /** What is being lost is lost because this thread cannot keep up. */
  #isShed = false;
  /** What of the reader's loss count the observer has been told. */
  #toldLost = 0;
  #nextReportMs = 0;
  #pendingBytes = 0;
  #progressMs = 0;
  /** When a look last found nothing that waited for the transport. */
  #clearMs = 0;

  constructor(
    context: PlayContext,
    camera: number,
    transport: MediaTransport,
    owner: PlayOwner,
    maxPayloadBytes: number,
    card: CardStream = noCardStream,
  ) {
    this.camera = camera;
    this.transport = transport;
    this.owner = owner;
    this.#context = context;
    this.#card = card;
    this.#lateMs = drawLateLimitMs(context.random);
    const ssrc = randomWord(context, 32);
    this.#packetizer = new H264Packetizer({
      ssrc,
      payloadType: videoPayloadType,
      sequence: randomWord(context, 16),
      interleavedChannel: transport.interleavedChannel,
      maxPayloadBytes,
    });
    this.#timeline = new RtpTimeline(randomWord(context, 32), context.clock.nowMs());
    this.#report = { ssrc, wallMs: 0, rtpTimestamp: 0, packets: 0, octets: 0, cname: context.cname };
  }

  get ssrc(): number {
    return this.#packetizer.ssrc;
  }

  /** RTP sequence number of the next packet. */
  get nextSequence(): number {
    return this.#packetizer.nextSequence;
  }

  /** RTP payload built so far, in bytes. */
  get octets(): number {
    return this.#packetizer.octets;
  }

  /** Record number in {@link ring} that the session needs next. */
  get cursor(): number {
    return this.#reader?.cursor ?? 0;
  }

  /**
   * PLAY. `startMs`: the moment that the next time stamp is counted from, which is before `nowMs` when the first frame has arrived
   * before. Returns the RTP time that belongs to it.
   */
  begin(startMs: number, nowMs = startMs): number {
    this.#timeline.resume(startMs);
    this.#clearMs = nowMs;
    this.#card.restart(nowMs, this.live);
    this.live = false;
    this.#open = false;
    return this.#timeline.rtpTime;
  }

  /** The stream ended, in order or not: the next frames are of another one. */
  goIdle(nowMs: number): void {
    this.#open = false;
    if (!this.live) return;
    this.live = false;
    this.#card.restart(nowMs, true);
  }

  /** Starts reading `ring` where `start` says. */
  enter(ring: FeedRing, start: StartAt): void {
    this.#read(ring, openReader(ring.memory, start));
    this.#open = false;
    this.#begun = start === 'oldest';
  }

  /** Goes on in the ring that replaces the drained one, from its first record. */
  follow(): void {
    const next = this.ring!.next!;
    this.#read(next, next.takePrepared(this));
  }

  /** Stops reading. */
  leave(): void {
    this.ring = null;
    this.#reader = null;
  }

  /** Nothing that its ring has released is left to send. */
  get drained(): boolean {
    return this.ring === null || ((this.ring.lead.cursor - this.cursor) | 0) <= 0;
  }

  /**
   * Sends what its ring has released, at most `most` records. Returns true when there is more to send at once; false
   * when it has caught up or its transport is full.
   */
  pump(observer: PlayObserver, nowMs: number, most: number): boolean {
    const reader = this.#reader;
    const ring = this.ring;
    if (reader === null || ring === null) return false;
    const { lead } = ring;
    for (let records = 0; ((lead.cursor - reader.cursor) | 0) > 0; records++) {
      if (records === most) return true;
      if (!this.transport.ready()) return false;
      const state = reader.peek();
      if (state < 0) this.#overrun(reader, observer.isOwnLoss(nowMs, this.#clearMs));
      else if (state > 0) {
        // After a loss the reader passes over records by itself, maybe to a keyframe that the pacer still holds.
        if (((lead.cursor - reader.cursor) | 0) <= 0) break;
        if (observer.shedding && this.#isLate(reader, nowMs)) {
          this.#lateMs = drawLateLimitMs(this.#context.random);
          this.#overrun(reader, true);
        } else {
          this.#record(ring, reader, observer, nowMs);
          reader.advance();
        }
      }
      if (reader.lostVideo !== this.#toldLost) this.#tellLost(reader, observer);
    }
    return false;
  }

  /**
   * Coarse timekeeping: losses of a reader that does not read, the offline card, sender reports and the stall check.
   * Returns whether the transport has room or made progress since the last sweep.
   */
  sweep(observer: PlayObserver, nowMs: number): boolean {
    const reader = this.#reader;
    if (reader !== null && reader.peek() < 0) {
      this.#overrun(reader, observer.isOwnLoss(nowMs, this.#clearMs));
      this.#tellLost(reader, observer);
    }
    if (!this.live) this.#sweepCard(nowMs);
    if (this.#packetizer.packets > 0 && nowMs >= this.#nextReportMs && this.transport.ready()) this.#sendReport(nowMs);
    const pending = this.transport.pendingBytes();
    if (pending === 0) this.#clearMs = nowMs;
    if (pending === 0 || pending !== this.#pendingBytes) {
      this.#pendingBytes = pending;
      this.#progressMs = nowMs;
      return true;
    }
    if (nowMs - this.#progressMs >= limits.rtsp.writeStallMs)
      this.owner.endPlay('write_stalled', `${pending} bytes waiting`);
    return false;
  }

  /** The last words of the RTP stream; nothing when it never sent a packet or its transport is full. */
  sendBye(nowMs: number): void {
    if (this.#packetizer.packets === 0 || !this.transport.ready()) return;
    this.transport.sendReport(rtcpBuffer, writeBye(rtcpBuffer, 0, this.#fillReport(nowMs)));
  }

  #record(ring: FeedRing, reader: RingReader, observer: PlayObserver, nowMs: number): void {
    if (reader.kind === recordKind.video) this.#video(ring, reader, observer, nowMs);
    else if (reader.kind === recordKind.sequenceHeader)
      this.#parameters = ring.parametersOf(reader) ?? this.#parameters;
    else if (reader.kind === recordKind.endOfStream) this.goIdle(nowMs);
  }

  #video(ring: FeedRing, reader: RingReader, observer: PlayObserver, nowMs: number): void {
    const { flags } = reader;
    if (reader.generation !== this.#generation) {
      this.#generation = reader.generation;
      this.#timeline.breakStretch();
      this.goIdle(nowMs);
    } else if ((flags & recordFlag.discontinuity) !== 0) {
      // The publisher's clock jumped. Its pictures still refer to each other, so none is held back.
      this.#timeline.breakStretch();
    }
    const entry = (flags & entryFlags) !== 0;
    if (!this.#open && !(entry && this.#decodable(ring, reader))) return;
    const parameters = entry && (flags & recordFlag.parameterSets) === 0 ? this.#parameters : null;
    const { batch } = this.#context;
    const packetizer = this.#packetizer;
    const { nextSequence, packets, octets } = packetizer;
    batch.reset();
    const { offset, length, sequence } = reader;
    const rtpTime = this.#timeline.place(reader.dtsMs, reader.arrivalUs / 1000);
    const count = packetizer.packetize(
      batch,
      reader.buffer,
      offset,
      offset + length,
      rtpTime,
      parameters?.units ?? null,
    );
    if (!reader.stillValid()) {
      // The writer went over it: what was built is not sent, so its numbers are free again.
      packetizer.nextSequence = nextSequence;
      packetizer.packets = packets;
      packetizer.octets = octets;
      this.#overrun(reader, observer.isOwnLoss(nowMs, this.#clearMs));
      return;
    }
    this.#open = true;
    this.#begun = true;
    this.live = true;
    if (count === 0) return;
    this.frames++;
    this.lastFrameMs = nowMs;
    this.#sent(nowMs);
    observer.onDelivered(length, ring.firstDelivery(sequence), reader.outlived || ring.next !== null);
  }

  /** Hands the batch to the transport. A sender report that is due follows it: the transport of a slow reader may be full at every sweep. */
  #sent(nowMs: number): void {
    this.transport.sendPackets(this.#context.batch);
    if (nowMs >= this.#nextReportMs) this.#sendReport(nowMs);
  }

  /** Can a decoder start at the picture that `reader` has loaded: are its parameter sets at hand? */
  #decodable(ring: FeedRing, reader: RingReader): boolean {
    if ((reader.flags & recordFlag.parameterSets) !== 0) return true;
    if (this.#parameters?.version !== reader.parametersVersion) this.#parameters = ring.currentParameters();
    return this.#parameters?.version === reader.parametersVersion;
  }

  /** Whether the loaded record is one to be left out when there is no time for all. Decoders can go on at keyframes. */
  #isLate(reader: RingReader, nowMs: number): boolean {
    if (reader.kind !== recordKind.video || (reader.flags & entryFlags) !== 0) return false;
    return nowMs - reader.arrivalUs / 1000 >= this.#lateMs;
  }

  /** Goes on at the newest keyframe, or at the next one. `shed`: see {@link PlayObserver.isOwnLoss}. */
  #overrun(reader: RingReader, shed: boolean): void {
    this.#open = false;
    this.#isShed = shed;
    reader.skipToNewestKeyframe();
  }

  #tellLost(reader: RingReader, observer: PlayObserver): void {
    const frames = reader.lostVideo - this.#toldLost;
    this.#toldLost = reader.lostVideo;
    if (!this.#begun) return;
    this.lost += frames;
    observer.onLost(frames, this.#isShed);
  }

  #read(ring: FeedRing, reader: RingReader): void {
    this.ring = ring;
    this.#reader = reader;
    this.#toldLost = reader.lostVideo;
    this.#parameters = ring.currentParameters();
    this.#generation = -1;
    this.#timeline.breakStretch();
  }

  /** The card that a reader sees while nothing else goes out. */
  #sweepCard(nowMs: number): void {
    if (!this.#card.due(nowMs) || !this.transport.ready()) return;
    const { batch } = this.#context;
    const { unit, parameterSets } = this.#card.next(nowMs);
    batch.reset();
    this.#timeline.breakStretch();
    const rtpTime = this.#timeline.place(0, nowMs);
    this.#timeline.breakStretch();
    this.#packetizer.packetize(batch, unit, 0, unit.length, rtpTime, parameterSets);
    this.#sent(nowMs);
  }

  #sendReport(nowMs: number): void {
    this.#nextReportMs = nowMs + reportMs * (1 + this.#context.random());
    this.transport.sendReport(rtcpBuffer, writeSenderReport(rtcpBuffer, 0, this.#fillReport(nowMs)));
  }

  /** NTP time and RTP time of one instant: now. */
  #fillReport(nowMs: number): SenderReport {
    const report = this.#report;
    report.wallMs = this.#context.clock.wallMs();
    report.rtpTimestamp = this.#timeline.rtpTimeAt(nowMs);
    report.packets = this.#packetizer.packets;
    report.octets = this.#packetizer.octets;
    return report;
  }
}

function randomWord(context: PlayContext, bits: number): number {
  return Math.floor(context.random() * 2 ** bits);
}
