import { decode } from '@msgpack/msgpack';
import { parameterSetsToAvcc } from '../h264/parameter-sets.ts';

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

function isByteStrings(value: unknown): value is Uint8Array[] {
  return Array.isArray(value) && value.every((item) => item instanceof Uint8Array);
}
