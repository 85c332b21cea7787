/** Where things stand in a fragment of the server (ISO/IEC 14496-12 clause 8.8), which holds these boxes in this order and no others. */
const at = { type: 4, decodeMs: 60, count: 80, samples: 88 } as const;
const sampleBytes = 16;

const typeMoof = 0x6d6f6f66;
/** sample_is_non_sync_sample. */
const otherFlag = 0x10000;

/** Seconds at which those pictures of a fragment are shown that a decoder can start at. None of what is no fragment. */
export function keyframeSeconds(fragment: ArrayBuffer): number[] {
  const view = new DataView(fragment);
  if (view.byteLength < at.samples || view.getUint32(at.type) !== typeMoof) return [];
  const count = view.getUint32(at.count);
  const found: number[] = [];
  let decodeMs = view.getUint32(at.decodeMs) * 2 ** 32 + view.getUint32(at.decodeMs + 4);
  for (let i = 0; i < count; i++) {
    const sample = at.samples + i * sampleBytes;
    const isKeyframe = (view.getUint32(sample + 8) & otherFlag) === 0;
    if (isKeyframe) found.push((decodeMs + view.getInt32(sample + 12)) / 1000);
    decodeMs += view.getUint32(sample);
  }
  return found;
}

/**
 * Up to where video may be forgotten that a picture at `current` does not need, when some is to be kept behind it; null for nothing.
 * That ends at a keyframe: what is removed takes with it all that follows up to the next one.
 */
export function chooseTrim(keyframes: readonly number[], oldest: number, current: number, kept: number): number | null {
  const keyframe = keyframes.findLast((seconds) => seconds <= current - kept);
  // A little less, as a browser counts in other fractions.
  return keyframe === undefined || keyframe - 0.002 <= oldest ? null : keyframe - 0.001;
}
