import { readU32 } from '../base/bytes.ts';
import { limits } from '../base/limits.ts';
import type { PublisherEvent, StreamMetadata } from '../control/messages.ts';
import { decodeVideoTag, VideoTag, videoHeadBytes, videoKind, wholeMessage } from '../flv/video-tag.ts';
import { searches } from '../h264/annexb.ts';
import { decodeAvcDecoderConfig } from '../h264/avc-decoder-config.ts';
import { NalList, nalType } from '../h264/nal-unit.ts';
import type { VideoSink } from '../rtmp/video-sink.ts';
import { entryFlags, recordFlag } from '../shm/frame-ring.ts';
import type { RingWriter } from '../shm/ring-writer.ts';
import type { PublisherCounters } from '../shm/stream-counters.ts';
import { type AccessUnitObserver, AccessUnitWriter } from './access-unit-writer.ts';
import { EventReporter } from './event-reporter.ts';
import { FrameCounting } from './frame-counting.ts';
import { Framing } from './framing.ts';
import { changedSetCost, headerCost, startCodeCost } from './message-cost.ts';
import { SequenceHeaderStore } from './sequence-header.ts';
import { Shedding, type ThreadPressure } from './shedding.ts';
import { encodeStreamMetadata, readStreamMetadata } from './stream-metadata.ts';

/** What a publisher needs from the thread it lives in. */
export interface PublisherOptions {
  readonly writer: RingWriter;
  readonly counters: PublisherCounters;
  /** Called after each record: wakes the consumers that read this camera. */
  readonly ring: () => void;
  readonly wallMs: () => number;
  readonly pressure: ThreadPressure;
  /** 0 to 1, without the 1. */
  readonly random: () => number;
  /** Rare facts for the operator, at most about one a second. */
  onEvent(event: PublisherEvent): void;
}

/** Where the bytes of the current message go. */
const phase = {
  idle: 0,
  /** The first bytes of the tag header are here, more are needed. */
  head: 1,
  /** Straight into the ring's open record. */
  direct: 2,
  /** Into the scratch buffer: the message must be looked at, or converted, as a whole. */
  gather: 3,
  skip: 4,
  /** Nowhere: the thread has no time for it. */
  shed: 5,
} as const;

/** The header of the message at hand. Once it says where the rest goes it has served, so one serves every stream. */
const head = new VideoTag();

/** The longest tag header that is decoded before the rest of the message is here. */
const headBytes = 8;

/** Stands for the composition time before the first access unit: more than {@link limits} allow, and an integer. */
const noComposition = 0x7fffffff;

/** Milliseconds between two metadata records. */
const metadataMs = 1_000;

/**
 * One publishing stream: video messages, as they arrive, to records of one camera's ring.
 *
 * The usual message, H.264 with 4-byte NAL unit lengths, loses its tag header and goes from the read buffer to its place in
 * the ring; at its end the lengths are walked once and the record is committed. Everything else is gathered and converted.
 */
export class Publisher implements VideoSink, AccessUnitObserver {
  // What every message touches comes first; see ServerSession.
  #phase: number = phase.idle;
  #live = false;
  /** NAL units have 4-byte lengths in front of them, as in the ring. */
  #hasRingFraming = false;
  #metadataDue = false;
  /** New parameters are still to be reported. */
  #parametersDue = false;
  #timestampMs = 0;
  #length = 0;
  #headLength = 0;
  /** Bytes of the header that are wanted before it is decoded. */
  #headWanted = 0;
  /** Of the newest access unit. */
  #compositionMs = noComposition;
  #nowMs = 0;
  readonly #units: AccessUnitWriter;
  readonly #writer: RingWriter;
  readonly #counting: FrameCounting;
  readonly #shedding: Shedding;
  readonly #ring: () => void;

  readonly #events: EventReporter;
  readonly #store = new SequenceHeaderStore();
  readonly #framing = new Framing();
  readonly #list = new NalList();
  readonly #head = Buffer.alloc(headBytes);
  /** Of the message that is gathered; until its end only what does not depend on its length, when the header is not with it. */
  readonly #tag = new VideoTag();
  /** `#scratch[0, #gathered)` holds the gathered message, tag header included when `#gatherHead`. */
  #scratch = Buffer.alloc(0);
  #gathered = 0;
  #gatherHead = false;

  /** The newest metadata, as a record and as the event that goes with it. */
  #metadata: Uint8Array | null = null;
  #metadataFacts: StreamMetadata | null = null;
  #nextMetadataMs = 0;

  constructor(options: PublisherOptions) {
    this.#writer = options.writer;
    this.#counting = new FrameCounting(options.counters, options.wallMs, options.pressure);
    this.#shedding = new Shedding(options.pressure, options.random);
    this.#ring = options.ring;
    this.#events = new EventReporter((event) => options.onEvent(event));
    this.#units = new AccessUnitWriter(options.writer, this.#store, this, options.pressure);
  }

  /** Monotonic ms at which the newest H.264 access unit was committed; the start of the stream before the first. */
  get lastVideoMs(): number {
    return this.#counting.lastArrivalMs;
  }

  /** When {@link flush} is due, monotonic ms; Infinity while nothing waits. */
  get deadlineMs(): number {
    return this.#units.deadlineMs;
  }

  /** Opens the stream in the ring. Called once, before the first message. */
  start(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#counting.start(this.#writer.startStream(), nowMs);
    this.#counting.awaitParameters();
    this.#live = true;
  }

  /** Closes the stream in the ring. Calls after it do nothing. */
  stop(): void {
    if (!this.#live) return;
    this.abort();
    this.#units.commitWaiting();
    this.#live = false;
    this.#writer.endStream();
    this.#ring();
  }

  /** Commits an access unit that has waited long enough for more of its slices. */
  flush(nowMs: number): void {
    // A message that is arriving has the same timestamp, so it may well bring the missing slices.
    if (this.#live && this.#phase === phase.idle) this.#units.flush(nowMs);
  }

  /** Optional: the bytes appended next were read at `nowMs`. Keeps the arrival time of a long message that of its last byte. */
  arrived(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  /** Milliseconds that the thread was busy and idle so far: for the statistics, about once a second. */
  threadTime(busyMs: number, idleMs: number, nowMs: number): void {
    if (this.#live) this.#counting.threadTime(busyMs, idleMs, nowMs);
  }

  /** Audio has come since such a note before, and no video is on its way. */
  audio(nowMs: number): void {
    if (this.#live && this.#phase === phase.idle) this.#counting.audio(nowMs);
  }

  /** The RTMP session put up with so many oddities more. */
  tolerate(count: number): void {
    if (this.#live && count > 0) this.#counting.tolerated(count);
  }

  /** Values of an onMetaData message. They become a metadata record and an event, for people to read. */
  metadata(values: ReadonlyMap<string, unknown>, nowMs: number): void {
    if (!this.#live) return;
    const facts = readStreamMetadata(values);
    const payload = encodeStreamMetadata(facts);
    if (this.#metadata !== null && Buffer.compare(this.#metadata, payload) === 0) return;
    this.#metadata = payload;
    this.#metadataFacts = facts;
    this.#metadataDue = true;
    this.#writeMetadata(nowMs);
  }

  // ---- one message -----------------------------------------------------------------------------------------------------

  begin(timestampMs: number, length: number, nowMs: number): void {
    if (this.#phase !== phase.idle) this.abort();
    if (!this.#live) return;
    this.#timestampMs = timestampMs;
    this.#length = length;
    this.#nowMs = nowMs;
    this.#headLength = 0;
    this.#headWanted = 0;
    this.#phase = phase.head;
    if (this.#units.waiting) this.#units.prepare(timestampMs);
  }

  append(bytes: Buffer, start: number, end: number): void {
    if (this.#phase === phase.direct) this.#writer.append(bytes, start, end);
    else if (this.#phase === phase.head) this.#takeHead(bytes, start, end);
    else if (this.#phase === phase.gather) this.#gather(bytes, start, end);
  }

  end(): number {
    const ended = this.#phase;
    const searched = searches.count;
    let cost = 0;
    this.#phase = phase.idle;
    if (ended === phase.direct) cost = this.#units.close(this.#nowMs);
    else if (ended === phase.gather) cost = this.#endGathered();
    else if (ended === phase.shed) this.#endShed();
    // One without a body is counted where it came from.
    else if (ended === phase.head && this.#length > 0) this.onTolerated();
    if (this.#metadataDue) this.#writeMetadata(this.#nowMs);
    return cost + startCodeCost * (searches.count - searched);
  }

  abort(): void {
    const ended = this.#phase;
    this.#phase = phase.idle;
    if (ended === phase.direct) this.#units.abandon();
    if (ended === phase.direct || ended === phase.gather || ended === phase.shed) this.onTruncated();
  }

  /** The header is nearly always in one piece, and is then read where it lies. */
  #takeHead(bytes: Buffer, start: number, end: number): void {
    if (start >= end) return;
    if (this.#headWanted === 0) {
      const wanted = videoHeadBytes(bytes[start]!);
      if (wanted === wholeMessage) {
        this.#beginGather(null);
        this.#gather(bytes, start, end);
        return;
      }
      this.#headWanted = Math.min(wanted, this.#length);
      if (end - start >= this.#headWanted) {
        this.#dispatch(bytes, start, end);
        this.append(bytes, start + this.#headWanted, end);
        return;
      }
    }
    const taken = Math.min(end - start, this.#headWanted - this.#headLength);
    bytes.copy(this.#head, this.#headLength, start, start + taken);
    this.#headLength += taken;
    if (this.#headLength < this.#headWanted) return;
    this.#dispatch(this.#head, 0, this.#headLength);
    this.append(bytes, start + taken, end);
  }

  /** The header is in `bytes[start, end)`, maybe with what follows: decides where the rest of the message goes. */
  #dispatch(bytes: Buffer, start: number, end: number): void {
    decodeVideoTag(head, bytes, start, start + this.#headWanted);
    const left = this.#length - this.#headWanted;
    if (head.kind === videoKind.frames && left > 0) {
      this.#checkComposition(head);
      if (this.#hasRingFraming && !this.#units.splitting && !this.#units.byteStream) {
        this.#phase = this.#sheds(bytes, start + this.#headWanted, end) ? phase.shed : phase.direct;
        if (this.#phase === phase.direct) this.#units.open(left, this.#timestampMs, head.compositionMs, head.keyframe);
      } else this.#beginGather(head);
    } else if (head.kind === videoKind.sequenceHeader && left > 0) this.#beginGather(head);
    else {
      this.#phase = phase.skip;
      this.#takeOther(head);
    }
  }

  /** Everything that is not a picture or a sequence header with something in it. */
  #takeOther(tag: VideoTag): void {
    if (tag.kind === videoKind.otherCodec) {
      this.#counting.nonH264();
      this.#events.otherCodec(tag.codec);
    } else if (tag.kind === videoKind.endOfSequence) {
      // Not the end of the stream: FFmpeg sends it last, others between two sequences.
      this.#units.commitWaiting();
      this.#units.dropHeld();
    } else if (tag.kind !== videoKind.ignored) this.onTolerated();
  }

  /** Whether the message at hand, whose body begins in `bytes[start, end)`, is not to go to the ring. */
  #sheds(bytes: Buffer, start: number, end: number): boolean {
    if (!this.#units.canShed || !this.#shedding.sheds(head.keyframe, this.#counting.lateMs)) return false;
    if (end - start <= 4) return true;
    // Some encoders send them in messages of their own: SEI and delimiters are no pictures, and the next keyframe may need the others.
    const type = bytes[start + 4]! & 0x1f;
    if (type === nalType.sei || type === nalType.delimiter)
      return readU32(bytes, start) + 4 !== this.#length - this.#headWanted;
    return type !== nalType.sps && type !== nalType.pps;
  }

  /** The message that was read past is complete. */
  #endShed(): void {
    const nowMs = this.#nowMs;
    const dtsMs = this.#units.shed(this.#timestampMs, nowMs);
    const flags = this.#units.timeline.discontinuity ? recordFlag.discontinuity : 0;
    this.#counting.frame(this.#length - this.#headWanted, flags, dtsMs, nowMs, this.#writer.depth);
    this.#counting.shed();
    this.#shedding.onShed(dtsMs);
    if (flags !== 0) this.#report(flags, nowMs);
  }

  #checkComposition(tag: VideoTag): void {
    const bound = limits.h264.compositionTimeMs;
    if (tag.compositionMs > bound || tag.compositionMs < -bound) {
      tag.compositionMs = tag.compositionMs > 0 ? bound : -bound;
      this.onTolerated();
    }
    if (tag.compositionMs === this.#compositionMs) return;
    this.#compositionMs = tag.compositionMs;
    this.#events.composition(tag.compositionMs);
  }

  // ---- gathered messages -----------------------------------------------------------------------------------------------

  /** `tag`: the header, if it is known already and not gathered with the rest. */
  #beginGather(tag: VideoTag | null): void {
    this.#phase = phase.gather;
    this.#gatherHead = tag === null;
    this.#gathered = 0;
    if (tag === null) return;
    this.#tag.kind = tag.kind;
    this.#tag.keyframe = tag.keyframe;
    this.#tag.compositionMs = tag.compositionMs;
  }

  /** The scratch buffer follows the bytes received, not the length declared. */
  #gather(bytes: Buffer, start: number, end: number): void {
    const length = this.#gathered + end - start;
    if (length > this.#scratch.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(1024, 2 * length));
      this.#scratch.copy(grown, 0, 0, this.#gathered);
      this.#scratch = grown;
    }
    bytes.copy(this.#scratch, this.#gathered, start, end);
    this.#gathered = length;
  }

  /** The methods for gathered messages return what they cost, as in {@link VideoSink.end}, but for the search for start codes. */
  #endGathered(): number {
    const tag = this.#tag;
    if (this.#gatherHead) {
      decodeVideoTag(tag, this.#scratch, 0, this.#gathered);
      if (tag.kind === videoKind.frames) this.#checkComposition(tag);
    } else {
      tag.start = 0;
      tag.end = this.#gathered;
    }
    if (tag.kind === videoKind.frames) return this.#takeFrames(tag);
    if (tag.kind === videoKind.sequenceHeader) return this.#takeSequenceHeader(tag.start, tag.end);
    this.#takeOther(tag);
    return 0;
  }

  #takeFrames(tag: VideoTag): number {
    const units = this.#units;
    const framing = this.#framing;
    const makesSense = framing.list(this.#list, this.#scratch, tag.start, tag.end, units.byteStream);
    this.#hasRingFraming = framing.lengthSize === 4;
    const { count, empty } = this.#list;
    const listed = count + empty;
    if (!makesSense) {
      this.onTruncated();
      return listed;
    }
    if (framing.foundByteStream) units.byteStream = true;
    if (framing.stray || count === 0) this.onTolerated();
    if (count === 0) return listed;
    const list = units.splitting ? framing.split(this.#list, this.#scratch) : this.#list;
    return listed + units.write(list, this.#scratch, this.#timestampMs, tag, this.#nowMs);
  }

  #takeSequenceHeader(start: number, end: number): number {
    this.#units.commitWaiting();
    if (end - start > limits.h264.parameterSetBytes) {
      this.onTolerated();
      return 0;
    }
    if (this.#store.repeats(this.#scratch, start, end)) return 0;
    const config = decodeAvcDecoderConfig(this.#scratch, start, end);
    if (config === null) {
      this.onTolerated();
      return headerCost;
    }
    this.#framing.announce(config.lengthSize);
    this.#hasRingFraming = this.#framing.lengthSize === 4;
    this.#store.replace(config);
    this.#units.parametersKnown();
    if (this.#store.unwritten) this.onParametersChanged();
    // Also sets that stay are looked for among those of the header.
    return headerCost + changedSetCost * (config.sps.length + config.pps.length);
  }

  // ---- records ---------------------------------------------------------------------------------------------------------

  /** Part of {@link AccessUnitObserver}, for the access unit writer. */
  onRecord(bytes: number, flags: number, dtsMs: number, arrivalMs: number): void {
    this.#counting.frame(bytes, flags, dtsMs, arrivalMs, this.#writer.depth);
    if (!this.#writer.unread) this.#ring();
    if ((flags & entryFlags) !== 0) this.#shedding.onEntry(dtsMs);
    const { timeline, startPoints } = this.#units;
    const isRemarkable = (flags & recordFlag.discontinuity) !== 0 || timeline.stuck || startPoints.withoutIdr;
    if (isRemarkable || this.#parametersDue) this.#report(flags, arrivalMs);
  }

  /** What an operator is told of the newest record. */
  #report(flags: number, nowMs: number): void {
    const { timeline, startPoints } = this.#units;
    if ((flags & recordFlag.discontinuity) !== 0) this.#events.discontinuity(timeline.fromMs, timeline.toMs, nowMs);
    this.#events.stuckClock(timeline.stuck);
    this.#events.noIdr(startPoints.withoutIdr);
    if (this.#parametersDue) this.#parametersDue = !this.#events.parameters(this.#store.facts, nowMs);
  }

  /** Part of {@link AccessUnitObserver}. */
  onParametersChanged(): void {
    const nowMs = this.#nowMs;
    this.#writer.writeSequenceHeader(this.#store.take(), Math.max(0, this.#units.timeline.dtsMs), nowMs * 1000);
    this.#counting.parameters(this.#store.facts);
    this.#ring();
    this.#parametersDue = !this.#events.parameters(this.#store.facts, nowMs);
  }

  /** Part of {@link AccessUnitObserver}. */
  onSeiOnly(): void {
    this.#counting.seiOnly();
  }

  /** Part of {@link AccessUnitObserver}. */
  onTruncated(): void {
    this.#counting.truncated();
  }

  /** Part of {@link AccessUnitObserver}. */
  onTolerated(): void {
    this.#counting.tolerated(1);
  }

  #writeMetadata(nowMs: number): void {
    const facts = this.#metadataFacts;
    if (!this.#metadataDue || this.#metadata === null || facts === null || nowMs < this.#nextMetadataMs) return;
    this.#metadataDue = false;
    this.#nextMetadataMs = nowMs + metadataMs;
    this.#writer.writeMetadata(this.#metadata, Math.max(0, this.#units.timeline.dtsMs), nowMs * 1000);
    this.#ring();
    this.#events.metadata(facts);
  }
}
