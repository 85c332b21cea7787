import type { Socket } from 'node:net';
import type { MediaTransport, TransportUser } from '../egress/media-transport.ts';
import { writeInterleavedPrefix } from '../rtp/interleaved-frame.ts';
import type { PacketBatch } from '../rtp/packet-batch.ts';
import { DirectWriter } from './direct-writer.ts';

const empty = Buffer.alloc(0);

/** With TLS the handle is TLS itself, and `_parent` the system's below it. */
interface SocketWithHandle {
  readonly _handle: {
    readonly writeQueueSize?: number;
    readonly _parent?: { readonly writeQueueSize?: number };
  } | null;
}

/**
 * RTP and RTCP on the RTSP connection itself (RFC 2326 section 10.12). Everything on that socket, responses too, is
 * written in whole frames, so nothing is ever split.
 */
export class InterleavedTransport implements MediaTransport {
  readonly interleavedChannel: number;
  readonly #socket: Socket;
  readonly #reportChannel: number;
  readonly #user: TransportUser;
  /** For packets; null where they go through the stream as well. */
  readonly #direct: DirectWriter | null;
  /** Something waits for the kernel. While this is false the stream of the socket is empty. */
  #waiting = false;
  /** The buffer that the socket still sends from, and whose it is. */
  #lent: Buffer | null = null;
  #batch: PacketBatch | null = null;

  /** `channels`: of RTP and of RTCP, as the client chose them. */
  constructor(socket: Socket, channels: readonly [number, number], user: TransportUser) {
    this.interleavedChannel = channels[0];
    this.#reportChannel = channels[1];
    this.#socket = socket;
    this.#user = user;
    this.#direct = DirectWriter.open(socket, () => this.#flushed());
    this.streamWritten();
  }

  ready(): boolean {
    return !this.#waiting;
  }

  /** To be called after something else was written to the stream of the socket: packets wait until the kernel has it. */
  streamWritten(): void {
    if (this.#socket.writableLength > 0) this.#wait();
  }

  sendPackets(batch: PacketBatch): void {
    const bytes = batch.buffer.subarray(0, batch.length);
    if (this.#direct === null) {
      this.#socket.write(bytes);
      this.streamWritten();
    } else if (!this.#direct.write(bytes)) this.#waiting = true;
    if (!this.#waiting) return;
    // The kernel did not take it all: the bytes belong to the socket until it has.
    this.#batch = batch;
    this.#lent = batch.lendBuffer();
  }

  sendReport(bytes: Buffer, length: number): void {
    const frame = Buffer.allocUnsafe(4 + length);
    const at = writeInterleavedPrefix(frame, 0, this.#reportChannel, length);
    bytes.copy(frame, at, 0, length);
    this.#socket.write(frame);
    this.streamWritten();
  }

  pendingBytes(): number {
    if (!this.#waiting) return 0;
    // Not documented, but the only sign of a large write that goes out slowly; `writableLength` changes at its end.
    const handle = (this.#socket as unknown as SocketWithHandle)._handle;
    return this.#socket.writableLength + (handle?.writeQueueSize ?? 0) + (handle?._parent?.writeQueueSize ?? 0);
  }

  /** `'drain'` only comes after the high-water mark was passed; the callback of an empty write always does. */
  #wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#socket.write(empty, this.#onStreamFlushed);
  }

  readonly #onStreamFlushed = (error?: Error | null): void => {
    if (!error) this.#flushed();
  };

  #flushed(): void {
    this.#waiting = false;
    // It was an earlier write, or the stream has got more to write meanwhile.
    this.streamWritten();
    if (this.#waiting) return;
    if (this.#lent !== null) this.#batch?.giveBack(this.#lent);
    this.#lent = null;
    this.#user.onReady();
  }
}
