import type { Socket } from 'node:net';

/**
 * What lies below a `net.Socket`: the system's stream, as Node's own streams speak to it. It is not documented, so who uses it
 * has a way without it, for a Node release in which {@link streamBinding} is null.
 */

/** A TCP connection of libuv. */
export interface StreamHandle {
  /** Called with each read; how it went is in {@link StreamBinding.streamBaseState}. */
  onread: (this: StreamHandle, bytes: ArrayBuffer | undefined) => unknown;
  /** The stream above believes that reading is on. */
  reading: boolean;
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number;
  readStop(): number;
  readStart(): number;
  /** Returns an error of the system, negative, or 0. `bytes` are not kept alive by it. */
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
}

/** A write that the kernel did not take at once. */
export interface WriteRequest {
  /** `status`: 0, or an error of the system, negative. */
  oncomplete: ((this: WriteRequest, status: number) => void) | null;
}

export interface StreamBinding {
  readonly WriteWrap: new () => WriteRequest;
  /** What the last call did, by the indexes below. */
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
}

/** Of this thread; null if this Node has it not, or in another form. */
export const streamBinding = loadBinding();

/** The handle below a socket, to write to; null where this Node has none that {@link streamBinding} goes with. */
export function handleOf(socket: Socket): StreamHandle | null {
  const handle = (socket as unknown as { readonly _handle?: StreamHandle | null })._handle ?? null;
  return streamBinding !== null && typeof handle?.writeBuffer === 'function' ? handle : null;
}

function loadBinding(): StreamBinding | null {
  try {
    const load = (process as unknown as { binding(name: string): unknown }).binding;
    const found = load('stream_wrap') as Partial<StreamBinding>;
    const isKnown =
      typeof found.WriteWrap === 'function' &&
      found.streamBaseState instanceof Int32Array &&
      typeof found.kReadBytesOrError === 'number' &&
      typeof found.kLastWriteWasAsync === 'number';
    return isKnown ? (found as StreamBinding) : null;
  } catch {
    return null;
  }
}
