/** FLV legacy codec id of H.264 (FLV 10.1, E.4.3.1). */
export const legacyAvc = 7;

/** FourCC of H.264 in Enhanced RTMP, as a big-endian number. */
export const fourCcAvc = 0x61766331;

const legacyNames: Readonly<Record<number, string>> = {
  1: 'JPEG',
  2: 'Sorenson H.263',
  3: 'Screen video',
  4: 'VP6',
  5: 'VP6 with alpha',
  6: 'Screen video 2',
  7: 'H.264',
  // Not in any Adobe text: the extension that Chinese camera makers use.
  12: 'HEVC',
  13: 'AV1',
};

const fourCcNames: Readonly<Record<string, string>> = {
  avc1: 'H.264',
  hvc1: 'HEVC',
  hev1: 'HEVC',
  vvc1: 'VVC',
  av01: 'AV1',
  vp08: 'VP8',
  vp09: 'VP9',
};

/** A name for a codec as an operator knows it. `codec` is a legacy id (below 16) or a FourCC as a big-endian number. */
export function videoCodecName(codec: number): string {
  if (codec < 16) return legacyNames[codec] ?? `FLV codec ${codec}`;
  let text = '';
  for (let shift = 24; shift >= 0; shift -= 8) {
    const byte = (codec >>> shift) & 0xff;
    // Only printable ASCII: the name ends up in logs and pages.
    text += byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
  }
  return (Object.hasOwn(fourCcNames, text) ? fourCcNames[text] : undefined) ?? `FourCC ${text}`;
}
