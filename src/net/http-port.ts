import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { plainAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { ConnectionBook, type ConnectionBounds } from './connection-book.ts';
import { enterHttp } from './http-entrance.ts';
import { listen } from './listen.ts';
import { RequestTurns } from './request-turns.ts';

/** Milliseconds between two looks at the requests that take too long. */
const checkMs = 1000;

/** See `limits.http` and `limits.onvif`. */
export interface HttpBounds extends ConnectionBounds {
  readonly headBytes: number;
  readonly headTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly requestsAtOnce: number;
}

export interface HttpPortOptions {
  /** Bind address. */
  readonly host: string;
  /** 0 is any free one. */
  readonly port: number;
  /** What an operator chooses the port with, for messages. */
  readonly flag: string;
  readonly bounds: HttpBounds;
  /** The certificate of this moment, null for no TLS. Asked for each connection. */
  readonly secureContext: () => SecureContext | null;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** A request for a WebSocket, which may be refused like any other; `head` was read beyond it. Without this there are none. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
  /** Half of RTSP over HTTP, of which `head` was read. Without this there are none. */
  readonly onTunnel?: (socket: Socket, head: Buffer, address: string) => void;
  /** What is said to those who ask for CONNECT, and the methods that there are instead. */
  readonly noProxy?: { readonly reason: string; readonly allow: string };
  /** A connection that was no HTTP, one too many, or too slow. */
  readonly onRefused: (reason: string, address: string) => void;
  readonly counts: { connections: number };
  readonly logger: Logger;
}

/** A port that takes HTTP and HTTPS alike, told apart by the first byte, with bounds on connections, sizes and times. */
export class HttpPort {
  readonly #options: HttpPortOptions;
  readonly #server: Server;
  readonly #book: ConnectionBook;
  readonly #turns = new RequestTurns();
  /** Answers that are not sent yet. */
  readonly #waiting = new WeakMap<Socket, Set<ServerResponse>>();
  #closing = false;

  constructor(options: HttpPortOptions) {
    this.#options = options;
    this.#book = new ConnectionBook(options.bounds, options.counts);
    this.#server = this.#createServer();
  }

  /** Returns the port. Throws `ListenError`, whose code is that of the system, such as EADDRINUSE. */
  async listen(): Promise<number> {
    const { host, port, flag, logger } = this.#options;
    const opened = await listen(this.#server, { host, port, flag });
    this.#server.on('error', (error) => logger.error({ err: error }, `the port of ${flag} failed`));
    return opened;
  }

  /** The bind address in numbers, while it listens. */
  get address(): string {
    return (this.#server.address() as AddressInfo).address;
  }

  /** Ends all connections, and gives the port back. */
  close(): Promise<void> {
    this.#closing = true;
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#book.destroyAll();
    });
  }

  /** Gives the port back at once, and lets answers that are on their way arrive: one of them may be to whoever moves the port. */
  retire(): void {
    this.#closing = true;
    this.#server.close();
    setTimeout(() => this.#book.destroyAll(), limits.http.moveMs).unref();
  }

  #createServer(): Server {
    const { bounds, onUpgrade } = this.#options;
    const server = createServer(
      {
        maxHeaderSize: bounds.headBytes,
        headersTimeout: bounds.headTimeoutMs,
        requestTimeout: bounds.requestTimeoutMs,
        keepAliveTimeout: bounds.keepAliveMs,
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

  #onConnection(socket: Socket, onHttp: (http: Socket) => void): void {
    const { bounds, secureContext, onTunnel, onRefused } = this.#options;
    const address = addressOf(socket);
    // Whoever left at once has no address any more.
    if (address === '' || this.#closing) {
      socket.destroy();
      return;
    }
    if (!this.#book.enter(socket, address)) {
      socket.destroy();
      onRefused('too many connections', address);
      return;
    }
    // Whoever reads from it later has handlers of its own; nobody may be without one.
    socket.on('error', () => {});
    enterHttp(socket, {
      secureContext,
      bounds,
      onHttp,
      onTunnel: onTunnel && ((tunnel, head) => onTunnel(tunnel, head, address)),
      onRefused: (reason) => onRefused(reason, address),
    });
  }

  /** Node reads all requests that came in one piece, however large the answers are that nobody takes. */
  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { bounds, onRequest, onRefused } = this.#options;
    const { socket } = request;
    if (socket.destroyed) return;
    const waiting = this.#waitingAt(socket);
    if (waiting.size >= bounds.requestsAtOnce) {
      socket.destroy();
      onRefused('too many requests at once', addressOf(socket));
      return;
    }
    waiting.add(response);
    response.once('close', () => waiting.delete(response));
    this.#turns.take(socket, () => onRequest(request, response));
  }

  #waitingAt(socket: Socket): Set<ServerResponse> {
    const known = this.#waiting.get(socket);
    if (known !== undefined) return known;
    const waiting = new Set<ServerResponse>();
    this.#waiting.set(socket, waiting);
    // Node tells the one answer whose turn it is that its connection is gone, and none of those behind it.
    socket.once('close', () => {
      for (const response of [...waiting]) if (response.socket === null) response.emit('close');
    });
    return waiting;
  }

  #refuseProxy(socket: Socket): void {
    const { noProxy, onRefused } = this.#options;
    onRefused(noProxy?.reason ?? 'this port is no proxy', addressOf(socket));
    const allow = noProxy === undefined ? '' : `Allow: ${noProxy.allow}\r\n`;
    socket.end(`HTTP/1.1 405 Method Not Allowed\r\n${allow}Connection: close\r\nContent-Length: 0\r\n\r\n`);
    socket.destroySoon();
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const { code = '' } = error;
    if (code !== 'ECONNRESET' && code !== 'EPIPE') {
      const timedOut = code === 'ERR_HTTP_REQUEST_TIMEOUT';
      const reason = timedOut ? 'the request took too long' : `not HTTP: ${code}`;
      this.#options.onRefused(reason, addressOf(socket));
      const tooLarge = code === 'HPE_HEADER_OVERFLOW';
      const status = timedOut ? '408 Request Timeout' : tooLarge ? '431 Too Large' : '400 Bad Request';
      if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
    socket.destroySoon();
  }
}

function addressOf({ remoteAddress = '' }: Socket): string {
  return plainAddress(remoteAddress);
}

/** With GET and without a body (RFC 6455 clause 4.1): Node hands anything else over as a stream that is no socket. */
function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  return method === 'GET' && !hasBody && headers.upgrade?.toLowerCase() === 'websocket';
}
