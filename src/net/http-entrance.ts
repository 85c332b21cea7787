import type { Socket } from 'node:net';
import { type SecureContext, TLSSocket } from 'node:tls';
import { handshakeRecord } from './tls-accept.ts';
import { describeTlsFailure } from './tls-failure.ts';

/** Either header marks half of RTSP over HTTP (ONVIF Streaming, clause 5.1.1.3). */
const tunnelHeader = /^(x-sessioncookie\s*:|(accept|content-type)\s*:\s*application\/x-rtsp-tunnelled)/im;

/** What {@link enterHttp} needs to know, and what it makes of a connection. */
export interface Entrance {
  /** The certificate of this moment; null means that there is no TLS. */
  readonly secureContext: () => SecureContext | null;
  /** Bytes of the head of a request, and milliseconds in which it must be there, with TLS before it. */
  readonly bounds: { readonly headBytes: number; readonly headTimeoutMs: number };
  /** HTTP, plain or deciphered; nothing was read of it. */
  readonly onHttp: (socket: Socket) => void;
  /** Half of RTSP over HTTP, of which `head` was read; the socket is paused. Without this it is HTTP like any other. */
  readonly onTunnel: ((socket: Socket, head: Buffer) => void) | undefined;
  /** It is none of these, or TLS failed, then or later. The socket is destroyed. */
  readonly onRefused: (reason: string) => void;
}

/** Looks at the first bytes of a connection to a port that takes HTTP, HTTPS and perhaps tunnelled RTSP alike. */
export function enterHttp(socket: Socket, entrance: Entrance): void {
  const { secureContext, bounds, onHttp, onTunnel, onRefused } = entrance;
  const isWhole = (bytes: Buffer): boolean => isHeadComplete(bytes, bounds.headBytes);
  let settled = false;
  let at = socket;
  const refuse = (reason: string): void => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    at.destroy();
    socket.destroy();
    onRefused(reason);
  };
  const onError = (error: NodeJS.ErrnoException): void => refuse(describeTlsFailure(error, false).message);
  // Whoever leaves without a word, such as a port scanner, is no line in the log.
  const onClose = (): void => clearTimeout(timer);
  const timer = setTimeout(() => refuse('no request came in time'), bounds.headTimeoutMs);
  socket.on('error', onError).on('close', onClose);

  const pass = (head: Buffer): void => {
    settled = true;
    clearTimeout(timer);
    if (onTunnel !== undefined && isTunnelHead(head, bounds.headBytes)) onTunnel(at, head);
    else {
      at.unshift(head);
      onHttp(at);
      at.resume();
    }
  };
  firstBytes(
    socket,
    (bytes) => bytes[0] === handshakeRecord || isWhole(bytes),
    (head) => {
      if (head[0] !== handshakeRecord) return pass(head);
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
            onRefused(describeTlsFailure(error, true).message);
          });
        at.once('secure', () => firstBytes(secured, isWhole, pass));
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

/** Only GET and POST are halves of tunnels: everything else is known by its first bytes. */
function isHeadComplete(bytes: Buffer, headBytes: number): boolean {
  const start = bytes.toString('latin1', 0, 5);
  if (!'POST '.startsWith(start) && !'GET '.startsWith(start.slice(0, 4))) return true;
  return bytes.length > headBytes || bytes.includes('\r\n\r\n') || bytes.includes('\n\n');
}

function isTunnelHead(head: Buffer, headBytes: number): boolean {
  if (head.length > headBytes * 2) return false;
  const text = head.toString('latin1');
  const end = text.search(/\r?\n\r?\n/);
  return end >= 0 && tunnelHeader.test(text.slice(text.indexOf('\n') + 1, end));
}
