import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { ConnectionError, type ErrorCode } from '../base/errors.ts';
import { classifyFirstBytes, longestOpening } from '../rtmp/first-bytes.ts';
import type { ReadCallback } from './socket-handover.ts';
import { describeTlsFailure } from './tls-failure.ts';
import { startTls } from './tls-socket.ts';

/** First byte of a TLS connection: a record of type handshake (RFC 8446, clause 5.1). */
export const handshakeRecord = 0x16;
const rtmpVersion = 3;

/** What a TLS connection tells its owner while it starts. */
export interface TlsAcceptHandler {
  /** The peer begins TLS, which costs more than all else before it publishes: `start` is to be called when it may. */
  onHello(start: () => void): void;
  /** The peer speaks TLS: `socket` takes the place of the one that was given. */
  onTls(socket: TLSSocket): void;
  /** The handshake is done. */
  onSecure(socket: TLSSocket): void;
  /** What the peer sent, deciphered; it may come also after false was returned. */
  readonly onRead: ReadCallback;
  /** The connection must end: the peer does not speak TLS, or TLS failed, now or later (`ConnectionError`), or we did. */
  onFailure(error: unknown): void;
}

/**
 * Looks at the first bytes of a transferred socket, and starts TLS if they are TLS. So a peer that sends nothing costs no
 * TLS state, and one that speaks something else is told from one whose TLS fails. Deadlines, and the errors and the end of
 * the sockets themselves, are the caller's.
 */
export function acceptTls(
  transferred: Socket,
  secureContext: () => SecureContext,
  buffer: Buffer,
  handler: TlsAcceptHandler,
): void {
  let head: Buffer = Buffer.alloc(0);
  const look = (): void => {
    // Its owner may have ended it meanwhile.
    if (transferred.destroyed || transferred.writableEnded) return;
    for (let chunk = transferred.read(); chunk !== null; chunk = transferred.read())
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length === 0) return;
    if (head[0] === handshakeRecord) {
      transferred.off('readable', look);
      handler.onHello(() => {
        try {
          start(transferred, head, secureContext(), buffer, handler);
        } catch (error) {
          handler.onFailure(error);
        }
      });
      return;
    }
    const error = describeFirstBytes(head);
    if (error === null) return;
    transferred.off('readable', look);
    handler.onFailure(error);
  };
  transferred.on('readable', look);
}

function start(
  transferred: Socket,
  head: Buffer,
  secureContext: SecureContext,
  buffer: Buffer,
  handler: TlsAcceptHandler,
): void {
  let secure = false;
  const socket = startTls(transferred, head, secureContext, buffer, handler.onRead);
  socket.once('secure', () => {
    secure = true;
    handler.onSecure(socket);
  });
  // Node emits 'error' only for what befalls the socket below, and only by its own server once the handshake is done.
  socket.on('_tlsError', (error: NodeJS.ErrnoException) => handler.onFailure(describeTlsFailure(error, secure)));
  handler.onTls(socket);
}

/** What a peer speaks that does not speak TLS; null while several answers are possible. */
function describeFirstBytes(head: Buffer): ConnectionError | null {
  if (head[0] === rtmpVersion) return new ConnectionError('not_tls_rtmp');
  const code = classifyFirstBytes(head, Math.min(head.length, longestOpening));
  if (code === null) return null;
  return new ConnectionError('not_tls', protocolNames[code] ?? `it begins with ${head.toString('hex', 0, 4)}`);
}

const protocolNames: Partial<Record<ErrorCode, string>> = {
  not_rtmp_http: 'it speaks HTTP',
  not_rtmp_proxy: 'it sends a PROXY protocol header',
  rtmpe_unsupported: 'it speaks RTMPE',
};
