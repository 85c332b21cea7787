import { encode } from '@msgpack/msgpack';
import type { StreamMetadata } from '../control/messages.ts';
import { videoCodecName } from '../flv/video-codec.ts';

/** Characters kept of a text that the publisher chose. */
const textLength = 64;

/** Numbers above this are noise: no frame rate, size or bitrate gets there. */
const highestNumber = 1e9;

/** SoundFormat of FLV 10.1, E.4.2.1. */
const audioNames: Readonly<Record<number, string>> = {
  0: 'PCM',
  1: 'ADPCM',
  2: 'MP3',
  3: 'PCM',
  4: 'Nellymoser 16 kHz',
  5: 'Nellymoser 8 kHz',
  6: 'Nellymoser',
  7: 'G.711 A-law',
  8: 'G.711 mu-law',
  10: 'AAC',
  11: 'Speex',
  14: 'MP3 8 kHz',
};

/** Picks the known fields out of the values of an onMetaData object, under all names in use for them. Never throws. */
export function readStreamMetadata(values: ReadonlyMap<string, unknown>): StreamMetadata {
  return {
    width: number(values, 'width', 'displayWidth'),
    height: number(values, 'height', 'displayHeight'),
    fps: number(values, 'framerate', 'fps', 'videoFrameRate', 'videoframerate'),
    videoKbps: number(values, 'videodatarate', 'videoBitrate', 'videobitrate'),
    videoCodec: codec(values.get('videocodecid'), videoCodecName),
    audioCodec: codec(values.get('audiocodecid'), audioCodecName),
    audioHz: number(values, 'audiosamplerate', 'audioSampleRate'),
    audioKbps: number(values, 'audiodatarate', 'audioBitrate', 'audiobitrate'),
    audioChannels: channels(values),
    encoder: text(values.get('encoder')),
  };
}

/** The payload of a metadata record. */
export function encodeStreamMetadata(metadata: StreamMetadata): Uint8Array {
  // The encoder returns a part of its buffer of 2 KiB, all of which would be kept.
  return encode(metadata).slice();
}

/** The first of the names that has a usable number; some encoders send numbers as text. */
function number(values: ReadonlyMap<string, unknown>, ...names: readonly string[]): number {
  for (const name of names) {
    const value = values.get(name);
    const parsed = typeof value === 'string' && value !== '' && value.length <= textLength ? Number(value) : value;
    if (typeof parsed === 'number' && parsed > 0 && parsed <= highestNumber) return parsed;
  }
  return 0;
}

function channels(values: ReadonlyMap<string, unknown>): number {
  const count = number(values, 'audiochannels');
  if (count > 0) return count;
  const stereo = values.get('stereo');
  if (stereo === true) return 2;
  return stereo === false ? 1 : 0;
}

/** Codec ids come as FLV numbers, as FourCC numbers, and as text of either. */
function codec(value: unknown, nameOf: (id: number) => string): string {
  if (typeof value === 'string') {
    const id = /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
    if (Number.isNaN(id)) return value.length === 4 ? nameOf(fourCc(value)) : text(value);
    return codec(id, nameOf);
  }
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 0xffffffff ? nameOf(value) : '';
}

function audioCodecName(id: number): string {
  if (id >= 16) return videoCodecName(id).replace('FourCC mp4a', 'AAC').replace('FourCC Opus', 'Opus');
  return audioNames[id] ?? `FLV sound format ${id}`;
}

function fourCc(value: string): number {
  let code = 0;
  for (let i = 0; i < 4; i++) code = code * 256 + (value.charCodeAt(i) & 0xff);
  return code;
}

/** Bounded, and without control characters: it ends up in logs and pages. */
function text(value: unknown): string {
  if (typeof value !== 'string') return '';
  let kept = '';
  for (const character of value.slice(0, textLength)) {
    const code = character.codePointAt(0)!;
    if (code >= 0x20 && (code < 0x7f || code > 0x9f)) kept += character;
  }
  return kept;
}
