import { encode } from '@msgpack/msgpack';
import { limits } from '../base/limits.ts';
import type { AvcDecoderConfig } from '../h264/avc-decoder-config.ts';
import { nalType } from '../h264/nal-unit.ts';
import { parameterSetId } from '../h264/parameter-sets.ts';
import { decodeSps, type SpsFacts } from '../h264/sps.ts';

/** The MessagePack payload of a sequence header record. */
export interface SequenceHeaderPayload {
  readonly codec: 'h264';
  /** The SPS in use first, then the others by id. */
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
  /** Luma samples after cropping; 0 when no SPS could be read. */
  readonly width: number;
  readonly height: number;
  /** Frames per second by the SPS, 0 = unknown. */
  readonly fps: number;
  readonly profile: number;
  readonly level: number;
}

/**
 * The parameter sets of one stream by id, from sequence headers and from the stream itself. A set that is already known byte
 * for byte changes nothing, and the check allocates nothing.
 */
export class SequenceHeaderStore {
  readonly #sps = new Map<number, Buffer>();
  readonly #pps = new Map<number, Buffer>();
  #bytes = 0;
  #header: Buffer | null = null;
  #activeSps = -1;
  /** Of the SPS in use, if it can be read. */
  facts: SpsFacts | null = null;
  /** Whether there is an SPS and a PPS. */
  complete = false;
  /** Parameter sets that were new, or not what they had been; only ever growing. */
  changes = 0;
  #changed = false;

  /** Parameter sets that are known. */
  get size(): number {
    return this.#sps.size + this.#pps.size;
  }

  /** Whether something changed since {@link take}, and there is enough to decode with. */
  get unwritten(): boolean {
    return this.#changed && this.complete;
  }

  /** Whether [start, end) is the sequence header that came last; remembers it if not. */
  repeats(bytes: Buffer, start: number, end: number): boolean {
    const last = this.#header;
    if (last !== null && last.length === end - start && last.compare(bytes, start, end) === 0) return true;
    this.#header = ownCopy(bytes, start, end);
    return false;
  }

  /** Replaces all sets by those of a sequence header; one without any leaves what the stream itself brought. */
  replace(config: AvcDecoderConfig): void {
    if (config.sps.length === 0 && config.pps.length === 0) return;
    for (const id of this.#sps.keys()) if (!holds(config.sps, id)) this.#remove(this.#sps, id);
    for (const id of this.#pps.keys()) if (!holds(config.pps, id)) this.#remove(this.#pps, id);
    for (const unit of config.pps) this.learn(unit, 0, unit.length);
    // Backwards, so that the first one is the one in use; it may have been known before.
    for (const unit of [...config.sps].reverse()) this.learn(unit, 0, unit.length);
    const [first] = config.sps;
    if (first !== undefined) this.bringIntoUse(first, 0, first.length);
  }

  /** The SPS NAL unit [start, end), which may have been known before, is the one in use. */
  bringIntoUse(bytes: Uint8Array, start: number, end: number): void {
    const id = parameterSetId(bytes, start, end);
    const known = this.#sps.get(id);
    if (known === undefined || id === this.#activeSps) return;
    this.#use(id, known);
    this.#setsChanged();
  }

  /** Learns the SPS or PPS NAL unit [start, end). Returns false when it is none, or does not fit the bounds. */
  learn(bytes: Uint8Array, start: number, end: number): boolean {
    const id = parameterSetId(bytes, start, end);
    if (id < 0) return false;
    const isSps = (bytes[start]! & 0x1f) === nalType.sps;
    const sets = isSps ? this.#sps : this.#pps;
    const known = sets.get(id);
    if (known !== undefined && known.length === end - start && known.compare(bytes, start, end) === 0) return true;
    if (this.#bytes - (known?.length ?? 0) + (end - start) > limits.h264.parameterSetBytes) return false;
    const unit = ownCopy(bytes, start, end);
    this.#bytes += unit.length - (known?.length ?? 0);
    sets.set(id, unit);
    this.changes++;
    if (isSps) this.#use(id, unit);
    this.#setsChanged();
    return true;
  }

  /** The SPS with this id is the one in use. */
  #use(id: number, unit: Buffer): void {
    this.#activeSps = id;
    this.facts = decodeSps(unit);
  }

  /** The payload of a sequence header record with all that is known; resets {@link unwritten}. */
  take(): Uint8Array {
    this.#changed = false;
    const active = this.#sps.get(this.#activeSps);
    const others = inOrder(this.#sps).filter((unit) => unit !== active);
    const payload: SequenceHeaderPayload = {
      codec: 'h264',
      sps: active === undefined ? others : [active, ...others],
      pps: inOrder(this.#pps),
      width: this.facts?.width ?? 0,
      height: this.facts?.height ?? 0,
      fps: this.facts?.fps ?? 0,
      profile: this.facts?.profile ?? active?.[1] ?? 0,
      level: this.facts?.level ?? active?.[3] ?? 0,
    };
    return encode(payload);
  }

  #remove(sets: Map<number, Buffer>, id: number): void {
    this.#bytes -= sets.get(id)?.length ?? 0;
    sets.delete(id);
    if (sets === this.#sps && id === this.#activeSps) {
      this.#activeSps = -1;
      this.facts = null;
    }
    this.#setsChanged();
  }

  #setsChanged(): void {
    this.complete = this.#sps.size > 0 && this.#pps.size > 0;
    this.#changed = true;
  }
}

/** In memory of its own: a slice of Node's buffer pool would keep all of that for as long as the camera publishes. */
function ownCopy(bytes: Uint8Array, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafeSlow(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

function holds(units: readonly Uint8Array[], id: number): boolean {
  return units.some((unit) => parameterSetId(unit, 0, unit.length) === id);
}

function inOrder(sets: Map<number, Buffer>): Buffer[] {
  return [...sets.entries()].sort((a, b) => a[0] - b[0]).map((entry) => entry[1]);
}
