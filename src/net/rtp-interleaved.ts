import type { Socket } from 'node:net';
import type { MediaTransport, TransportUser } from '../egress/media-transport.ts';
import { writeInterleavedPrefix } from '../rtp/interleaved-frame.ts';
import type { PacketBatch } from '../rtp/packet-batch.ts';

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
  }

  ready(): boolean {
    if (this.#socket.writableLength === 0) return true;
    this.#wait();
    return false;
  }

  sendPackets(batch: PacketBatch): void {
    const socket = this.#socket;
    socket.write(batch.buffer.subarray(0, batch.length));
    if (socket.writableLength === 0) return;
    // The kernel did not take it all: the bytes belong to the socket until it has.
    this.#batch = batch;
    this.#lent = batch.lendBuffer();
    this.#wait();
  }

  sendReport(bytes: Buffer, length: number): void {
    const frame = Buffer.allocUnsafe(4 + length);
    const at = writeInterleavedPrefix(frame, 0, this.#reportChannel, length);
    bytes.copy(frame, at, 0, length);
    this.#socket.write(frame);
  }

  pendingBytes(): number {
    const waiting = this.#socket.writableLength;
    if (waiting === 0) return 0;
    // Not documented, but the only sign of a large write that goes out slowly; `writableLength` changes at its end.
    const handle = (this.#socket as unknown as SocketWithHandle)._handle;
    return waiting + (handle?.writeQueueSize ?? 0) + (handle?._parent?.writeQueueSize ?? 0);
  }

  /** `'drain'` only comes after the high-water mark was passed; the callback of an empty write always does. */
  #wait(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    this.#socket.write(empty, this.#onFlushed);
  }

  readonly #onFlushed = (error?: Error | null): void => {
    this.#waiting = false;
    if (error) return;
    if (this.#socket.writableLength > 0) {
      // Called for an earlier write; the newest one, with the lent buffer, is still under way.
      this.#wait();
      return;
    }
    if (this.#lent !== null) this.#batch?.giveBack(this.#lent);
    this.#lent = null;
    this.#user.onReady();
  };
}
