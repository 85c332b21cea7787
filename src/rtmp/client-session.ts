import { AmfDecoder } from '../amf0/decode.ts';
import { AmfEncoder } from '../amf0/encode.ts';
import type { AmfObject, AmfValue } from '../amf0/value.ts';
import { readU16, readU32 } from '../base/bytes.ts';
import { ConnectionError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { ChunkEncoder } from './chunk-encoder.ts';
import type { ChunkStream, MessageSink } from './chunk-stream.ts';
import { ClientHandshake } from './client-handshake.ts';
import { decodeCommand, encodeCommand } from './command.ts';
import { encodeU32, encodeUserControl, messageType, outputCsid, userControlEvent } from './message.ts';
import { MessageBodies } from './message-body.ts';
import { defaultWindow } from './server-replies.ts';
import { SessionCounters } from './session-counters.ts';

/** What a client session tells its owner. */
export interface ClientSessionHandler {
  /** Bytes for the server; the session never uses them again. */
  onOutput(bytes: Uint8Array): void;
  /** Media may be sent from now on. */
  onPublishing(): void;
  /** The server refused `connect`, `createStream` or `publish`; `code` is its status code, '' if it sent none. */
  onRejected(code: string, description: string): void;
}

/** `chunkSize`: of what is sent, in bytes. `random` fills an array with random bytes. */
export interface ClientSessionOptions {
  readonly app: string;
  readonly streamName: string;
  readonly tcUrl: string;
  readonly chunkSize: number;
  readonly nowMs: number;
  readonly random: (into: Uint8Array) => void;
  readonly flashVer?: string;
}

const transaction = {
  connect: 1,
  releaseStream: 2,
  fcPublish: 3,
  createStream: 4,
  publish: 5,
  fcUnpublish: 6,
} as const;

/** The publishing side of RTMP, as bytes in and out: for demonstrations, tests and load. */
export class ClientSession implements MessageSink {
  readonly #handler: ClientSessionHandler;
  readonly #options: ClientSessionOptions;
  readonly #handshake: ClientHandshake;
  readonly #decoder: ChunkDecoder;
  readonly #encoder = new ChunkEncoder();
  readonly #bodies = new MessageBodies();
  #streamId = 0;
  #publishing = false;
  #receivedBytes = 0;
  #acknowledgedBytes = 0;
  #window = defaultWindow;

  constructor(handler: ClientSessionHandler, options: ClientSessionOptions) {
    this.#handler = handler;
    this.#options = options;
    this.#handshake = new ClientHandshake((bytes) => handler.onOutput(bytes));
    this.#decoder = new ChunkDecoder(this, new SessionCounters());
  }

  get publishing(): boolean {
    return this.#publishing;
  }

  /** Sends the first bytes; everything up to publishing follows by itself. */
  start(): void {
    this.#handshake.start(this.#options.random);
  }

  /** Parses `bytes[start, end)`, all of it. Throws `ConnectionError` when the connection must end. */
  receive(bytes: Buffer, start: number, end: number, _nowMs: number): void {
    let at = start;
    if (!this.#handshake.done) {
      at = this.#handshake.receive(bytes, at, end);
      if (!this.#handshake.done) return;
      this.#connect();
    }
    this.#decoder.decode(bytes, at, end);
    this.#receivedBytes += end - at;
    if (this.#receivedBytes - this.#acknowledgedBytes >= this.#window / 2) {
      this.#acknowledgedBytes = this.#receivedBytes;
      this.#control(messageType.acknowledgement, encodeU32(this.#receivedBytes >>> 0));
    }
    this.#flush();
  }

  /** One video message; `body` is an FLV video tag body. */
  sendVideo(timestampMs: number, body: Uint8Array): void {
    this.#media(outputCsid.video, messageType.video, timestampMs, body);
  }

  /** One audio message; `body` is an FLV audio tag body. */
  sendAudio(timestampMs: number, body: Uint8Array): void {
    this.#media(outputCsid.data, messageType.audio, timestampMs, body);
  }

  /** `onMetaData`, wrapped in `@setDataFrame` as encoders do. */
  sendMetadata(values: AmfObject): void {
    const body = new AmfEncoder().string('@setDataFrame').string('onMetaData').ecmaArray(values);
    this.#media(outputCsid.data, messageType.dataAmf0, 0, body.bytes());
  }

  /** Ends the publication in the way of FFmpeg. */
  stop(): void {
    if (!this.#publishing) return;
    this.#publishing = false;
    this.#command(0, 'FCUnpublish', transaction.fcUnpublish, null, this.#options.streamName);
    this.#command(0, 'deleteStream', 0, null, this.#streamId);
    this.#flush();
  }

  /** Part of {@link MessageSink}, for the chunk decoder. */
  begin(stream: ChunkStream): void {
    if (stream.length > limits.rtmp.commandBytes) throw new ConnectionError('message_too_large');
  }

  /** Part of {@link MessageSink}, for the chunk decoder. */
  append(stream: ChunkStream, bytes: Buffer, start: number, end: number): void {
    this.#bodies.append(stream, bytes, start, end, 0);
  }

  /** Part of {@link MessageSink}, for the chunk decoder. */
  end(stream: ChunkStream): void {
    const body = stream.body;
    const length = stream.bodyLength;
    this.#bodies.release(stream);
    if (body === null) return;
    if (stream.type === messageType.commandAmf0) this.#reply(body, length);
    else if (length >= 4) this.#controlled(stream.type, body, length);
  }

  /** Part of {@link MessageSink}, for the chunk decoder. */
  abort(stream: ChunkStream): void {
    this.#bodies.release(stream);
  }

  #connect(): void {
    const { app, tcUrl, chunkSize, flashVer } = this.#options;
    this.#control(messageType.setChunkSize, encodeU32(chunkSize));
    this.#encoder.chunkSize = chunkSize;
    const properties = new Map<string, AmfValue>([
      ['app', app],
      ['type', 'nonprivate'],
      ['flashVer', flashVer ?? 'FMLE/3.0 (compatible; Skyweir)'],
      ['tcUrl', tcUrl],
    ]);
    this.#command(0, 'connect', transaction.connect, properties);
    this.#flush();
  }

  #reply(body: Buffer, length: number): void {
    const { name, arguments: values } = decodeCommand(body, 0, length);
    const id = transactionOf(body, length);
    if (name === '_error') this.#rejected(values[1]);
    else if (name === 'onStatus') this.#status(values[1]);
    else if (name === '_result' && id === transaction.connect) this.#connected();
    else if (name === '_result' && id === transaction.createStream) this.#created(values[1]);
  }

  #connected(): void {
    const { streamName } = this.#options;
    this.#command(0, 'releaseStream', transaction.releaseStream, null, streamName);
    this.#command(0, 'FCPublish', transaction.fcPublish, null, streamName);
    this.#command(0, 'createStream', transaction.createStream, null);
  }

  #created(streamId: AmfValue): void {
    this.#streamId = typeof streamId === 'number' ? streamId : 1;
    this.#command(this.#streamId, 'publish', transaction.publish, null, this.#options.streamName, 'live');
  }

  #status(information: AmfValue): void {
    if (!(information instanceof Map)) return;
    if (information.get('level') === 'error') {
      this.#rejected(information);
    } else if (information.get('code') === 'NetStream.Publish.Start' && !this.#publishing) {
      this.#publishing = true;
      this.#handler.onPublishing();
    }
  }

  #rejected(information: AmfValue): void {
    const values = information instanceof Map ? information : new Map<string, AmfValue>();
    this.#handler.onRejected(String(values.get('code') ?? ''), String(values.get('description') ?? ''));
  }

  #controlled(type: number, body: Buffer, length: number): void {
    const value = readU32(body, 0);
    if (type === messageType.setChunkSize) {
      if (value === 0 || value > 0x7fffffff) throw new ConnectionError('chunk_size_invalid', String(value));
      this.#decoder.chunkSize = value;
    } else if (type === messageType.abort) {
      this.#decoder.abort(value);
    } else if (type === messageType.windowAcknowledgementSize) {
      this.#window = Math.max(value, limits.rtmp.minAcknowledgementWindow);
    } else if (type === messageType.userControl && length >= 6 && readU16(body, 0) === userControlEvent.pingRequest) {
      const pong = encodeUserControl(userControlEvent.pingResponse, readU32(body, 2));
      this.#control(messageType.userControl, pong);
    }
  }

  #media(csid: number, type: number, timestampMs: number, body: Uint8Array): void {
    this.#encoder.write(csid, type, this.#streamId, timestampMs, body);
    this.#flush();
  }

  #command(messageStreamId: number, name: string, id: number, ...values: AmfValue[]): void {
    const body = encodeCommand(name, id, ...values);
    this.#encoder.write(outputCsid.command, messageType.commandAmf0, messageStreamId, 0, body);
  }

  #control(type: number, body: Buffer): void {
    this.#encoder.write(outputCsid.control, type, 0, 0, body);
  }

  #flush(): void {
    if (this.#encoder.length > 0) this.#handler.onOutput(this.#encoder.take());
  }
}

/** The transaction id of a command that `decodeCommand` has accepted; NaN without one. */
function transactionOf(body: Buffer, length: number): number {
  const decoder = new AmfDecoder(body, 0, length);
  decoder.value();
  const id = decoder.remaining > 0 ? decoder.value() : undefined;
  return typeof id === 'number' ? id : Number.NaN;
}
