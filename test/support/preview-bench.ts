import { encode } from '@msgpack/msgpack';
import { CameraFeed } from '../../src/egress/camera-feed.ts';
import { type CardStream, noCardStream } from '../../src/egress/offline-source.ts';
import type { ParameterSets } from '../../src/egress/parameter-sets.ts';
import { PreviewSession, type PreviewSink } from '../../src/egress/preview.ts';
import { createRing, recordFlag } from '../../src/shm/frame-ring.ts';
import { RingWriter } from '../../src/shm/ring-writer.ts';
import { StreamCounters } from '../../src/shm/stream-counters.ts';
import { pps, sps, sps720 } from '../unit/ingest/publisher-rig.ts';
import { type Mp4Sample, readSamples } from './mp4-reader.ts';
import { smallRing } from './test-stream.ts';

/** What a preview made, in order. */
export type PreviewWord =
  | { readonly type: 'start'; readonly width: number }
  | { readonly type: 'state'; readonly live: boolean }
  | { readonly type: 'restarted' }
  | {
      readonly type: 'fragment';
      readonly samples: readonly Mp4Sample[];
      readonly mediaMs: number;
      readonly arrivalMs: number;
    };

/** Keeps what a preview makes. */
export class PreviewTape implements PreviewSink {
  readonly words: PreviewWord[] = [];
  /** The segments and fragments themselves. */
  readonly bytes: Buffer[] = [];
  /** Called for each fragment. */
  onFragment: (() => void) | null = null;

  start: PreviewSink['start'] = ({ width, bytes }) => {
    this.words.push({ type: 'start', width });
    this.bytes.push(bytes);
  };

  fragment: PreviewSink['fragment'] = ({ memory, offset, length }, mediaMs, arrivalMs) => {
    const bytes = Buffer.from(memory, offset, length);
    this.bytes.push(bytes);
    this.words.push({ type: 'fragment', samples: readSamples(bytes), mediaMs, arrivalMs });
    this.onFragment?.();
  };

  state: PreviewSink['state'] = (live) => this.words.push({ type: 'state', live });

  restarted: PreviewSink['restarted'] = () => this.words.push({ type: 'restarted' });

  /** Everything but fragments, in a word each. */
  get story(): string[] {
    return this.words.flatMap((word) => {
      if (word.type === 'fragment') return [];
      if (word.type === 'start') return [`start ${word.width}`];
      return [word.type === 'state' ? (word.live ? 'live' : 'not live') : word.type];
    });
  }

  get fragments(): Extract<PreviewWord, { type: 'fragment' }>[] {
    return this.words.filter((word) => word.type === 'fragment');
  }

  get samples(): Mp4Sample[] {
    return this.fragments.flatMap(({ samples }) => samples);
  }

  /** Numbers of the pictures, as {@link PreviewBench.frame} gave them. */
  get numbers(): number[] {
    return this.samples.map(({ data }) => data.readUInt32BE(data.length - 4));
  }
}

/** A feed with a preview, a ring that the test writes, and a clock that stands where the test puts it. */
export class PreviewBench {
  nowMs = 0;
  readonly tape = new PreviewTape();
  readonly counters = StreamCounters.create(1, 1);
  readonly ring: SharedArrayBuffer;
  readonly feed: CameraFeed;
  readonly writer: RingWriter;
  readonly session: PreviewSession;
  #next = 0;

  constructor(
    options: Partial<typeof smallRing> & {
      card?: CardStream;
      cardParameters?: ParameterSets;
      published?: boolean;
    } = {},
  ) {
    const { card = noCardStream, cardParameters = null, published = true, ...ring } = options;
    this.ring = createRing({ ...smallRing, ...ring });
    this.writer = new RingWriter(this.ring);
    const context = {
      slot: 0,
      gopCache: ring.gopCache ?? false,
      onSessionFailed: (_: unknown, error: unknown) => {
        throw error;
      },
    };
    this.feed = new CameraFeed(context, 0, new StreamCounters(this.counters).reader(0, 0), this.ring);
    this.session = new PreviewSession(0, this.tape, card, cardParameters);
    this.session.begin(published, 0);
    this.feed.join(this.session);
  }

  /** A new publisher, whose pictures are 1080 or 720 lines high. */
  publish(lines: 1080 | 720 = 1080): void {
    this.writer.startStream();
    this.parameters(lines);
  }

  parameters(lines: 1080 | 720): void {
    const record = { codec: 'h264', sps: [lines === 1080 ? sps : sps720], pps: [pps], fps: 30 };
    this.writer.writeSequenceHeader(encode(record), 0, this.nowMs * 1000);
  }

  /** A picture of this moment, or of `dtsMs`; the first one has the number 0. The feed is pumped, unless another is to come first. */
  frame(options: { key?: boolean; dtsMs?: number; cts?: number; flags?: number; isBurst?: boolean } = {}): void {
    const { key = false, dtsMs = this.nowMs, cts = 0, flags = 0, isBurst = false } = options;
    const unit = Buffer.alloc(28, 0xaa);
    unit.writeUInt32BE(unit.length - 4);
    unit[4] = key ? 0x65 : 0x41;
    unit.writeUInt32BE(this.#next++, unit.length - 4);
    this.writer.begin(unit.length, key);
    this.writer.append(unit, 0, unit.length);
    this.writer.commit(flags | (key ? recordFlag.keyframe : 0), dtsMs, cts, this.nowMs * 1000);
    if (!isBurst) this.pump();
  }

  /** Pictures every `stepMs`, of which the first is a keyframe; then time stands behind the last. */
  gop(frames: number, stepMs = 40): void {
    for (let i = 0; i < frames; i++) {
      this.frame({ key: i === 0 });
      this.nowMs += stepMs;
    }
  }

  pump(): void {
    while (this.feed.pump(this.nowMs));
  }

  /** Time goes on without a picture, looked at four times a second. */
  wait(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; ) {
      this.nowMs = Math.min(endMs, this.nowMs + 250);
      this.session.sweep(this.feed, this.nowMs);
    }
  }
}
