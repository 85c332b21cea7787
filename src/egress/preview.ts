import { type Fragment, FragmentWriter } from '../mp4/fragment.ts';
import { createInitSegment, type InitSegment } from '../mp4/init-segment.ts';
import { cardFps } from '../offline-card/offline-card.ts';
import { entryFlags, recordFlag, recordKind } from '../shm/frame-ring.ts';
import type { RingReader } from '../shm/ring-reader.ts';
import { type FeedRing, openReader, type StartAt } from './feed-ring.ts';
import type { FeedSession, PlayObserver } from './feed-session.ts';
import { type CardStream, noCardStream } from './offline-source.ts';
import type { ParameterSets } from './parameter-sets.ts';
import { PreviewTimeline } from './preview-timeline.ts';

/** Milliseconds of frames that go into one fragment. */
const fragmentMs = 100;

/** Milliseconds from one picture of the offline card to the next. */
const cardMs = 1000 / cardFps;

/** Who takes what a preview makes, in this order: {@link PreviewSink.start}, then fragments up to the next start. */
export interface PreviewSink {
  /** Another stream, whose decoding times begin at 0. */
  start(init: InitSegment): void;
  /** Frames. `mediaMs` is the decoding time of the newest of them, `arrivalMs` the monotonic ms at which that arrived. */
  fragment(fragment: Fragment, mediaMs: number, arrivalMs: number): void;
  /** Whether the pictures are those of a publisher. */
  state(live: boolean): void;
  /** Frames were left out, and what follows begins at a keyframe. */
  restarted(): void;
}

/**
 * One viewer of one camera: the frames of the ring as they are, in fragments of MP4. It keeps up with its feed whatever becomes of
 * the fragments, so that it never holds back a ring; a viewer who is too slow has {@link pause} called, and frames are left out.
 *
 * A fragment waits until the frame behind it has come: only that tells how long its last frame lasts.
 */
export class PreviewSession implements FeedSession {
  readonly camera: number;
  readonly counted = false;
  ring: FeedRing | null = null;
  live = false;
  lastFrameMs = 0;
  readonly #sink: PreviewSink;
  readonly #card: CardStream;
  readonly #cardParameters: ParameterSets | null;
  readonly #writer = new FragmentWriter();
  readonly #timeline = new PreviewTimeline();
  #reader: RingReader | null = null;
  #generation = -1;
  #parameters: ParameterSets | null = null;
  /** The parameter sets that the viewer has, and the stream of the ring that they were for: -1 for none. */
  #told: ParameterSets | null = null;
  #toldGeneration = -1;
  #toldLive: boolean | null = null;
  /** False until a picture that a decoder can start at. */
  #open = false;
  #paused = false;
  /** Frames were left out since the newest that went out. */
  #leftOut = false;
  /** Nothing has been placed since the last start. */
  #fresh = true;
  /** Decoding times of the open fragment's first frame and of the newest frame. */
  #firstMediaMs = 0;
  #mediaMs = 0;
  /** The same of arrival. */
  #firstArrivalMs = 0;
  #arrivalMs = 0;
  /** How long the viewer was told that the newest frame lasts, 0 while it was not. */
  #toldMs = 0;
  /** Where the newest frame that went out was said to end, while those behind it are left out; else Infinity. */
  #endMs = Number.POSITIVE_INFINITY;
  /** Composition offset of the first frame, which is presented at 0. */
  #compositionMs = 0;

  constructor(
    camera: number,
    sink: PreviewSink,
    card: CardStream = noCardStream,
    cardParameters: ParameterSets | null = null,
  ) {
    this.camera = camera;
    this.#sink = sink;
    this.#card = card;
    this.#cardParameters = cardParameters;
  }

  /** The viewer is there. `published`: the camera has a publisher, whose pictures will be the first. */
  begin(published: boolean, nowMs: number): void {
    this.#card.restart(nowMs, false);
    this.#tell(published);
  }

  /** Leaves out everything until {@link resume}. */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#leftOut = true;
    this.#open = false;
    this.#end(0);
    this.#timeline.breakStretch();
  }

  /** The memory of a fragment has come back. */
  recycle(memory: ArrayBuffer): void {
    this.#writer.recycle(memory);
  }

  /** Goes on at the next keyframe. */
  resume(): void {
    this.#paused = false;
  }

  get cursor(): number {
    return this.#reader?.cursor ?? 0;
  }

  get drained(): boolean {
    return this.ring === null || ((this.ring.lead.cursor - this.cursor) | 0) <= 0;
  }

  enter(ring: FeedRing, start: StartAt): void {
    this.#read(ring, openReader(ring.memory, start));
    this.#open = false;
  }

  follow(): void {
    const next = this.ring!.next!;
    this.#read(next, next.takePrepared(this));
  }

  leave(): void {
    this.ring = null;
    this.#reader = null;
  }

  goIdle(nowMs: number): void {
    this.#open = false;
    if (!this.live) return;
    this.#end(nowMs - this.#arrivalMs);
    this.live = false;
    this.#card.restart(nowMs, true);
    this.#tell(false);
  }

  pump(_observer: PlayObserver, nowMs: number, most: number): boolean {
    const { ring } = this;
    const reader = this.#reader;
    if (reader === null || ring === null) return false;
    const { lead } = ring;
    for (let records = 0; ((lead.cursor - reader.cursor) | 0) > 0; records++) {
      if (records === most) return true;
      const state = reader.peek();
      if (state < 0) this.#overrun(reader);
      else if (state > 0) {
        // After a loss the reader passes over records by itself, maybe to a keyframe that the pacer still holds.
        if (((lead.cursor - reader.cursor) | 0) <= 0) break;
        this.#record(ring, reader, nowMs);
        reader.advance();
      }
    }
    return false;
  }

  /** Frames that nothing follows go out, and the pictures of the offline card. A preview has nothing else to wait for. */
  sweep(_observer: PlayObserver, nowMs: number): boolean {
    if (!this.live) this.#sweepCard(nowMs);
    else if (nowMs - this.#arrivalMs >= fragmentMs) this.#end(nowMs - this.#arrivalMs);
    return true;
  }

  #record(ring: FeedRing, reader: RingReader, nowMs: number): void {
    if (reader.kind === recordKind.video) this.#video(ring, reader, nowMs);
    else if (reader.kind === recordKind.sequenceHeader)
      this.#parameters = ring.parametersOf(reader) ?? this.#parameters;
    else if (reader.kind === recordKind.endOfStream) this.goIdle(nowMs);
  }

  #video(ring: FeedRing, reader: RingReader, nowMs: number): void {
    const { flags } = reader;
    if (reader.generation !== this.#generation) {
      this.#generation = reader.generation;
      this.goIdle(nowMs);
    } else if ((flags & recordFlag.discontinuity) !== 0) this.#timeline.breakStretch();
    if (this.#paused) return;
    const isEntry = (flags & entryFlags) !== 0;
    if (isEntry) this.#open = this.#canStart(ring, reader) || this.#open;
    if (!this.#open) return;
    const { offset, length } = reader;
    const compositionMs = reader.ptsOffsetMs - this.#compositionMs;
    const isPlaced = this.#place(reader.dtsMs, reader.arrivalUs / 1000, compositionMs);
    // A fragment that ended here may have been the one too many for the viewer.
    if (!isPlaced || this.#paused) return;
    this.#writer.add(reader.buffer, offset, offset + length, isEntry, compositionMs);
    if (!reader.stillValid()) {
      this.#writer.undo();
      this.#overrun(reader);
      return;
    }
    this.live = true;
    this.lastFrameMs = nowMs;
    this.#tell(true);
    if (!this.#leftOut) return;
    this.#leftOut = false;
    this.#sink.restarted();
  }

  /** Can a decoder start at the picture that `reader` has loaded? If it needs other parameter sets for it, it gets them. */
  #canStart(ring: FeedRing, reader: RingReader): boolean {
    if (this.#parameters?.version !== reader.parametersVersion) this.#parameters = ring.currentParameters();
    const parameters = this.#parameters;
    if (parameters === null || parameters.version !== reader.parametersVersion) return false;
    if (this.#toldGeneration === this.#generation && this.#told?.units.equals(parameters.units)) return true;
    if (!this.#start(parameters, 1000 / parameters.fps)) return false;
    this.#toldGeneration = this.#generation;
    this.#compositionMs = reader.ptsOffsetMs;
    return true;
  }

  /** Another stream for the viewer. Returns false when no player could play it. */
  #start(parameters: ParameterSets, stepMs: number): boolean {
    const init = createInitSegment(parameters.sps, parameters.pps);
    if (init === null) return false;
    this.#end(0);
    this.#told = parameters;
    this.#toldGeneration = -1;
    this.#fresh = true;
    this.#mediaMs = 0;
    this.#toldMs = 0;
    this.#endMs = Number.POSITIVE_INFINITY;
    this.#compositionMs = 0;
    this.#timeline.restart(Number.isFinite(stepMs) ? stepMs : 0);
    this.#sink.start(init);
    return true;
  }

  /**
   * Puts a frame behind the one before, and ends the open fragment when that is long enough. Returns false for a frame that is not to
   * be added: it would be presented before the first one, and a player takes nothing before 0.
   */
  #place(dtsMs: number, arrivalMs: number, compositionMs: number): boolean {
    const writer = this.#writer;
    const stepMs = this.#timeline.step(dtsMs, this.#toldMs);
    if (!this.#fresh) {
      if (writer.count > 0) writer.lengthen(stepMs);
      // What is left out is what the frame before it lasts on for, so that has to stay open; if it has gone out, its end is known.
      const isShown = this.#mediaMs + stepMs + compositionMs >= 0;
      if (!isShown && this.#toldMs > 0) this.#endMs = this.#mediaMs + this.#toldMs;
      if (isShown && (writer.full || arrivalMs - this.#firstArrivalMs >= fragmentMs)) this.#flush();
      this.#mediaMs += stepMs;
    }
    this.#fresh = false;
    this.#toldMs = 0;
    if (this.#mediaMs + compositionMs < 0) return false;
    // There the next one follows, unless it would be presented before the first one.
    this.#mediaMs = Math.min(this.#mediaMs, Math.max(this.#endMs, -compositionMs));
    this.#endMs = Number.POSITIVE_INFINITY;
    if (writer.count === 0) {
      this.#firstMediaMs = this.#mediaMs;
      this.#firstArrivalMs = arrivalMs;
    }
    this.#arrivalMs = arrivalMs;
    return true;
  }

  /** Ends the open fragment although nothing followed its last frame for `ageMs`. */
  #end(ageMs: number): void {
    if (this.#writer.count === 0) return;
    this.#toldMs = this.#timeline.estimate(ageMs);
    this.#writer.lengthen(this.#toldMs);
    this.#flush();
  }

  #flush(): void {
    if (this.#writer.count === 0) return;
    this.#sink.fragment(this.#writer.finish(this.#firstMediaMs), this.#mediaMs, this.#arrivalMs);
  }

  #overrun(reader: RingReader): void {
    this.#open = false;
    this.#timeline.breakStretch();
    reader.skipToNewestKeyframe();
  }

  #read(ring: FeedRing, reader: RingReader): void {
    this.ring = ring;
    this.#reader = reader;
    this.#parameters = ring.currentParameters();
    // Generations are those of a ring.
    this.#generation = -1;
    this.#toldGeneration = -1;
  }

  #tell(live: boolean): void {
    if (live === this.#toldLive) return;
    this.#toldLive = live;
    this.#sink.state(live);
  }

  /** The card that a reader sees while nothing else goes out. */
  #sweepCard(nowMs: number): void {
    const parameters = this.#cardParameters;
    if (parameters === null || this.#paused || !this.#card.due(nowMs)) return;
    const { unit, parameterSets } = this.#card.next(nowMs);
    if (this.#told !== parameters && !this.#start(parameters, cardMs)) return;
    this.#tell(false);
    this.#place(nowMs, nowMs, 0);
    this.#writer.add(unit, 0, unit.length, parameterSets !== null, 0);
    this.#end(0);
    if (!this.#leftOut) return;
    this.#leftOut = false;
    this.#sink.restarted();
  }
}
