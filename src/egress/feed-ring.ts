import { ReaderSlot, RingReader } from '../shm/ring-reader.ts';
import { decodeParameterSets, type ParameterSets } from './parameter-sets.ts';

/**
 * Where a reader of a ring begins: `next` at the next record to be written, `keyframe` at the newest keyframe if there is one,
 * `oldest` at the first record that is there, for readers who have waited for the ring.
 */
export type StartAt = 'next' | 'keyframe' | 'oldest';

/** The newest record of a ring that a reader of this thread has got, if there is one. */
interface NewestDelivery {
  any: boolean;
  sequence: number;
}

/** Of each ring, beyond its last reader: with the GOP cache the next one begins at records that have been counted. */
const deliveries = new WeakMap<SharedArrayBuffer, NewestDelivery>();

/**
 * One ring of a camera as this thread reads it. A camera has a second one for as long as some sessions still drain the
 * ring that it replaces:
 *
 *     FeedRing (old) --next--> FeedRing (new)
 *        |  sessions that lag      |  sessions that have drained the old one
 */
export class FeedRing {
  readonly memory: SharedArrayBuffer;
  /** Walks in front: sessions read up to its cursor, which the pacer moves. */
  readonly lead: RingReader;
  /** The ring that follows this one once it is drained. */
  next: FeedRing | null = null;
  /** The lead has read it to its end and has gone on to {@link next}. */
  finished = false;
  readonly #slot: ReaderSlot;
  /** Cursors at the first record of this ring for sessions that still drain the ring before it. */
  readonly #prepared = new Map<object, RingReader>();
  #parameters: ParameterSets | null = null;
  readonly #delivered: NewestDelivery;

  /** Claims the thread's reader slot in the ring. The lead begins where `start` says. */
  constructor(memory: SharedArrayBuffer, slot: number, start: StartAt) {
    this.memory = memory;
    this.#delivered = deliveries.get(memory) ?? { any: false, sequence: 0 };
    deliveries.set(memory, this.#delivered);
    this.lead = openReader(memory, start);
    // Only now: the slot may hold the first records for us already, see the ring store.
    this.#slot = ReaderSlot.claim(memory, slot, this.lead.cursor);
  }

  /** The parameter sets of the stream in a ring that nobody here reads. */
  static parametersIn(memory: SharedArrayBuffer): ParameterSets | null {
    const current = new RingReader(memory).readParameters();
    return current === null ? null : decodeParameterSets(current.payload, current.version);
  }

  /** Keeps the place of a session that still reads the ring before this one. */
  prepare(session: object): void {
    this.#prepared.set(session, openReader(this.memory, 'oldest'));
  }

  /** The session will not come. */
  forget(session: object): void {
    this.#prepared.delete(session);
  }

  /** The cursor that was kept for the session, or one at the oldest record. */
  takePrepared(session: object): RingReader {
    const reader = this.#prepared.get(session) ?? openReader(this.memory, 'oldest');
    this.#prepared.delete(session);
    return reader;
  }

  /** True for the first session that delivers this record, when sessions deliver in order. */
  firstDelivery(sequence: number): boolean {
    const newest = this.#delivered;
    if (newest.any && ((sequence - newest.sequence) | 0) <= 0) return false;
    newest.any = true;
    newest.sequence = sequence;
    return true;
  }

  /** The parameter sets of a sequence header record that `reader` has loaded; decoded once for all sessions. */
  parametersOf(reader: RingReader): ParameterSets | null {
    if (this.#parameters?.version === reader.parametersVersion) return this.#parameters;
    const { offset, length, parametersVersion } = reader;
    const payload = new Uint8Array(reader.buffer.subarray(offset, offset + length));
    if (!reader.stillValid()) return this.#parameters;
    return this.#keep(decodeParameterSets(payload, parametersVersion));
  }

  /** The parameter sets of the present stream, null before its sequence header. */
  currentParameters(): ParameterSets | null {
    const current = this.lead.readParameters();
    if (current === null) return null;
    if (this.#parameters?.version === current.version) return this.#parameters;
    return this.#keep(decodeParameterSets(current.payload, current.version));
  }

  /** Tells the writer how far this thread is; `cursor` is that of the slowest session in this ring. */
  publish(cursor: number): void {
    let slowest = cursor;
    if (this.#prepared.size > 0) {
      for (const reader of this.#prepared.values()) {
        if (((reader.cursor - slowest) | 0) < 0) slowest = reader.cursor;
      }
    }
    this.#slot.publish(slowest);
  }

  release(): void {
    this.#slot.release();
  }

  #keep(parameters: ParameterSets | null): ParameterSets | null {
    if (parameters !== null) this.#parameters = parameters;
    return parameters;
  }
}

/** A cursor that begins where `start` says. */
export function openReader(memory: SharedArrayBuffer, start: StartAt): RingReader {
  const reader = new RingReader(memory);
  if (start === 'keyframe') reader.seekNewestKeyframe();
  else if (start === 'oldest') reader.seekOldest();
  return reader;
}
