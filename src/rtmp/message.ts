import { writeU16, writeU32 } from '../base/bytes.ts';

/** RTMP message type ids (RTMP 1.0, clauses 5.4 and 7.1). */
export const messageType = {
  setChunkSize: 1,
  abort: 2,
  acknowledgement: 3,
  userControl: 4,
  windowAcknowledgementSize: 5,
  setPeerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  sharedObjectAmf3: 16,
  commandAmf3: 17,
  dataAmf0: 18,
  sharedObjectAmf0: 19,
  commandAmf0: 20,
  aggregate: 22,
} as const;

/** User control event types (clause 7.1.7). */
export const userControlEvent = {
  streamBegin: 0,
  streamEof: 1,
  streamDry: 2,
  setBufferLength: 3,
  streamIsRecorded: 4,
  pingRequest: 6,
  pingResponse: 7,
} as const;

/** Set Peer Bandwidth limit types (clause 5.4.5). */
export const bandwidthLimit = { hard: 0, soft: 1, dynamic: 2 } as const;

/** Chunk streams on which we send. Larix for Android insists on 2 for control and 3 for command results. */
export const outputCsid = { control: 2, command: 3, data: 4, status: 5, video: 6 } as const;

/** Body of a message that is one 32-bit number: Set Chunk Size, Acknowledgement, Window Acknowledgement Size. */
export function encodeU32(value: number): Buffer {
  const body = Buffer.allocUnsafe(4);
  writeU32(body, 0, value);
  return body;
}

/** Body of Set Peer Bandwidth. */
export function encodePeerBandwidth(bytes: number, limit: number): Buffer {
  const body = Buffer.allocUnsafe(5);
  body[writeU32(body, 0, bytes)] = limit;
  return body;
}

/** Body of a user control message whose event data is one 32-bit number. */
export function encodeUserControl(event: number, value: number): Buffer {
  const body = Buffer.allocUnsafe(6);
  writeU32(body, writeU16(body, 0, event), value);
  return body;
}
