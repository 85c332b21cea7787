import { RingMemory } from '../shm/layout.ts';
import { ReaderSlot, RingReader } from '../shm/ring-reader.ts';
import { decodeParameterSets, type ParameterSets } from './parameter-sets.ts';

/**
 * Where a reader of a ring begins: `next` at the next record to be written, `keyframe` at the newest keyframe if there is one,
 * `oldest` at the first record that is there, for readers who have waited for the ring.
 */
export type StartAt = 'next' | 'keyframe' | 'oldest';

/**
 * Of each ring, by the slots of its records: which of them readers of this thread have got. It outlives the last reader, since with the
 * GOP cache the next one begins at records that have been counted.
 */
const deliveries = new WeakMap<SharedArrayBuffer, Int32Array>();

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
  readonly #delivered: Int32Array;

  /** Claims the thread's reader slot in the ring. The lead begins where `start` says. */
  constructor(memory: SharedArrayBuffer, slot: number, start: StartAt) {
    this.memory = memory;
    this.#delivered = deliveriesOf(memory);
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

  /** True for the first session that delivers this record, also when others that have passed over it are ahead. */
  firstDelivery(sequence: number): boolean {
    const delivered = this.#delivered;
    const slot = (sequence >>> 0) % delivered.length;
    if (delivered[slot] === sequence) return false;
    delivered[slot] = sequence;
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

function deliveriesOf(memory: SharedArrayBuffer): Int32Array {
  const known = deliveries.get(memory);
  if (known !== undefined) return known;
  // No record that belongs into a slot has the number of the next one.
  const fresh = new Int32Array(new RingMemory(memory).frames).map((_, slot) => slot + 1);
  deliveries.set(memory, fresh);
  return fresh;
}

/** A cursor that begins where `start` says. */
export function openReader(memory: SharedArrayBuffer, start: StartAt): RingReader {
  const reader = new RingReader(memory);
  if (start === 'keyframe') reader.seekNewestKeyframe();
  else if (start === 'oldest') reader.seekOldest();
  return reader;
}
