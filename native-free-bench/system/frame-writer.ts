/**
 * Writes shared frame buffers to sockets as cheaply as Node can. By the handle, a write that the kernel takes at once costs
 * one call and no object; that is not a documented way, so `socket.write` stands beside it and is used when it is missing.
 */
import type { Socket } from 'node:net';
import { type FrameTemplate, frameHeadLength } from './synthetic-stream.ts';

interface StreamHandle {
  readonly writeQueueSize: number;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

interface WriteRequest {
  handle: StreamHandle | null;
  oncomplete: ((this: WriteRequest, status: number) => void) | null;
  channel: FrameChannel | null;
  /** Keeps the bytes of a waiting write alive: the handle does not. */
  buffer: Uint8Array | null;
}

interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  readonly streamBaseState: Int32Array;
  readonly kLastWriteWasAsync: number;
}

const binding = loadBinding();

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
  const handle = (socket as unknown as { _handle?: StreamHandle })._handle;
  if (plainWrites || binding === null || handle === undefined || typeof handle.writeBuffer !== 'function')
    return new PlainChannel(socket);
  return new HandleChannel(handle, binding);
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
  readonly #binding: StreamBinding;
  /** Writes under way; public because the completion callback counts it down. */
  underWay = 0;
  broken = false;

  constructor(handle: StreamHandle, streamBinding: StreamBinding) {
    super();
    this.#handle = handle;
    this.#binding = streamBinding;
  }

  override get waiting(): number {
    return this.underWay === 0 ? 0 : this.#handle.writeQueueSize;
  }

  override write(template: FrameTemplate): boolean {
    const bytes = template.bytes;
    spare ??= newRequest(this.#binding);
    const error = this.#handle.writeBuffer(spare, bytes);
    if (error !== 0) {
      this.broken = true;
      return false;
    }
    if (this.#binding.streamBaseState[this.#binding.kLastWriteWasAsync] !== 0) {
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

let spare: WriteRequest | null = null;

function newRequest(streamBinding: StreamBinding): WriteRequest {
  const request = new streamBinding.WriteWrap();
  request.channel = null;
  request.handle = null;
  request.buffer = null;
  request.oncomplete = onComplete;
  return request;
}

function onComplete(this: WriteRequest, status: number): void {
  const channel = this.channel as HandleChannel | null;
  if (channel === null) return;
  channel.underWay--;
  if (status < 0) channel.broken = true;
}

/** The stream binding if this Node still has it in the expected form, else null. */
function loadBinding(): StreamBinding | null {
  try {
    const load = (process as unknown as { binding(name: string): unknown }).binding;
    const found = load('stream_wrap') as Partial<StreamBinding>;
    if (typeof found.WriteWrap !== 'function' || !(found.streamBaseState instanceof Int32Array)) return null;
    return typeof found.kLastWriteWasAsync === 'number' ? (found as StreamBinding) : null;
  } catch {
    return null;
  }
}
