import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { getSystemErrorName } from 'node:util';
import { handleOf, type StreamHandle, streamBinding, type WriteRequest } from './stream-binding.ts';

interface Request extends WriteRequest {
  writer: DirectWriter | null;
  /** The handle does not keep what waits: this does. */
  bytes: Uint8Array | null;
}

/** For the next write that the kernel takes at once, which leaves it as it was. */
let spare: Request | null = null;

/**
 * Writes to a TCP connection past the stream of its socket. Most writes of video are taken by the kernel at once; then one costs
 * a call and no object, where the stream makes several and looks at a dozen of its own fields: 5 % of what a consumer does. What
 * the stream itself still holds back is overtaken: write only while its `writableLength` is 0.
 */
export class DirectWriter {
  readonly #socket: Socket;
  readonly #handle: StreamHandle;
  readonly #onFlushed: () => void;
  #waiting = 0;

  /** `onFlushed` is called when the kernel has taken all after it had not; not when the connection is lost. */
  private constructor(socket: Socket, handle: StreamHandle, onFlushed: () => void) {
    this.#socket = socket;
    this.#handle = handle;
    this.#onFlushed = onFlushed;
  }

  /** Null where there is no way past the stream: with TLS, or in a Node release that has no such handle. */
  static open(socket: Socket, onFlushed: () => void): DirectWriter | null {
    const handle = socket instanceof TLSSocket ? null : handleOf(socket);
    return handle === null ? null : new DirectWriter(socket, handle, onFlushed);
  }

  /** Returns whether the kernel has taken all. Else `bytes` must stay as they are until `onFlushed`. */
  write(bytes: Uint8Array): boolean {
    const { streamBaseState, kLastWriteWasAsync } = streamBinding!;
    spare ??= newRequest();
    const status = this.#handle.writeBuffer(spare, bytes);
    if (status !== 0) {
      this.#fail(status);
      return true;
    }
    if (streamBaseState[kLastWriteWasAsync] === 0) return true;
    spare.writer = this;
    spare.bytes = bytes;
    spare = null;
    this.#waiting++;
    return false;
  }

  /** For {@link onComplete}. */
  completed(status: number): void {
    this.#waiting--;
    if (status < 0) this.#fail(status);
    else if (this.#waiting === 0) this.#onFlushed();
  }

  /** The stream fails as if it had written itself. */
  #fail(status: number): void {
    // Its handle takes nothing any more; who writes need not look first.
    if (this.#socket.destroyed) return;
    const code = getSystemErrorName(status);
    this.#socket.destroy(Object.assign(new Error(`write ${code}`), { code }));
  }
}

function newRequest(): Request {
  const request = new streamBinding!.WriteWrap() as Request;
  request.writer = null;
  request.bytes = null;
  request.oncomplete = onComplete;
  return request;
}

function onComplete(this: WriteRequest, status: number): void {
  const request = this as Request;
  request.bytes = null;
  request.writer?.completed(status);
}
