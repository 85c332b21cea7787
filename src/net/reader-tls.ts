import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { TlsContexts } from './tls-context.ts';
import { describeTlsFailure } from './tls-failure.ts';
import { TlsMaterialBoard } from './tls-material.ts';
import { startTls } from './tls-socket.ts';

/** Bytes. Readers send little: requests, reports, and the POST of a tunnel. */
const readBufferBytes = 16 * 1024;

/** What a reader's TLS connection tells its owner. */
export interface ReaderTlsHandler {
  /** The handshake is done. */
  onSecure(socket: TLSSocket): void;
  /** What the peer sent, deciphered; it belongs to the owner. */
  onData(bytes: Buffer): void;
  /** TLS failed, in the handshake or later. Once, and the socket is of no use any more. */
  onFailure(failure: ConnectionError): void;
}

/** TLS for the readers of one thread, with the certificate that is in force when a connection begins. */
export class ReaderTls {
  readonly #contexts: TlsContexts;
  readonly #board: TlsMaterialBoard;
  readonly #buffer = Buffer.allocUnsafeSlow(readBufferBytes);

  /** `memory` is that of the {@link TlsMaterialBoard}. */
  constructor(memory: SharedArrayBuffer) {
    this.#contexts = new TlsContexts(memory);
    this.#board = new TlsMaterialBoard(memory);
  }

  /** Whether there is a certificate. */
  get ready(): boolean {
    return this.#board.filled;
  }

  /**
   * Starts the server's side of TLS on `transferred`, which is read by nobody else any more, and of which `head` was read
   * already. Returns the socket to use from now on; its errors, its end and the deadline are the caller's.
   */
  start(transferred: Socket, head: Buffer, handler: ReaderTlsHandler): TLSSocket {
    let secure = false;
    const socket = startTls(transferred, head, this.#contexts.current(), this.#buffer, (length, bytes) => {
      // The buffer is every connection's; an unfinished request outlives the read.
      handler.onData(Buffer.from(bytes.subarray(0, length)));
      return true;
    });
    socket.once('secure', () => {
      secure = true;
      handler.onSecure(socket);
    });
    socket.on('_tlsError', (error: NodeJS.ErrnoException) => handler.onFailure(describeTlsFailure(error, secure)));
    return socket;
  }
}

/** How far the TLS of one reader's connection is. */
export class TlsProgress {
  begun = false;
  /** When the handshake has to be done, monotonic ms; Infinity when it is, or was not begun. */
  byMs = Number.POSITIVE_INFINITY;
  /** '' before the end of the handshake. */
  version = '';

  begin(nowMs: number): void {
    this.begun = true;
    this.byMs = nowMs + limits.rtsp.handshakeMs;
  }

  end(socket: TLSSocket): void {
    this.byMs = Number.POSITIVE_INFINITY;
    this.version = socket.getProtocol() ?? '';
  }

  /** For the log of an end. */
  get phase(): string | undefined {
    return this.byMs === Number.POSITIVE_INFINITY ? undefined : 'during the TLS handshake';
  }
}
