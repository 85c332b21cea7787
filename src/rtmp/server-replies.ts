import type { AmfValue } from '../amf0/value.ts';
import { ChunkEncoder } from './chunk-encoder.ts';
import { encodeConnectResult, encodeNotification, encodeReply, encodeStatus, statusObject } from './command.ts';
import {
  bandwidthLimit,
  encodePeerBandwidth,
  encodeU32,
  encodeUserControl,
  messageType,
  outputCsid,
  userControlEvent,
} from './message.ts';

/** Bytes. What we announce as our window and what we take the peer's to be until it says so. */
export const defaultWindow = 2_500_000;

/** Bytes. FFmpeg takes it over for its own chunks, and fewer chunks cost less; replies never span two. */
const announcedChunkSize = 65_536;

/** Everything a server session says after the handshake, gathered so that one read is answered with one write. */
export class ServerReplies {
  readonly #encoder = new ChunkEncoder();
  readonly #output: (bytes: Uint8Array) => void;

  constructor(output: (bytes: Uint8Array) => void) {
    this.#output = output;
  }

  /** Hands over what was written since the last time. */
  flush(): void {
    if (this.#encoder.length > 0) this.#output(this.#encoder.take());
  }

  /** Window, bandwidth and chunk size go first: some clients misread a reply that spans chunks of 128 bytes. */
  connected(transaction: Uint8Array, objectEncoding: number): void {
    this.windowAcknowledgementSize(defaultWindow);
    const bandwidth = encodePeerBandwidth(defaultWindow, bandwidthLimit.dynamic);
    this.#encoder.write(outputCsid.control, messageType.setPeerBandwidth, 0, 0, bandwidth);
    this.#control(messageType.setChunkSize, encodeU32(announcedChunkSize));
    this.#encoder.chunkSize = announcedChunkSize;
    this.#command(outputCsid.command, 0, encodeConnectResult(transaction, objectEncoding));
  }

  result(transaction: Uint8Array, ...argument: AmfValue[]): void {
    this.#command(outputCsid.command, 0, encodeReply('_result', transaction, ...argument));
  }

  error(transaction: Uint8Array, code: string, description: string): void {
    this.#command(outputCsid.command, 0, encodeReply('_error', transaction, statusObject('error', code, description)));
  }

  /** `onStatus` on the message stream that it is about. */
  status(messageStreamId: number, level: 'status' | 'error', code: string, description: string): void {
    this.#command(outputCsid.status, messageStreamId, encodeStatus(level, code, description));
  }

  /** `onFCPublish` or `onFCSubscribe`, for which some hardware encoders wait. */
  notification(name: string, transaction: Uint8Array, code: string, description: string): void {
    this.#command(outputCsid.command, 0, encodeNotification(name, transaction, code, description));
  }

  /** `total`: all bytes received so far; the wire carries its low 32 bits. */
  acknowledgement(total: number): void {
    this.#control(messageType.acknowledgement, encodeU32(total >>> 0));
  }

  windowAcknowledgementSize(bytes: number): void {
    this.#control(messageType.windowAcknowledgementSize, encodeU32(bytes));
  }

  pingResponse(value: number): void {
    this.#control(messageType.userControl, encodeUserControl(userControlEvent.pingResponse, value));
  }

  streamBegin(messageStreamId: number): void {
    this.#control(messageType.userControl, encodeUserControl(userControlEvent.streamBegin, messageStreamId));
  }

  #control(type: number, body: Buffer): void {
    this.#encoder.write(outputCsid.control, type, 0, 0, body);
  }

  #command(csid: number, messageStreamId: number, body: Buffer): void {
    this.#encoder.write(csid, messageType.commandAmf0, messageStreamId, 0, body);
  }
}
