import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket, type TLSSocketOptions } from 'node:tls';
import { type ReadCallback, takeHandle } from './socket-handover.ts';

/**
 * TLS on a transferred socket, read without an allocation per read. Node's `TLSSocket` takes `onread` only for connections
 * that it opens itself, so the handle is slipped in where it would make its own: the one undocumented method is
 * `_wrapHandle`. Against `'data'` events this saves a quarter of the receiving side's CPU. See socket-handover.ts.
 */

/** What of Node's `TLSSocket` is used beyond its types. */
interface TlsInternals {
  _wrapHandle(wrap: null, handle: object | null, busy: boolean): object;
  readonly _tlsOptions: { readonly adopt: object | null };
  readonly ssl: { receive(bytes: Uint8Array): void } | null;
  connecting: boolean;
}

const wrapHandle = (TLSSocket.prototype as unknown as Partial<TlsInternals>)._wrapHandle;

/** A server's TLS socket around a handle. */
class AdoptingTlsSocket extends TLSSocket {
  _wrapHandle(): object {
    const self = this as unknown as TlsInternals;
    return wrapHandle!.call(self, null, self._tlsOptions.adopt, false);
  }
}

/** True when this Node release lets a TLS socket adopt a handle, which is what makes reads cheap. */
export const canAdoptHandle: boolean = typeof wrapHandle === 'function';

/**
 * Starts the server's side of TLS on `transferred`, of which `head` was read already. What the peer sends, deciphered, goes
 * to `onRead` in `buffer`, as in `readIntoSharedBuffer`; but pausing takes effect only after what has arrived is through,
 * so `onRead` must keep what it is given. Returns the socket to use from now on: it emits `'secure'` when the handshake is
 * done and `'_tlsError'` when it, or the connection later, fails.
 */
export function startTls(
  transferred: Socket,
  head: Buffer,
  secureContext: SecureContext,
  buffer: Buffer,
  onRead: ReadCallback,
): TLSSocket {
  const hello = withUnread(head, transferred);
  const adopt = canAdoptHandle ? takeHandle(transferred) : null;
  if (adopt === null) return startByEvents(transferred, hello, secureContext, onRead);
  const options = { isServer: true, secureContext, adopt, onread: { buffer, callback: onRead } };
  const socket = new AdoptingTlsSocket(undefined as unknown as Socket, options as TLSSocketOptions);
  const inner = socket as unknown as TlsInternals;
  // Without a socket to wrap, Node takes it for a connection that is yet to be made.
  inner.connecting = false;
  // After the caller has put its listeners on, and before anything else is read.
  process.nextTick(() => inner.ssl?.receive(hello));
  socket.resume();
  return socket;
}

/** `head`, and what the socket has received since: it keeps that for itself, and nobody reads it any more. */
function withUnread(head: Buffer, transferred: Socket): Buffer {
  let all = head;
  for (let chunk = transferred.read(); chunk !== null; chunk = transferred.read()) all = Buffer.concat([all, chunk]);
  return all;
}

function startByEvents(
  transferred: Socket,
  head: Buffer,
  secureContext: SecureContext,
  onRead: ReadCallback,
): TLSSocket {
  transferred.unshift(head);
  const socket = new TLSSocket(transferred, { isServer: true, secureContext });
  socket.on('data', (chunk: Buffer) => {
    if (!onRead(chunk.length, chunk)) socket.pause();
  });
  return socket;
}
