import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { plainAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { listen } from './listen.ts';
import { enterOnvif } from './onvif-entrance.ts';

/** Milliseconds between two looks at the requests that take too long. */
const checkMs = 1000;

export interface HttpPortOptions {
  /** Bind address. */
  readonly host: string;
  /** 0 is any free one. */
  readonly port: number;
  /** What an operator chooses the port with, for messages. */
  readonly flag: string;
  /** The certificate of this moment, null for no TLS. Asked for each connection. */
  readonly secureContext: () => SecureContext | null;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** A connection that was no HTTP, one too many, or too slow. */
  readonly onRefused: (reason: string, address: string) => void;
  readonly counts: { connections: number };
  readonly logger: Logger;
}

/** A port that takes HTTP and HTTPS alike, told apart by the first byte, with bounds on connections, sizes and times. */
export class HttpPort {
  readonly #options: HttpPortOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();
  #closing = false;

  constructor(options: HttpPortOptions) {
    this.#options = options;
    this.#server = this.#createServer();
  }

  /** Returns the port. Throws `ListenError`, whose code is that of the system, such as EADDRINUSE. */
  async listen(): Promise<number> {
    const { host, port, flag, logger } = this.#options;
    const opened = await listen(this.#server, { host, port, flag });
    this.#server.on('error', (error) => logger.error({ err: error }, `the port of ${flag} failed`));
    return opened;
  }

  /** Ends all connections, and gives the port back. */
  close(): Promise<void> {
    this.#closing = true;
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets) socket.destroy();
    });
  }

  #createServer(): Server {
    const { headBytes, headTimeoutMs, requestTimeoutMs, keepAliveMs } = limits.http;
    const server = createServer(
      {
        maxHeaderSize: headBytes,
        headersTimeout: headTimeoutMs,
        requestTimeout: requestTimeoutMs,
        keepAliveTimeout: keepAliveMs,
        connectionsCheckingInterval: checkMs,
        noDelay: true,
      },
      (request, response) => this.#options.onRequest(request, response),
    );
    // Every connection is looked at first; what speaks HTTP goes on to where it would have gone.
    const serve = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket) =>
      this.#onConnection(socket, (http) => {
        for (const listener of serve) listener.call(server, http);
      }),
    );
    server.on('clientError', (error, socket) => this.#onClientError(error, socket as Socket));
    return server;
  }

  #onConnection(socket: Socket, serve: (http: Socket) => void): void {
    const { counts, secureContext, onRefused } = this.#options;
    const address = plainAddress(socket.remoteAddress ?? '');
    const count = (this.#perAddress.get(address) ?? 0) + 1;
    const isTooMany = this.#sockets.size >= limits.http.connections || count > limits.http.connectionsPerAddress;
    if (address === '' || this.#closing || isTooMany) {
      socket.destroy();
      if (isTooMany) onRefused('too many connections', address);
      return;
    }
    this.#sockets.add(socket);
    this.#perAddress.set(address, count);
    counts.connections++;
    // Whoever reads from it later has handlers of its own; nobody may be without one.
    socket.on('error', () => {});
    socket.once('close', () => this.#onClosed(socket, address));
    enterOnvif(socket, secureContext, {
      onHttp: serve,
      // There are no tunnels here: it is a request like any other.
      onTunnel: (http, head) => {
        http.unshift(head);
        serve(http);
        http.resume();
      },
      onRefused: (reason) => onRefused(reason, address),
    });
  }

  #onClosed(socket: Socket, address: string): void {
    this.#sockets.delete(socket);
    this.#options.counts.connections--;
    const left = this.#perAddress.get(address)! - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const { code = '' } = error;
    if (code !== 'ECONNRESET' && code !== 'EPIPE') {
      const timedOut = code === 'ERR_HTTP_REQUEST_TIMEOUT';
      const reason = timedOut ? 'the request took too long' : `not HTTP: ${code}`;
      this.#options.onRefused(reason, plainAddress(socket.remoteAddress ?? ''));
      const tooLarge = code === 'HPE_HEADER_OVERFLOW';
      const status = timedOut ? '408 Request Timeout' : tooLarge ? '431 Too Large' : '400 Bad Request';
      if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
    socket.destroySoon();
  }
}
