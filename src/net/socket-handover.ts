import { Socket } from 'node:net';

/**
 * Moving an accepted socket to another thread, and reading it there without an allocation per read. This is the one file
 * that touches what Node does not document: the `handle` option of `new Socket` and the `_handle` of a transferred one.
 * A socket can only move while nothing has been read from it, so listeners accept with `pauseOnConnect`.
 */

/** Takes what was read: `bytes[0, length)` is valid during the call only. Returning false pauses the socket. */
export type ReadCallback = (length: number, bytes: Buffer) => boolean;

interface SocketWithHandle {
  _handle: object | null;
}

/**
 * Makes a transferred socket read into `buffer`, which all sockets of a thread share, since each read is parsed before the
 * next one starts. Compared with `'data'` events this saves the allocation of every read. Returns the socket to use from now
 * on; it is flowing. Falls back to `'data'` events where a Node release has no handle to take.
 */
export function readIntoSharedBuffer(transferred: Socket, buffer: Buffer, onRead: ReadCallback): Socket {
  const handle = takeHandle(transferred);
  if (handle === null) return readByEvents(transferred, onRead);
  const options = { handle, readable: true, writable: true, onread: { buffer, callback: onRead } };
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
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

function readByEvents(socket: Socket, onRead: ReadCallback): Socket {
  socket.on('data', (chunk: Buffer) => {
    if (!onRead(chunk.length, chunk)) socket.pause();
  });
  socket.resume();
  return socket;
}
