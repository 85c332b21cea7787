/** Keeps account of one camera's frames as they come back: which are missing, twice, out of order or not what was sent. */
import { type FrameBook, runCount, runFactor } from './frame-book.ts';
import type { ReceivedFrame } from './rtp-frames.ts';

/** Frames that are missing in a row. */
export interface Gap {
  /** Connection of the camera, counted from 0 and again from 0 after 255. */
  readonly run: number;
  /** The first frame that is missing, counted from the run's first. */
  readonly from: number;
  readonly frames: number;
}

/** How far a run had come when the next one began or the account was closed. */
export interface RunEnd {
  readonly run: number;
  /** Its last frame that came, counted from 0. */
  readonly last: number;
}

/** The figures of one camera; plain data for other threads. */
export interface LedgerFigures {
  readonly frames: number;
  readonly bytes: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  /** Frames whose slices are not those that were sent. */
  readonly corrupt: number;
  /** Frames of another camera. */
  readonly misrouted: number;
  /** Frames that none of our cameras has sent, such as a test card. */
  readonly foreign: number;
  /** Frames that were sent before the reader had come, or while it was away. */
  readonly unseen: number;
  readonly runs: number;
  /** Milliseconds from the start of a run to the arrival of its first frame: the slowest. Only runs that began under our eyes. */
  readonly slowestStartMs: number;
  /** The first ones. */
  readonly gaps: readonly Gap[];
  /** The newest ones; the last of them is the present run. */
  readonly ends: readonly RunEnd[];
}

const keptGaps = 20;
const keptEnds = 64;
const ticksPerSecond = 90_000;

/** profile_idc High (H.264, A.2.4): what FFmpeg encodes live, and no test card has. */
const liveProfile = 100;

/** One camera's account. */
export class FrameLedger {
  readonly #camera: number;
  readonly #book: FrameBook | null;
  readonly #checkBytes: boolean;
  readonly #gaps: Gap[] = [];
  readonly #ends: RunEnd[] = [];
  #frames = 0;
  #bytes = 0;
  #lost = 0;
  #duplicated = 0;
  #reordered = 0;
  #corrupt = 0;
  #misrouted = 0;
  #foreign = 0;
  #unseen = 0;
  #runs = 0;
  #slowestStartMs = 0;
  #run = -1;
  /** The newest frame of the run, counted from its first. */
  #last = 0;
  #lastRtpTime = 0;
  #playingSinceUs = Number.POSITIVE_INFINITY;
  #wasAway = false;

  /** Without a book frames are only counted. */
  constructor(camera: number, book: FrameBook | null, checkBytes: boolean) {
    this.#camera = camera;
    this.#book = book;
    this.#checkBytes = checkBytes;
  }

  /** The reader plays, for the first time or again: what was sent before is nobody's loss. */
  playing(nowUs: number): void {
    this.#playingSinceUs = nowUs;
    this.#wasAway = this.#run >= 0;
  }

  /** A whole frame has come. Returns true if it is one of this camera's. */
  frame(frame: ReceivedFrame, nowUs: number): boolean {
    const book = this.#book;
    if (book === null) {
      if (frame.profile !== liveProfile) {
        this.#foreign++;
        return false;
      }
    } else if (!frame.stamped) {
      this.#foreign++;
      return false;
    } else if (frame.camera !== this.#camera) {
      this.#misrouted++;
      return false;
    }
    this.#frames++;
    this.#bytes += frame.bytes;
    if (book === null) return true;
    const run = Math.floor(frame.number / runFactor);
    const index = run === this.#run ? this.#placeOf(book, frame.number) : frame.number % runFactor;
    if (this.#checkBytes && book.checksums[index % book.period] !== frame.checksum) this.#corrupt++;
    if (run === this.#run) this.#next(book, index, frame.rtpTime);
    else if (this.#run >= 0 && (run - this.#run + runCount) % runCount >= runCount / 2) this.#reordered++;
    else this.#begin(book, run, index, frame, nowUs);
    return true;
  }

  figures(): LedgerFigures {
    const ends = this.#run < 0 ? this.#ends : [...this.#ends, { run: this.#run, last: this.#last }];
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      lost: this.#lost,
      duplicated: this.#duplicated,
      reordered: this.#reordered,
      corrupt: this.#corrupt,
      misrouted: this.#misrouted,
      foreign: this.#foreign,
      unseen: this.#unseen,
      runs: this.#runs,
      slowestStartMs: this.#slowestStartMs,
      gaps: this.#gaps,
      ends: [...ends],
    };
  }

  #begin(book: FrameBook, run: number, index: number, frame: ReceivedFrame, nowUs: number): void {
    if (this.#run >= 0) {
      this.#ends.push({ run: this.#run, last: this.#last });
      if (this.#ends.length > keptEnds) this.#ends.shift();
    }
    this.#run = run;
    this.#runs++;
    this.#last = index;
    this.#lastRtpTime = frame.rtpTime;
    this.#wasAway = false;
    const startUs = book.numbersRepeat ? frame.dueUs : frame.dueUs - (1e6 * index) / book.framesPerSecond;
    if (this.#playingSinceUs < startUs) {
      this.#slowestStartMs = Math.max(this.#slowestStartMs, (nowUs - startUs) / 1000);
      if (index > 0) this.#missing(run, 0, index);
      return;
    }
    if (book.numbersRepeat) {
      // A reader that came late may have missed whole repetitions.
      const sent = ((nowUs - startUs) / 1e6) * book.framesPerSecond;
      this.#last += Math.max(0, Math.round((sent - index) / book.period)) * book.period;
    }
    this.#unseen += this.#last;
  }

  #next(book: FrameBook, index: number, rtpTime: number): void {
    const step = this.#stepTo(book, index, rtpTime);
    if (step === 0) this.#duplicated++;
    else if (step < 0) this.#reordered++;
    else {
      if (step > 1 && this.#wasAway) this.#unseen += step - 1;
      else if (step > 1) this.#missing(this.#run, this.#last + 1, step - 1);
      this.#last += step;
      this.#lastRtpTime = rtpTime;
    }
    this.#wasAway = false;
  }

  /** The number's lower bits; where they do not repeat with the clip, the place that is nearest to the newest one. */
  #placeOf(book: FrameBook, number: number): number {
    const index = number % runFactor;
    return book.numbersRepeat ? index : index + Math.max(0, Math.round((this.#last - index) / runFactor)) * runFactor;
  }

  /** By how many frames `index` is ahead of the newest. Where numbers repeat, the time stamps say how often they have. */
  #stepTo(book: FrameBook, index: number, rtpTime: number): number {
    if (!book.numbersRepeat) return index - this.#last;
    const step = index - (this.#last % book.period);
    const elapsed = ((rtpTime - this.#lastRtpTime) | 0) / ticksPerSecond;
    return step + Math.round((elapsed * book.framesPerSecond - step) / book.period) * book.period;
  }

  #missing(run: number, from: number, frames: number): void {
    this.#lost += frames;
    if (this.#gaps.length < keptGaps) this.#gaps.push({ run, from, frames });
  }
}
