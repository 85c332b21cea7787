import type { PublisherEvent, StreamMetadata } from '../control/messages.ts';
import { videoCodecName } from '../flv/video-codec.ts';
import type { SpsFacts } from '../h264/sps.ts';

/** Milliseconds between two events of a kind that a stream can cause as often as it likes. */
const repeatMs = 1_000;

/** Events about codecs that are not H.264; a stream that mixes more of them says nothing new. */
const codecEvents = 4;

/** Milliseconds by which a constant composition time may differ: an encoder that rounds both times, each its own way. */
const roundingMs = 2;

/** Tells the operator about a stream, once where once says it all and never faster than a log can take. */
export class EventReporter {
  readonly #onEvent: (event: PublisherEvent) => void;
  #parametersSeen = false;
  #nextParametersMs = 0;
  #nextDiscontinuityMs = 0;
  #codecEvents = 0;
  #lastCodec = -1;
  #smallestCompositionMs = Number.POSITIVE_INFINITY;
  #largestCompositionMs = Number.NEGATIVE_INFINITY;
  #bFrames = false;
  #stuckClock = false;
  #noIdr = false;

  constructor(onEvent: (event: PublisherEvent) => void) {
    this.#onEvent = onEvent;
  }

  /** New metadata; the caller limits how often. */
  metadata(facts: StreamMetadata): void {
    this.#onEvent({ type: 'metadata', ...facts });
  }

  /** A message of another codec: a legacy id or a FourCC as a big-endian number. */
  otherCodec(codec: number): void {
    if (codec === this.#lastCodec || this.#codecEvents === codecEvents) return;
    this.#lastCodec = codec;
    this.#codecEvents++;
    this.#onEvent({ type: 'non_h264', codec: videoCodecName(codec) });
  }

  /** The composition time of an access unit. Only one that changes means reordering; some encoders add a constant. */
  composition(compositionMs: number): void {
    if (this.#bFrames) return;
    if (compositionMs < this.#smallestCompositionMs) this.#smallestCompositionMs = compositionMs;
    if (compositionMs > this.#largestCompositionMs) this.#largestCompositionMs = compositionMs;
    if (this.#largestCompositionMs - this.#smallestCompositionMs <= roundingMs) return;
    this.#bFrames = true;
    this.#onEvent({ type: 'b_frames' });
  }

  /** The publisher's clock jumped. */
  discontinuity(fromMs: number, toMs: number, nowMs: number): void {
    if (nowMs < this.#nextDiscontinuityMs) return;
    this.#nextDiscontinuityMs = nowMs + repeatMs;
    this.#onEvent({ type: 'discontinuity', fromMs, toMs });
  }

  /** The publisher's clock stands still, or not. */
  stuckClock(stuck: boolean): void {
    if (!stuck || this.#stuckClock) return;
    this.#stuckClock = true;
    this.#onEvent({ type: 'stuck_clock' });
  }

  /** The stream has no IDR, or has. */
  noIdr(missing: boolean): void {
    if (!missing || this.#noIdr) return;
    this.#noIdr = true;
    this.#onEvent({ type: 'no_idr' });
  }

  /** The parameter sets changed. Returns false when the last report is too recent: then it has to be said again later. */
  parameters(facts: SpsFacts | null, nowMs: number): boolean {
    if (nowMs < this.#nextParametersMs) return false;
    this.#nextParametersMs = nowMs + repeatMs;
    this.#onEvent({
      type: this.#parametersSeen ? 'parameters_changed' : 'parameters',
      width: facts?.width ?? 0,
      height: facts?.height ?? 0,
      profile: facts?.profile ?? 0,
      level: facts?.level ?? 0,
      fps: facts?.fps ?? 0,
    });
    this.#parametersSeen = true;
    return true;
  }
}
