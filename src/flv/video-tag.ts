import { readI24, readU16, readU24, readU32 } from '../base/bytes.ts';
import { fourCcAvc, legacyAvc } from './video-codec.ts';

/** What the body of a video message holds. */
export const videoKind = {
  /** One access unit, or part of one. */
  frames: 1,
  /** AVCDecoderConfigurationRecord. */
  sequenceHeader: 2,
  /** The encoder ended this sequence; a new sequence header may follow. */
  endOfSequence: 3,
  /** Command frames, metadata and packets without a meaning here. */
  ignored: 4,
  /** Too short, or a packet type that does not exist. */
  malformed: 5,
  /** Not H.264; `codec` says what it is. */
  otherCodec: 6,
} as const;

/** {@link videoHeadBytes} of a message that must be looked at as a whole. */
export const wholeMessage = 0x7fffffff;

/** Frame type of a command frame: one byte for the player, no picture (FLV 10.1, E.4.3.1). */
const commandFrame = 5;

/** Enhanced RTMP VideoPacketType. */
const packet = {
  sequenceStart: 0,
  codedFrames: 1,
  sequenceEnd: 2,
  codedFramesX: 3,
  metadata: 4,
  mpeg2TsSequenceStart: 5,
  multitrack: 6,
  modEx: 7,
} as const;

/** Enhanced RTMP AvMultitrackType. */
const multitrack = { oneTrack: 0, manyTracks: 1, manyTracksManyCodecs: 2 } as const;

/** ModEx packets may follow one another; real senders use one. */
const modExRounds = 8;

/** A decoded video tag header; one object is used again and again. */
export class VideoTag {
  /** One of {@link videoKind}. */
  kind: number = videoKind.malformed;
  /** Legacy codec id (below 16) or FourCC as a big-endian number. */
  codec = 0;
  /** The frame type says keyframe. Encoders set it wrongly both ways: a hint. */
  keyframe = false;
  /** SI24 composition time offset in milliseconds, 0 where the packet has none. */
  compositionMs = 0;
  /** The payload behind the header: [start, end) of the bytes given to {@link decodeVideoTag}. */
  start = 0;
  end = 0;
}

/** How many bytes {@link decodeVideoTag} must see, judged by the first one; the message may be shorter than that. */
export function videoHeadBytes(first: number): number {
  if ((first & 0x80) === 0) return (first & 15) === legacyAvc && first >> 4 !== commandFrame ? 5 : 1;
  const type = first & 15;
  if (type === packet.modEx || type === packet.multitrack) return wholeMessage;
  return type === packet.codedFrames ? 8 : 5;
}

/**
 * Decodes the VideoTagHeader (FLV 10.1, E.4.3.1) or ExVideoTagHeader (Enhanced RTMP v2) at `start` into `tag`. `end` is the
 * end of the message, or of at least {@link videoHeadBytes} of it. Never throws.
 */
export function decodeVideoTag(tag: VideoTag, bytes: Uint8Array, start: number, end: number): void {
  tag.kind = videoKind.malformed;
  tag.codec = 0;
  tag.keyframe = false;
  tag.compositionMs = 0;
  tag.start = start;
  tag.end = end;
  if (start >= end) return;
  const first = bytes[start]!;
  tag.keyframe = ((first >> 4) & 7) === 1;
  if ((first & 0x80) === 0) decodeLegacy(tag, bytes, first);
  else decodeEnhanced(tag, bytes, first);
}

function decodeLegacy(tag: VideoTag, bytes: Uint8Array, first: number): void {
  tag.codec = first & 15;
  if (first >> 4 === commandFrame) {
    tag.kind = videoKind.ignored;
    return;
  }
  if (tag.codec !== legacyAvc) {
    tag.kind = videoKind.otherCodec;
    return;
  }
  if (tag.end - tag.start < 5) return;
  const type = bytes[tag.start + 1]!;
  tag.compositionMs = readI24(bytes, tag.start + 2);
  tag.start += 5;
  if (type === 1) tag.kind = videoKind.frames;
  else if (type === 0) tag.kind = videoKind.sequenceHeader;
  else if (type === 2) tag.kind = videoKind.endOfSequence;
}

function decodeEnhanced(tag: VideoTag, bytes: Uint8Array, first: number): void {
  let type = first & 15;
  let at = tag.start + 1;
  for (let round = 0; type === packet.modEx; round++) {
    // Nanosecond offsets are below the millisecond that everything here counts in, so ModEx is only stepped over.
    if (round === modExRounds || tag.end - at < 1) return;
    let size = bytes[at]! + 1;
    at += 1;
    if (size === 256) {
      if (tag.end - at < 2) return;
      size = readU16(bytes, at) + 1;
      at += 2;
    }
    if (tag.end - at < size + 1) return;
    at += size;
    type = bytes[at]! & 15;
    at += 1;
  }
  // Metadata packets carry frame type 5 too (FFmpeg 7), so the packet type is looked at first.
  if (type !== packet.metadata && ((first >> 4) & 7) === commandFrame) {
    tag.kind = videoKind.ignored;
    return;
  }
  if (type === packet.multitrack) {
    decodeMultitrack(tag, bytes, at);
    return;
  }
  if (tag.end - at < 4) return;
  tag.codec = readU32(bytes, at);
  decodePacket(tag, bytes, type, at + 4, tag.end);
}

/** Takes the track with id 0 and leaves the others. */
function decodeMultitrack(tag: VideoTag, bytes: Uint8Array, from: number): void {
  let at = from;
  if (tag.end - at < 1) return;
  const layout = bytes[at]! >> 4;
  const type = bytes[at]! & 15;
  at += 1;
  if (type === packet.multitrack || type === packet.modEx || layout > multitrack.manyTracksManyCodecs) return;
  if (layout !== multitrack.manyTracksManyCodecs) {
    if (tag.end - at < 4) return;
    tag.codec = readU32(bytes, at);
    at += 4;
  }
  while (at < tag.end) {
    if (layout === multitrack.manyTracksManyCodecs) {
      if (tag.end - at < 4) return;
      tag.codec = readU32(bytes, at);
      at += 4;
    }
    if (tag.end - at < 1) return;
    const track = bytes[at]!;
    at += 1;
    let trackEnd = tag.end;
    if (layout !== multitrack.oneTrack) {
      if (tag.end - at < 3) return;
      trackEnd = at + 3 + readU24(bytes, at);
      at += 3;
      if (trackEnd > tag.end) return;
    }
    if (track === 0) {
      decodePacket(tag, bytes, type, at, trackEnd);
      return;
    }
    at = trackEnd;
  }
  tag.kind = videoKind.ignored;
}

function decodePacket(tag: VideoTag, bytes: Uint8Array, type: number, at: number, end: number): void {
  tag.start = at;
  tag.end = end;
  if (type === packet.sequenceEnd) tag.kind = videoKind.endOfSequence;
  else if (type === packet.metadata) tag.kind = videoKind.ignored;
  else if (type > packet.mpeg2TsSequenceStart) tag.kind = videoKind.malformed;
  else if (tag.codec !== fourCcAvc) tag.kind = videoKind.otherCodec;
  else if (type === packet.sequenceStart) tag.kind = videoKind.sequenceHeader;
  else if (type === packet.codedFramesX) tag.kind = videoKind.frames;
  else if (type === packet.codedFrames && end - at >= 3) {
    tag.compositionMs = readI24(bytes, at);
    tag.start = at + 3;
    tag.kind = videoKind.frames;
  }
}
