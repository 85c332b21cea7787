import { Socket } from 'node:net';
import { type StreamHandle, streamBinding } from './stream-binding.ts';

/**
 * Moving an accepted socket to another thread, and reading it there without an allocation per read. What it touches of Node is
 * not documented: the `handle` option of `new Socket`, the `_handle` of a transferred one, and the stream's handle itself.
 * A socket can only move while nothing has been read from it, so listeners accept with `pauseOnConnect`.
 */

/** Takes what was read: `bytes[0, length)` is valid during the call only. Returning false pauses the socket. */
export type ReadCallback = (length: number, bytes: Buffer) => boolean;

/** Whom the reads of a socket are for. */
export interface SocketReader {
  readonly onRead: ReadCallback;
}

interface SocketWithHandle {
  _handle: object | null;
}

/**
 * Makes a transferred socket read into `buffer`, which all sockets of a thread share, since each read is parsed before the
 * next one starts. Compared with `'data'` events this saves the allocation of every read. Returns the socket to use from now
 * on; it is flowing. Falls back to `'data'` events where a Node release has no handle to take.
 */
export function readIntoSharedBuffer(transferred: Socket, buffer: Buffer, reader: SocketReader): Socket {
  const handle = takeHandle(transferred);
  if (handle === null) return readByEvents(transferred, reader);
  const callback: ReadCallback = (length, bytes) => reader.onRead(length, bytes);
  const options = { handle, readable: true, writable: true, onread: { buffer, callback } };
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  readPastStream(handle as ReadHandle, buffer, reader);
  socket.resume();
  return socket;
}

/** True when this Node release lets a transferred socket be re-wrapped, which is what makes reads cheap. */
export function canReadIntoSharedBuffer(transferred: Socket): boolean {
  return typeof (transferred as unknown as SocketWithHandle)._handle === 'object';
}

/** Takes the system's handle out of a socket, which is of no use afterwards; null where this Node release has none to take. */
export function takeHandle(transferred: Socket): object | null {
  const inner = transferred as unknown as SocketWithHandle;
  const handle = inner._handle ?? null;
  if (handle !== null) inner._handle = null;
  return handle;
}

const readerKey = Symbol('reader');

interface ReadHandle extends Omit<StreamHandle, 'onread'> {
  onread: OnHandleRead;
  /** Here, because a closure for each connection would be two more places in memory to fetch. */
  [readerKey]: SocketReader;
}

type OnHandleRead = (this: ReadHandle, bytes: ArrayBuffer | undefined) => unknown;

/** One function for all handles that read into a buffer. */
const onHandleRead = new WeakMap<Buffer, OnHandleRead>();

/**
 * Lets the handle call `reader` itself for each read. The stream would look at a dozen fields of its own first, which with a
 * thousand sockets are seldom in the processor's cache: 2 % of what an ingest worker does. It still gets what is no data: the
 * end, and errors.
 */
function readPastStream(handle: ReadHandle, buffer: Buffer, reader: SocketReader): void {
  if (streamBinding === null || typeof handle.onread !== 'function') return;
  const { streamBaseState, kReadBytesOrError } = streamBinding;
  let onRead = onHandleRead.get(buffer);
  if (onRead === undefined) {
    const byStream = handle.onread;
    onRead = function (this: ReadHandle, bytes): void {
      const length = streamBaseState[kReadBytesOrError]!;
      if (length <= 0) byStream.call(this, bytes);
      else if (!this[readerKey].onRead(length, buffer)) {
        // As the stream does it: its `resume` looks at this.
        this.reading = false;
        this.readStop();
      } else if (length === buffer.length) restInTurn(this);
    };
    onHandleRead.set(buffer, onRead);
  }
  handle[readerKey] = reader;
  handle.onread = onRead;
}

/** Handles that have filled the buffer and wait for the next turn of the event loop. */
const resting: ReadHandle[] = [];

/**
 * Lets all others read first. A handle would go on with up to 32 full buffers at once; with a thousand publishers that all have a backlog
 * nobody else would be read for seconds, and what comes of it would fill the rings faster than anybody reads them.
 */
function restInTurn(handle: ReadHandle): void {
  handle.readStop();
  if (resting.push(handle) === 1) setImmediate(readOn);
}

function readOn(): void {
  // The stream may have paused meanwhile; a handle that was closed refuses.
  for (let i = 0; i < resting.length; i++) if (resting[i]!.reading) resting[i]!.readStart();
  resting.length = 0;
}

function readByEvents(socket: Socket, reader: SocketReader): Socket {
  socket.on('data', (chunk: Buffer) => {
    if (!reader.onRead(chunk.length, chunk)) socket.pause();
  });
  socket.resume();
  return socket;
}
