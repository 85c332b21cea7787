import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import { plainAddress } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { Authenticator, type OnvifCredentials } from '../onvif/authentication.ts';
import type { ChannelVideo, OnvifDevice } from '../onvif/device.ts';
import type { DeviceFacts } from '../onvif/device-facts.ts';
import {
  type LaterOnvifAnswer,
  type OnvifAnswer,
  OnvifDispatcher,
  type OnvifRequest,
  postOnly,
  refusal,
} from '../onvif/onvif-dispatcher.ts';
import { originOf } from '../onvif/origin.ts';
import type { OnvifService } from '../onvif/service.ts';
import { ipv4Addresses } from './interface-addresses.ts';
import { listen } from './listen.ts';
import { enterOnvif } from './onvif-entrance.ts';
import { type OnvifCounters, OnvifJournal } from './onvif-journal.ts';
import { pipeToRtsp } from './tunnel-pipe.ts';

/** Milliseconds between two looks at the requests that take too long. */
const checkMs = 1000;

export interface OnvifServerOptions {
  /** Bind address. */
  readonly host: string;
  /** 0 is any free one. */
  readonly port: number;
  readonly device: OnvifDevice;
  /** What a camera shows at this moment; asked for each request. */
  readonly video: (camera: number) => ChannelVideo;
  /** Null: nobody has to log in. */
  readonly credentials: OnvifCredentials | null;
  /** Offer SHA-256 beside MD5. */
  readonly digestSha256: boolean;
  /** The event service, under each of its namespaces; or none. */
  readonly services: readonly OnvifService[];
  readonly clock: Clock;
  readonly logger: Logger;
  /** The certificate of this moment, null for no TLS. Asked for each connection. */
  readonly secureContext: (() => SecureContext | null) | null;
  /** Port of RTSP on the same bind address. */
  readonly rtspPort: number;
  readonly product: string;
  readonly version: string;
  /** WS-Discovery answers for the device. */
  readonly discoverable: boolean;
  readonly counters: OnvifCounters;
}

/** One ONVIF device on its port, for HTTP, HTTPS and tunnelled RTSP. */
export class OnvifServer {
  readonly #options: OnvifServerOptions;
  readonly #dispatcher: OnvifDispatcher;
  readonly #server: Server;
  readonly #journal: OnvifJournal;
  readonly #sockets = new Map<Socket, string>();
  readonly #perAddress = new Map<string, number>();
  #device: OnvifDevice;
  #rtspPort: number;
  #port: number;
  #closing = false;

  constructor(options: OnvifServerOptions) {
    this.#options = options;
    this.#journal = new OnvifJournal(options);
    this.#device = options.device;
    this.#rtspPort = options.rtspPort;
    this.#port = options.port;
    const { credentials, digestSha256, services, clock } = options;
    const login = { realm: 'Skyweir', sha256: digestSha256, key: randomBytes(32) };
    const authenticator = credentials === null ? null : new Authenticator(credentials, login);
    const facts = this.#facts();
    this.#dispatcher = new OnvifDispatcher({ facts, authenticator, services, clock });
    this.#server = this.#createServer();
  }

  get device(): OnvifDevice {
    return this.#device;
  }

  /** Takes over new names, paths and channels; they count from the next request on. */
  replaceDevice(device: OnvifDevice): void {
    this.#device = device;
  }

  /** RTSP has moved. */
  set rtspPort(port: number) {
    this.#rtspPort = port;
  }

  /** Returns the port. Throws `ListenError`, whose code is that of the system, such as EADDRINUSE. */
  async listen(): Promise<number> {
    const { host, port, logger } = this.#options;
    this.#port = await listen(this.#server, { host, port, flag: '--onvif-port' });
    this.#server.on('error', (error) => logger.error({ err: error }, 'the ONVIF port failed'));
    return this.#port;
  }

  /** Ends all connections, and gives the port back. */
  close(): Promise<void> {
    this.#closing = true;
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      for (const socket of this.#sockets.keys()) socket.destroy();
    });
  }

  // ---- connections ------------------------------------------------------------------------------------------------------

  #createServer(): Server {
    const server = createServer(
      {
        maxHeaderSize: limits.onvif.headBytes,
        headersTimeout: limits.onvif.headTimeoutMs,
        requestTimeout: limits.onvif.requestTimeoutMs,
        keepAliveTimeout: limits.onvif.keepAliveMs,
        connectionsCheckingInterval: checkMs,
        noDelay: true,
      },
      (request, response) => this.#onRequest(request, response),
    );
    // Every connection is looked at first; what speaks HTTP goes on to where it would have gone.
    const serve = server.listeners('connection') as ((socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket) =>
      this.#onConnection(socket, (http) => {
        for (const listener of serve) listener.call(server, http);
      }),
    );
    // Without this, Node closes a connection that asks for CONNECT and says nothing.
    server.on('connect', ({ socket }) => {
      this.#journal.refused(postOnly, plainAddress(socket.remoteAddress ?? ''));
      socket.end('HTTP/1.1 405 Method Not Allowed\r\nAllow: POST\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      socket.destroySoon();
    });
    server.on('clientError', (error, socket) => this.#onClientError(error, socket as Socket));
    return server;
  }

  #onConnection(socket: Socket, serve: (http: Socket) => void): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    const count = (this.#perAddress.get(address) ?? 0) + 1;
    const isTooMany = this.#sockets.size >= limits.onvif.connections || count > limits.onvif.connectionsPerAddress;
    if (address === '' || this.#closing || isTooMany) {
      socket.destroy();
      if (isTooMany) this.#journal.refused('too many connections', address);
      return;
    }
    this.#sockets.set(socket, address);
    this.#perAddress.set(address, count);
    this.#options.counters.connections++;
    // Whoever reads from it later has handlers of its own; nobody may be without one.
    socket.on('error', () => {});
    socket.once('close', () => this.#onClosed(socket, address));
    enterOnvif(socket, () => this.#options.secureContext?.() ?? null, {
      onHttp: serve,
      onTunnel: (tunnel, head) => this.#onTunnel(tunnel, head, address),
      onRefused: (reason) => this.#journal.refused(reason, address),
    });
  }

  #onClosed(socket: Socket, address: string): void {
    this.#sockets.delete(socket);
    this.#options.counters.connections--;
    const left = this.#perAddress.get(address)! - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }

  #onTunnel(tunnel: Socket, head: Buffer, address: string): void {
    const { host } = this.#options;
    const local = host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host;
    pipeToRtsp(
      tunnel,
      head,
      { host: local, port: this.#rtspPort },
      (rtspPeer) => this.#journal.tunnelled(rtspPeer, address),
      (failure) => {
        if (failure !== null) this.#journal.refused(`tunnelled RTSP: ${failure}`, address);
      },
    );
  }

  #onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const { code = '' } = error;
    if (code !== 'ECONNRESET' && code !== 'EPIPE') {
      const timedOut = code === 'ERR_HTTP_REQUEST_TIMEOUT';
      this.#journal.refused(
        timedOut ? 'the request took too long' : `not HTTP: ${code}`,
        plainAddress(socket.remoteAddress ?? ''),
      );
      const status = timedOut
        ? '408 Request Timeout'
        : code === 'HPE_HEADER_OVERFLOW'
          ? '431 Too Large'
          : '400 Bad Request';
      if (socket.writable) socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    }
    socket.destroy();
  }

  // ---- requests ---------------------------------------------------------------------------------------------------------

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    this.#options.counters.requests++;
    if (Number(request.headers['content-length'] ?? 0) > limits.onvif.bodyBytes) {
      this.#tooLarge(request, response);
      return;
    }
    const chunks: Buffer[] = [];
    let length = 0;
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limits.onvif.bodyBytes) chunks.push(chunk);
      else if (!response.headersSent) this.#tooLarge(request, response);
    });
    request.on('end', () => {
      if (!response.headersSent) this.#handle(request, response, Buffer.concat(chunks));
    });
  }

  /** What follows is not read any more. */
  #tooLarge(request: IncomingMessage, response: ServerResponse): void {
    request.pause();
    response.setHeader('Connection', 'close');
    response.once('finish', () => request.socket.destroySoon());
    this.#send(request, response, refusal(413, 'the request is too large'));
  }

  #handle(request: IncomingMessage, response: ServerResponse, body: Buffer): void {
    const answer = this.#dispatcher.handle(this.#requestOf(request, body));
    if ('status' in answer) this.#send(request, response, answer);
    else this.#sendLater(request, response, answer);
  }

  #requestOf({ method = '', url = '', headers, socket }: IncomingMessage, body: Buffer): OnvifRequest {
    const localAddress = plainAddress(socket.localAddress ?? '127.0.0.1');
    const secure = (socket as Partial<TLSSocket>).encrypted === true;
    return {
      method,
      target: url,
      authorization: headers.authorization,
      body,
      address: plainAddress(socket.remoteAddress ?? ''),
      localAddress,
      origin: originOf(headers.host, secure, localAddress, this.#port),
    };
  }

  #sendLater(request: IncomingMessage, response: ServerResponse, later: LaterOnvifAnswer): void {
    const { clock } = this.#options;
    let timer: NodeJS.Timeout | null = null;
    let open = true;
    const finish = (answer: OnvifAnswer | null): void => {
      if (!open) return;
      open = false;
      if (timer !== null) clearTimeout(timer);
      if (answer !== null) this.#send(request, response, answer);
    };
    const arm = (): void => {
      const nowMs = clock.nowMs();
      if (nowMs >= later.deadlineMs) finish(later.expire(nowMs));
      else timer = setTimeout(arm, Math.ceil(later.deadlineMs - nowMs));
    };
    later.onAnswer = finish;
    response.once('close', () => {
      if (open) later.cancel();
      finish(null);
    });
    arm();
  }

  #send(request: IncomingMessage, response: ServerResponse, answer: OnvifAnswer): void {
    if (answer.problem !== null) this.#journal.answered(answer, plainAddress(request.socket.remoteAddress ?? ''));
    if (response.destroyed) return;
    const { socket } = request;
    const stalled = setTimeout(() => {
      if (socket.destroyed) return;
      this.#journal.refused('the client takes no answers', plainAddress(socket.remoteAddress ?? ''));
      socket.destroy();
    }, limits.onvif.writeStallMs);
    response.once('finish', () => clearTimeout(stalled)).once('close', () => clearTimeout(stalled));
    response.writeHead(answer.status, {
      ...(answer.headers as Record<string, string | string[]>),
      'Content-Length': Buffer.byteLength(answer.body),
      'Cache-Control': 'no-store',
    });
    response.end(answer.body);
  }

  #facts(): DeviceFacts {
    const self = this;
    const { product, version, credentials, discoverable, clock, video, secureContext } = this.#options;
    return {
      get device() {
        return self.#device;
      },
      get httpPort() {
        return self.#port;
      },
      get rtspPort() {
        return self.#rtspPort;
      },
      get tls() {
        return (secureContext?.() ?? null) !== null;
      },
      product,
      version,
      user: credentials?.user ?? null,
      discoverable,
      clock,
      video,
      interfaces: ipv4Addresses,
    };
  }
}
