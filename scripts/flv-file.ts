/** Reads FLV files (Adobe FLV 10.1, annex E): enough to replay a clip, without ffmpeg and without the server's code. */
import { readFileSync } from 'node:fs';

/** One tag: an RTMP message waiting to be sent. */
export interface FlvTag {
  /** RTMP message type: 8 audio, 9 video, 18 script data. */
  readonly type: number;
  /** Milliseconds, 32 bits unsigned. */
  readonly timestampMs: number;
  readonly body: Buffer;
}

/** A whole clip as a publisher sends it. */
export interface FlvClip {
  /** Script data, usually onMetaData, or null. */
  readonly metadata: FlvTag | null;
  /** AVC sequence headers of the start of the file; normally one. */
  readonly headers: readonly FlvTag[];
  /** Frames in order of sending, timestamps counted from the first. */
  readonly frames: readonly FlvTag[];
  /** Length in milliseconds including the last frame's own: add it to all timestamps of the next repetition. */
  readonly durationMs: number;
}

const fileHeaderLength = 9;
const tagHeaderLength = 11;
const backPointerLength = 4;

/** All tags in order. Throws an Error if the bytes are no FLV file or end inside a tag. */
export function parseFlv(bytes: Buffer): FlvTag[] {
  if (bytes.length < fileHeaderLength + backPointerLength || bytes.toString('latin1', 0, 3) !== 'FLV' || bytes[3] !== 1)
    throw new Error('this is no FLV file of version 1');
  const tags: FlvTag[] = [];
  let at = bytes.readUInt32BE(5) + backPointerLength;
  while (at < bytes.length) {
    if (at + tagHeaderLength > bytes.length) throw new Error(`the FLV file ends inside the tag header at ${at}`);
    const length = bytes.readUIntBE(at + 1, 3);
    const end = at + tagHeaderLength + length;
    if (end > bytes.length) throw new Error(`the FLV file ends inside the tag at ${at}`);
    // The top byte of the timestamp comes last.
    const timestampMs = bytes.readUIntBE(at + 4, 3) + bytes[at + 7]! * 0x1000000;
    tags.push({ type: bytes[at]! & 0x1f, timestampMs, body: bytes.subarray(at + tagHeaderLength, end) });
    at = end + backPointerLength;
  }
  return tags;
}

/** Sorts the tags of an H.264 clip for replay; audio is left out. Throws an Error if there is no frame. */
export function clipOf(tags: readonly FlvTag[]): FlvClip {
  const video = tags.filter((tag) => tag.type === 9 && tag.body.length >= 5 && (tag.body[0]! & 0x0f) === 7);
  const headers = video.filter((tag) => tag.body[1] === 0);
  const coded = video.filter((tag) => tag.body[1] === 1);
  const first = coded[0];
  if (first === undefined) throw new Error('the clip has no H.264 frame');
  const frames = coded.map((tag) => ({ ...tag, timestampMs: tag.timestampMs - first.timestampMs }));
  const last = frames.at(-1)!.timestampMs;
  const frameMs = frames.length > 1 ? last / (frames.length - 1) : 40;
  return {
    metadata: tags.find((tag) => tag.type === 18) ?? null,
    headers,
    frames,
    durationMs: Math.round(last + frameMs),
  };
}

/** Reads a clip from a file. Throws an Error if it cannot be read or is malformed. */
export function readClip(file: string): FlvClip {
  return clipOf(parseFlv(readFileSync(file)));
}

/** True for a frame that starts a GOP (frame type 1 of its VideoTagHeader). */
export function isKeyframe(tag: FlvTag): boolean {
  return tag.type === 9 && tag.body[0]! >>> 4 === 1;
}
