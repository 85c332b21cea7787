import { ConnectionError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { VideoTag } from '../flv/video-tag.ts';
import { AccessUnit } from '../h264/access-unit.ts';
import { beginsWithStartCode, searchEnd } from '../h264/annexb.ts';
import { listLengthPrefixed, NalList, nalType } from '../h264/nal-unit.ts';
import { parameterSetId } from '../h264/parameter-sets.ts';
import type { SpsFacts } from '../h264/sps.ts';
import { recordFlag } from '../shm/frame-ring.ts';
import type { RingWriter } from '../shm/ring-writer.ts';
import { listByteStream, splitAtStartCodes } from './framing.ts';
import { HeldUnits } from './held-units.ts';
import { changedSetCost, recordCost } from './message-cost.ts';
import type { SequenceHeaderStore } from './sequence-header.ts';
import type { ThreadPressure } from './shedding.ts';
import { StartPoints } from './start-points.ts';
import { Timeline } from './timeline.ts';

/** Access units at the start of a stream that are searched for start codes as a whole. */
const searchedUnits = 10;

/** Pictures taken from one message; more is not video. */
const picturesPerMessage = 16;

/** Milliseconds after which an access unit that waits for more of its slices is taken to be complete. */
const joinWaitMs = 50;

/** What the look at the newest body found. It is used up before the next body is looked at, so one serves every stream. */
const found = new AccessUnit();

/**
 * NAL units of the message at hand that were looked at: all, and in this walk through it; its changed parameter sets; the records of
 * parameter sets that were written for it, and what they cost.
 */
let looked = 0;
let walked = 0;
let changed = 0;
let records = 0;
let recorded = 0;
/** What the look at its bodies may search. */
let lastSearch = 0;

/** What the writer tells its publisher. Called for each record, or rarely, never with allocated arguments. */
export interface AccessUnitObserver {
  /** A video record of `bytes` was committed; `flags` as in the record. */
  onRecord(bytes: number, flags: number, dtsMs: number, arrivalMs: number): void;
  /** The parameter sets changed: write them now; a record may be open, and will move. */
  onParametersChanged(): void;
  onSeiOnly(): void;
  onTruncated(): void;
  onTolerated(): void;
}

/**
 * Makes ring records out of the bodies of video messages: one access unit each, whatever the messages hold. A body lies in the
 * ring's open record from the start; nearly always the end of the message only takes a look at it and commits.
 *
 *     open record:  [ held SEI, or the slices so far | body of this message ]
 *                   0                                bodyStart              recordLength
 */
export class AccessUnitWriter {
  // What every message touches comes first; see ServerSession.
  readonly #writer: RingWriter;
  readonly timeline = new Timeline();
  readonly startPoints = new StartPoints();
  readonly #observer: AccessUnitObserver;
  readonly #pressure: ThreadPressure;
  /** What {@link SequenceHeaderStore} says. */
  #sps: SpsFacts | null = null;
  #isDecodable = false;
  #bodyStart = 0;
  #timestampMs = 0;
  #compositionMs = 0;
  /** Access units committed. */
  #units = 0;
  #lastTimestampMs = -1;
  #waiting = false;
  /** Units are held back for the next picture. */
  #holding = false;
  /** NAL units of this stream hold start codes: they must be split before they come here. */
  splitting = false;
  /** A message with 4-byte lengths announced turned out to be a byte stream. */
  byteStream = false;
  /** Access units of this stream are spread over several messages. */
  joining = false;
  /** Monotonic ms at which {@link flush} is due, Infinity while nothing waits. */
  deadlineMs = Number.POSITIVE_INFINITY;

  /** The access unit that waits for more slices, in the first `waitingLength` bytes of the open record, while `#waiting`. */
  #waitingLength = 0;
  readonly #waitingUnit = new AccessUnit();
  #waitingTimestampMs = 0;
  #waitingCompositionMs = 0;
  #waitingArrivalMs = 0;

  readonly #store: SequenceHeaderStore;
  readonly #held = new HeldUnits();
  readonly #list = new NalList();
  readonly #splitList = new NalList();
  readonly #prefix = Buffer.alloc(4);

  constructor(writer: RingWriter, store: SequenceHeaderStore, observer: AccessUnitObserver, pressure: ThreadPressure) {
    this.#writer = writer;
    this.#store = store;
    this.#observer = observer;
    this.#pressure = pressure;
  }

  /** Whether an access unit waits for more slices, in the ring's open record. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** A message with this timestamp begins: an access unit that waits for slices of another time is complete. */
  prepare(timestampMs: number): void {
    if (this.#waiting && timestampMs !== this.#waitingTimestampMs) this.#commitWaiting();
  }

  /**
   * Opens `length` bytes for a message's body; the caller appends them to the ring writer, then calls {@link close}. `keyframe`
   * is the tag's flag, a hint. Throws `ConnectionError` when the ring cannot take as much.
   */
  open(length: number, timestampMs: number, compositionMs: number, keyframe: boolean): void {
    const writer = this.#writer;
    this.#timestampMs = timestampMs;
    this.#compositionMs = compositionMs;
    if (this.#waiting && this.#waitingLength + length > limits.rtmp.messageBytes) this.#commitWaiting();
    try {
      if (this.#waiting) {
        this.#bodyStart = this.#waitingLength;
        writer.extend(length);
      } else {
        this.#bodyStart = this.#holding ? this.#held.length : 0;
        writer.begin(this.#bodyStart + length, keyframe);
        if (this.#holding) writer.append(this.#held.buffer, 0, this.#held.length);
      }
    } catch (error) {
      throw toConnectionError(error);
    }
  }

  /** Whether the next message is an access unit of its own, so that it can be left out. */
  get canShed(): boolean {
    return !this.#waiting && !this.joining;
  }

  /** Leaves out an access unit, and what is held for it. Returns its decoding time in milliseconds. */
  shed(timestampMs: number, arrivalMs: number): number {
    if (this.#holding) this.dropHeld();
    this.#lastTimestampMs = timestampMs;
    return this.#place(timestampMs, arrivalMs);
  }

  /** The message ended early: its body goes, what waits in front of it stays. */
  abandon(): void {
    if (this.#waiting) this.#writer.truncate(this.#bodyStart);
    else this.#writer.abandon();
  }

  /**
   * A message as NAL units [starts, ends) of `source`, for framings that cannot go to the ring as they are. Returns what
   * {@link close} does.
   */
  write(list: NalList, source: Buffer, timestampMs: number, tag: VideoTag, arrivalMs: number): number {
    this.open(list.prefixedBytes, timestampMs, tag.compositionMs, tag.keyframe);
    this.#appendUnits(list, source);
    return this.close(arrivalMs);
  }

  /**
   * The message is complete; its last byte arrived at `arrivalMs`. Returns what that cost beside its bytes, in NAL units that
   * were looked at; start codes that were searched for aside.
   */
  close(arrivalMs: number): number {
    looked = 0;
    walked = 0;
    changed = 0;
    records = 0;
    recorded = 0;
    lastSearch = searchEnd();
    this.#closeBody(arrivalMs);
    return looked + changedSetCost * changed + recorded;
  }

  #closeBody(arrivalMs: number): void {
    const complete = this.#writer.appendedLength === this.#writer.recordLength;
    if (complete) this.#examineBody();
    if (!complete || (found.truncated && !this.#rewriteByteStream())) {
      this.#observer.onTruncated();
      this.abandon();
      // What is held counts with the next picture, which must not be too much for ever.
      if (walked > limits.h264.units && this.#holding) this.dropHeld();
      return;
    }
    if ((found.embedded || this.#units < searchedUnits) && !this.splitting) this.#rewriteSplit();
    if (found.stray > 0) this.#observer.onTolerated();
    if (found.vcl === 0) this.#hold();
    else this.#takePictures(arrivalMs);
  }

  /** To be called when the caller has changed the store of parameter sets. */
  parametersKnown(): void {
    this.#sps = this.#store.facts;
    this.#isDecodable = this.#store.complete;
  }

  /** Commits an access unit that has waited long enough for more slices. Only between messages. */
  flush(nowMs: number): void {
    if (this.#waiting && nowMs >= this.deadlineMs) this.#commitWaiting();
  }

  /** Commits an access unit that waits for more slices. Only between messages. */
  commitWaiting(): void {
    if (this.#waiting) this.#commitWaiting();
  }

  /** Forgets SEI and parameter sets that wait for an access unit. */
  dropHeld(): void {
    this.#held.clear();
    this.#holding = false;
  }

  // ---- one message's body --------------------------------------------------------------------------------------------

  /** Held units take part in the look at the first picture: they are in front of it in the record. */
  #examineBody(): void {
    const writer = this.#writer;
    const start = writer.recordStart;
    const from = this.#waiting ? start + this.#bodyStart : start;
    const end = start + writer.recordLength;
    found.examine(writer.buffer, from, end, this.#sps, limits.h264.units - walked, lastSearch);
    looked += found.looked;
    walked += found.looked;
  }

  #takePictures(arrivalMs: number): void {
    const writer = this.#writer;
    if (this.#holding) this.dropHeld();
    if (this.#waiting) {
      if (found.continues) {
        if (this.#joinWaiting(arrivalMs)) return;
      } else this.#commitWaiting();
      this.#examineRest();
    } else if (found.continues && this.#timestampMs === this.#lastTimestampMs) {
      // Too late for the one that is committed; from here on access units wait for their other messages.
      this.joining = true;
    }
    // What is left of the record starts with a picture of its own.
    for (let pictures = 1; found.vcl > 0 && !found.truncated; pictures++) {
      const length = found.end - writer.recordStart;
      const { more, stray } = found;
      if ((found.sps || found.pps) && !this.#learn(length)) break;
      if (!more) {
        if (stray > 0) writer.truncate(length);
        this.#finishPicture(arrivalMs);
        return;
      }
      this.#commit(found, length, this.#timestampMs, this.#compositionMs, arrivalMs);
      if (pictures === picturesPerMessage) break;
      this.#examineRest();
    }
    this.#observer.onTruncated();
    writer.abandon();
  }

  /** What was in front of the open record is committed; it starts with the next picture. */
  #examineRest(): void {
    this.#bodyStart = 0;
    this.#examineBody();
  }

  /** The body goes on with the picture that waits. Returns true when nothing else is in it. */
  #joinWaiting(arrivalMs: number): boolean {
    this.joining = true;
    this.#waitingLength = found.end - this.#writer.recordStart;
    this.#waitingUnit.absorb(found);
    this.#waitingArrivalMs = arrivalMs;
    if (found.more) {
      this.#commitWaiting();
      return false;
    }
    if (found.stray > 0) this.#writer.truncate(this.#waitingLength);
    this.deadlineMs = arrivalMs + joinWaitMs;
    return true;
  }

  /** The first access unit shows whether messages hold whole ones: it waits for the next message, and so do all if they don't. */
  #finishPicture(arrivalMs: number): void {
    if (!this.joining && this.#units > 0) {
      this.#commit(found, -1, this.#timestampMs, this.#compositionMs, arrivalMs);
      return;
    }
    this.#waitingUnit.copy(found);
    this.#waiting = true;
    this.#waitingLength = this.#writer.recordLength;
    this.#waitingTimestampMs = this.#timestampMs;
    this.#waitingCompositionMs = this.#compositionMs;
    this.#waitingArrivalMs = arrivalMs;
    this.deadlineMs = arrivalMs + joinWaitMs;
  }

  /** Commits what waits; bytes behind it stay open as a record of their own. */
  #commitWaiting(): void {
    this.#waiting = false;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    const length = this.#waitingLength < this.#writer.recordLength ? this.#waitingLength : -1;
    this.#commit(
      this.#waitingUnit,
      length,
      this.#waitingTimestampMs,
      this.#waitingCompositionMs,
      this.#waitingArrivalMs,
    );
  }

  /** `length`: bytes of the open record that are the access unit, -1 for all of it. */
  #commit(unit: AccessUnit, length: number, timestampMs: number, compositionMs: number, arrivalMs: number): void {
    const writer = this.#writer;
    const dtsMs = this.#place(timestampMs, arrivalMs);
    let flags = this.startPoints.judge(unit, dtsMs, this.#isDecodable);
    if (this.timeline.discontinuity) flags |= recordFlag.discontinuity;
    if (unit.sps && unit.pps) flags |= recordFlag.parameterSets;
    if (this.#pressure.saturated) flags |= recordFlag.heldUp;
    const bytes = length < 0 ? writer.recordLength : length;
    if (length < 0) writer.commit(flags, dtsMs, compositionMs, arrivalMs * 1000);
    else writer.commitPrefix(length, flags, dtsMs, compositionMs, arrivalMs * 1000);
    this.#units++;
    this.#lastTimestampMs = timestampMs;
    this.#observer.onRecord(bytes, flags, dtsMs, arrivalMs);
  }

  #place(timestampMs: number, arrivalMs: number): number {
    const { timeline } = this;
    const { corrected } = timeline;
    const dtsMs = timeline.next(timestampMs, arrivalMs);
    if (timeline.corrected !== corrected) this.#observer.onTolerated();
    return dtsMs;
  }

  // ---- parameter sets ------------------------------------------------------------------------------------------------

  /**
   * Learns the parameter sets in the first `length` bytes of the open record. If they are new, their record gets in front of it.
   * Returns false when there are too many, or too many such records.
   */
  #learn(length: number): boolean {
    const writer = this.#writer;
    const all = this.#learnFrom(writer.buffer, writer.recordStart, writer.recordStart + length, true);
    if (this.#store.unwritten) this.#record();
    return all && records <= limits.h264.parameterChanges;
  }

  #record(): void {
    records++;
    recorded += recordCost(this.#store.size);
    this.#observer.onParametersChanged();
  }

  /**
   * Returns false when more of them change within one message than in any video, where it stops. `isPicture`: all that came in front of a
   * picture are in [start, end), and it itself.
   */
  #learnFrom(bytes: Buffer, start: number, end: number, isPicture: boolean): boolean {
    const store = this.#store;
    const before = store.changes - changed;
    const most = before + limits.h264.changedParameterSets;
    let spsStart = 0;
    let spsEnd = 0;
    let isSole = isPicture;
    let at = start;
    while (end - at >= 4 && store.changes <= most) {
      const length = bytes.readUInt32BE(at);
      at += 4;
      const type = length > 0 ? bytes[at]! & 0x1f : 0;
      if (type === nalType.sps || type === nalType.pps) {
        if (!store.learn(bytes, at, at + length)) this.#observer.onTolerated();
        else if (type === nalType.sps) {
          if (spsEnd > 0 && parameterSetId(bytes, spsStart, spsEnd) !== parameterSetId(bytes, at, at + length))
            isSole = false;
          spsStart = at;
          spsEnd = at + length;
        }
      }
      at += length;
    }
    // Encoders with several switch back to one that is known by sending just that.
    if (isSole && spsEnd > 0) store.bringIntoUse(bytes, spsStart, spsEnd);
    this.parametersKnown();
    changed = store.changes - before;
    return store.changes <= most;
  }

  /** No picture in this message: its SEI and parameter sets go in front of the next one. */
  #hold(): void {
    const writer = this.#writer;
    const start = writer.recordStart + this.#bodyStart;
    const end = found.end;
    if (found.units > 0) this.#observer.onSeiOnly();
    else this.#observer.onTolerated();
    if (!this.#learnFrom(writer.buffer, start, end, false)) this.#observer.onTruncated();
    else if (!this.#held.take(writer.buffer, start, end)) this.#observer.onTolerated();
    this.#holding = this.#held.length > 0;
    this.abandon();
    // SEI and parameter sets come in front of a picture, so the one that waits has all its slices.
    if (this.#waiting && found.units > 0) this.#commitWaiting();
    if (this.#store.unwritten && !this.#waiting) this.#record();
  }

  // ---- bodies that are not what they should be -----------------------------------------------------------------------

  /** Lengths make no sense: a byte stream in the place of length-prefixed units? */
  #rewriteByteStream(): boolean {
    const writer = this.#writer;
    const end = writer.recordStart + writer.recordLength;
    if (walked > limits.h264.units || !beginsWithStartCode(writer.buffer, writer.recordStart + this.#bodyStart, end))
      return false;
    const body = this.#copyBody();
    if (!listByteStream(this.#list, body, 0, body.length)) return false;
    this.byteStream = true;
    this.#replaceBody(this.#list, body);
    return !found.truncated;
  }

  /** Splits NAL units that have start codes inside. */
  #rewriteSplit(): void {
    const writer = this.#writer;
    const start = writer.recordStart + this.#bodyStart;
    const end = writer.recordStart + writer.recordLength;
    if (listLengthPrefixed(this.#list, writer.buffer, start, end, 4) < 0) return;
    if (!splitAtStartCodes(this.#splitList, this.#list, writer.buffer)) return;
    if (this.#splitList.count <= this.#list.count) return;
    const body = this.#copyBody();
    listLengthPrefixed(this.#list, body, 0, body.length, 4);
    splitAtStartCodes(this.#splitList, this.#list, body);
    this.splitting = true;
    this.#replaceBody(this.#splitList, body);
  }

  #copyBody(): Buffer {
    const writer = this.#writer;
    const start = writer.recordStart;
    return Buffer.from(writer.buffer.subarray(start + this.#bodyStart, start + writer.recordLength));
  }

  #replaceBody(list: NalList, source: Buffer): void {
    this.#writer.truncate(this.#bodyStart);
    try {
      this.#writer.extend(list.prefixedBytes);
    } catch (error) {
      throw toConnectionError(error);
    }
    this.#appendUnits(list, source);
    walked = 0;
    this.#examineBody();
  }

  #appendUnits(list: NalList, source: Buffer): void {
    const writer = this.#writer;
    for (let i = 0; i < list.count; i++) {
      const start = list.starts[i]!;
      const end = list.ends[i]!;
      this.#prefix.writeUInt32BE(end - start, 0);
      writer.append(this.#prefix, 0, 4);
      writer.append(source, start, end);
    }
  }
}

/** The ring refuses records above its hard maximum. */
function toConnectionError(error: unknown): unknown {
  return error instanceof RangeError ? new ConnectionError('message_too_large', error.message) : error;
}
