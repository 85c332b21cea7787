import { decode } from '@msgpack/msgpack';
import { parameterSetId, parameterSetsToAvcc, referredSpsId } from '../h264/parameter-sets.ts';

/** What a sequence header record says about a stream, ready to be sent in front of IDR pictures. */
export interface ParameterSets {
  /** The ring's `parametersVersion` that these belong to. */
  readonly version: number;
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
  /** Every SPS, then every PPS, each behind its 4-byte length. */
  readonly units: Buffer;
  /** Frames per second, 0 = not known. */
  readonly fps: number;
}

/**
 * Decodes the payload of a sequence header record. `payload` must be a copy: the results share its memory. Null when it
 * is not one, which is only possible when it was overwritten while it was read.
 */
export function decodeParameterSets(payload: Uint8Array, version: number): ParameterSets | null {
  let record: unknown;
  try {
    record = decode(payload);
  } catch {
    return null;
  }
  if (typeof record !== 'object' || record === null) return null;
  const { sps, pps, fps } = record as Record<string, unknown>;
  if (!isByteStrings(sps) || !isByteStrings(pps)) return null;
  return { version, sps, pps, units: parameterSetsToAvcc(sps, pps), fps: typeof fps === 'number' ? fps : 0 };
}

/** The SPS in use, which is the first, and a PPS that refers to it: for who has room for one of each. The others come in band. */
export function setsInUse(
  sps: readonly Uint8Array[],
  pps: readonly Uint8Array[],
): { readonly sps: Uint8Array | null; readonly pps: Uint8Array | null } {
  const [used = null] = sps;
  const id = used === null ? -1 : parameterSetId(used, 0, used.length);
  const fitting = pps.find((unit) => referredSpsId(unit) === id);
  return { sps: used, pps: fitting ?? pps[0] ?? null };
}

function isByteStrings(value: unknown): value is Uint8Array[] {
  return Array.isArray(value) && value.every((item) => item instanceof Uint8Array);
}
