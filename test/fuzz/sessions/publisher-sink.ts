import { Publisher } from '../../../src/ingest/publisher.ts';
import { createRing } from '../../../src/shm/frame-ring.ts';
import { ReaderSlot, RingReader } from '../../../src/shm/ring-reader.ts';
import { RingWriter } from '../../../src/shm/ring-writer.ts';
import { StreamCounters } from '../../../src/shm/stream-counters.ts';
import type { Outcome } from './target.ts';

/** Publishers, one after another, on one ring whose reader notes everything that comes out. */
export class PublisherSink {
  readonly #ring = createRing({
    frames: 300,
    initialBytes: 65536,
    maximumBytes: 1024 * 1024,
    hardMaximumBytes: 24 * 1024 * 1024,
    gopCache: false,
  });
  readonly #reader = new RingReader(this.#ring);
  readonly #slot = ReaderSlot.claim(this.#ring, 0);
  readonly #counters = new StreamCounters(StreamCounters.create(1));
  #publisher: Publisher | null = null;
  #outcome: Outcome | null = null;

  constructor() {
    this.#slot.publish(this.#reader.cursor);
  }

  /** The one that is live. */
  get publisher(): Publisher | null {
    return this.#publisher;
  }

  /** A new publisher; what it writes goes into `outcome`. */
  open(outcome: Outcome, nowMs: number): Publisher {
    this.close();
    this.#outcome = outcome;
    this.#reader.seekLive();
    this.#publisher = new Publisher({
      writer: new RingWriter(this.#ring),
      counters: this.#counters.publisher(0),
      ring: () => this.#collect(),
      wallMs: () => 1_700_000_000_000,
      pressure: { saturated: false, lateMs: () => 0 },
      random: Math.random,
      onEvent: (event) => outcome.say(event.type),
    });
    this.#publisher.start(nowMs);
    return this.#publisher;
  }

  close(): void {
    const publisher = this.#publisher;
    if (publisher === null) return;
    this.#publisher = null;
    publisher.stop();
    const { frames, truncated, seiOnly, nonH264, tolerated } = this.#counters.publisher(0).snapshot();
    this.#outcome?.say(`${frames} ${truncated} ${seiOnly} ${nonH264} ${tolerated}`);
  }

  #collect(): void {
    const reader = this.#reader;
    const outcome = this.#outcome!;
    for (;;) {
      const state = reader.peek();
      if (state === 0) break;
      if (state < 0) throw new Error('the reader was overrun by its own thread');
      outcome.say(`${reader.kind} ${reader.flags} ${reader.dtsMs} ${reader.ptsOffsetMs} ${reader.length}`);
      outcome.bytes(reader.buffer.subarray(reader.offset, reader.offset + reader.length));
      reader.advance();
    }
    this.#slot.publish(reader.cursor);
  }
}
