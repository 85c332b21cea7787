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
  /** A request for a WebSocket, which may be refused like any other; `head` was read beyond it. Without this there are none. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
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
  /** Requests without an answer. */
  readonly #waiting = new WeakMap<Socket, number>();
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

  /** Gives the port back at once, and lets answers that are on their way arrive: one of them may be to whoever moves the port. */
  retire(): void {
    this.#closing = true;
    this.#server.close();
    setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, limits.http.moveMs).unref();
  }

  #createServer(): Server {
    const { headBytes, headTimeoutMs, requestTimeoutMs, keepAliveMs } = limits.http;
    const { onUpgrade } = this.#options;
    const server = createServer(
      {
        maxHeaderSize: headBytes,
        headersTimeout: headTimeoutMs,
        requestTimeout: requestTimeoutMs,
        keepAliveTimeout: keepAliveMs,
        connectionsCheckingInterval: checkMs,
        noDelay: true,
        // Whoever asks for something else gets an answer in plain HTTP/1.1, as curl expects that asks for HTTP/2 (RFC 9110 clause 7.8).
        shouldUpgradeCallback: (request) => onUpgrade !== undefined && asksForWebSocket(request),
      },
      (request, response) => this.#onRequest(request, response),
    );
    if (onUpgrade !== undefined)
      server.on('upgrade', (request, socket, head) => onUpgrade(request, socket as Socket, head));
    // Without this, Node closes a connection that asks for CONNECT and says nothing.
    server.on('connect', (_request, socket) => this.#refuseProxy(socket as Socket));
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

  /** Node reads all requests that came in one piece, however large the answers are that nobody takes. */
  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    if (socket.destroyed) return;
    const waiting = (this.#waiting.get(socket) ?? 0) + 1;
    if (waiting > limits.http.requestsAtOnce) {
      socket.destroy();
      this.#options.onRefused('too many requests at once', plainAddress(socket.remoteAddress ?? ''));
      return;
    }
    this.#waiting.set(socket, waiting);
    response.once('close', () => this.#waiting.set(socket, this.#waiting.get(socket)! - 1));
    this.#options.onRequest(request, response);
  }

  #refuseProxy(socket: Socket): void {
    this.#options.onRefused('this port is no proxy', plainAddress(socket.remoteAddress ?? ''));
    socket.end('HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    socket.destroySoon();
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

/** With GET and without a body (RFC 6455 clause 4.1): Node hands anything else over as a stream that is no socket. */
function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return method === 'GET' && !hasBody && headers.upgrade?.toLowerCase() === 'websocket';
}
