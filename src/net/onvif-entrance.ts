import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { limits } from '../base/limits.ts';
import { handshakeRecord } from './tls-accept.ts';
import { describeTlsFailure } from './tls-failure.ts';

/** Either header marks half of RTSP over HTTP (ONVIF Streaming, clause 5.1.1.3). */
const tunnelHeader = /^(x-sessioncookie\s*:|(accept|content-type)\s*:\s*application\/x-rtsp-tunnelled)/im;

/** What {@link enterOnvif} makes of a connection. */
export interface EntranceHandler {
  /** HTTP, plain or deciphered; nothing was read of it. */
  onHttp(socket: Socket): void;
  /** Half of RTSP over HTTP, of which `head` was read. The socket is paused. */
  onTunnel(socket: Socket, head: Buffer): void;
  /** It is none of these, or TLS failed, then or later. The socket is destroyed. */
  onRefused(reason: string): void;
}

/**
 * Looks at the first bytes of a connection to an ONVIF port, which takes HTTP, HTTPS and tunnelled RTSP alike. A TLS
 * connection is deciphered with the certificate of that moment; null means that there is no TLS.
 */
export function enterOnvif(socket: Socket, secureContext: () => SecureContext | null, handler: EntranceHandler): void {
  let settled = false;
  let at = socket;
  const refuse = (reason: string): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    at.destroy();
    socket.destroy();
    handler.onRefused(reason);
  };
  const settle = (): void => {
    settled = true;
    clearTimeout(timer);
    at.off('error', onError).off('close', onClose);
    if (at !== socket) socket.off('error', onError).off('close', onClose);
  };
  const onError = (error: NodeJS.ErrnoException): void => refuse(describeTlsFailure(error, false).message);
  // Whoever leaves without a word, such as a port scanner, is no line in the log.
  const onClose = (): void => clearTimeout(timer);
  const timer = setTimeout(() => refuse('no request came in time'), limits.onvif.headTimeoutMs);
  socket.on('error', onError).on('close', onClose);

  const lookAtHead = (): void =>
    firstBytes(at, isHeadComplete, (head) => {
      settle();
      if (isTunnelHead(head)) handler.onTunnel(at, head);
      else giveBack(at, head, () => handler.onHttp(at));
    });
  firstBytes(
    socket,
    (bytes) => bytes[0] === handshakeRecord || isHeadComplete(bytes),
    (head) => {
      if (head[0] !== handshakeRecord) {
        settle();
        if (isTunnelHead(head)) handler.onTunnel(socket, head);
        else giveBack(socket, head, () => handler.onHttp(socket));
        return;
      }
      try {
        const context = secureContext();
        if (context === null) return refuse('TLS, but there is no certificate');
        socket.unshift(head);
        at = new TLSSocket(socket, { isServer: true, secureContext: context });
        const secured = at;
        at.on('error', onError)
          .on('close', onClose)
          .on('_tlsError', (error: NodeJS.ErrnoException) => {
            if (!settled) return onError(error);
            // After the handshake Node leaves this to whoever made the connection: nothing would ever come from it again.
            secured.destroy();
            handler.onRefused(describeTlsFailure(error, true).message);
          });
        at.once('secure', lookAtHead);
      } catch (error) {
        refuse((error as Error).message);
      }
    },
  );
}

/** Reads until `isEnough`; then pauses, and gives what was read. */
function firstBytes(socket: Socket, isEnough: (bytes: Buffer) => boolean, done: (bytes: Buffer) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  const onData = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    if (!isEnough(bytes)) return;
    socket.off('data', onData).off('end', onEnd);
    socket.pause();
    done(bytes);
  };
  // What came so far is somebody else's to answer.
  const onEnd = (): void => {
    if (bytes.length > 0) done(bytes);
    else socket.destroy();
  };
  socket.on('data', onData).on('end', onEnd);
}

function giveBack(socket: Socket, head: Buffer, take: () => void): void {
  socket.unshift(head);
  take();
  socket.resume();
}

/** Only GET and POST are halves of tunnels: everything else is known by its first bytes. */
function isHeadComplete(bytes: Buffer): boolean {
  const start = bytes.toString('latin1', 0, 5);
  if (!'POST '.startsWith(start) && !'GET '.startsWith(start.slice(0, 4))) return true;
  return bytes.length > limits.onvif.headBytes || bytes.includes('\r\n\r\n') || bytes.includes('\n\n');
}

function isTunnelHead(head: Buffer): boolean {
  if (head.length > limits.onvif.headBytes * 2) return false;
  const text = head.toString('latin1');
  const end = text.search(/\r?\n\r?\n/);
  return end >= 0 && tunnelHeader.test(text.slice(text.indexOf('\n') + 1, end));
}
