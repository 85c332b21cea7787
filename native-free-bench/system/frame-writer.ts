/**
 * Writes shared frame buffers to sockets as cheaply as Node can. By the handle, a write that the kernel takes at once costs
 * one call and no object; that is not a documented way, so `socket.write` stands beside it and is used when it is missing.
 */
import type { Socket } from 'node:net';
import { handleOf, type StreamHandle, streamBinding, type WriteRequest } from '../../src/net/stream-binding.ts';
import { type FrameTemplate, frameHeadLength } from './synthetic-stream.ts';

interface ChannelRequest extends WriteRequest {
  handle: StreamHandle | null;
  channel: FrameChannel | null;
  /** Keeps the bytes of a waiting write alive: the handle does not. */
  buffer: Uint8Array | null;
}

/** One socket's writing side. */
export abstract class FrameChannel {
  /** Writes that could not be completed at once. */
  deferred = 0;

  /** Bytes the kernel has not taken yet. */
  abstract get waiting(): number;

  /** Writes the template as it is now patched. Returns false if the connection is broken. */
  abstract write(template: FrameTemplate): boolean;
}

/** The cheapest channel this Node offers for a connected socket. */
export function openChannel(socket: Socket, plainWrites: boolean): FrameChannel {
  const handle = plainWrites ? null : handleOf(socket);
  return handle === null ? new PlainChannel(socket) : new HandleChannel(handle);
}

class PlainChannel extends FrameChannel {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
  }

  override get waiting(): number {
    return this.#socket.writableLength;
  }

  override write(template: FrameTemplate): boolean {
    this.#socket.write(template.bytes);
    if (this.#socket.writableLength > 0) {
      this.deferred++;
      template.replace();
    }
    return !this.#socket.destroyed;
  }
}

class HandleChannel extends FrameChannel {
  readonly #handle: StreamHandle;
  /** Writes under way; public because the completion callback counts it down. */
  underWay = 0;
  broken = false;

  constructor(handle: StreamHandle) {
    super();
    this.#handle = handle;
  }

  override get waiting(): number {
    return this.underWay === 0 ? 0 : this.#handle.writeQueueSize;
  }

  override write(template: FrameTemplate): boolean {
    const bytes = template.bytes;
    const { streamBaseState, kLastWriteWasAsync } = streamBinding!;
    spare ??= newRequest();
    const error = this.#handle.writeBuffer(spare, bytes);
    if (error !== 0) {
      this.broken = true;
      return false;
    }
    if (streamBaseState[kLastWriteWasAsync] !== 0) {
      // The request object belongs to this write now. A write made whole at once leaves it for the next one.
      spare.channel = this;
      spare.handle = this.#handle;
      spare.buffer = bytes;
      spare = null;
      this.deferred++;
      // What still waits is shared bytes that never change, unless a part of the head waits too.
      if (this.underWay > 0 || this.#handle.writeQueueSize > bytes.length - frameHeadLength) template.replace();
      this.underWay++;
    }
    return !this.broken;
  }
}

let spare: ChannelRequest | null = null;

function newRequest(): ChannelRequest {
  const request = new streamBinding!.WriteWrap() as ChannelRequest;
  request.channel = null;
  request.handle = null;
  request.buffer = null;
  request.oncomplete = onComplete;
  return request;
}

function onComplete(this: WriteRequest, status: number): void {
  const channel = (this as ChannelRequest).channel as HandleChannel | null;
  if (channel === null) return;
  channel.underWay--;
  if (status < 0) channel.broken = true;
}
