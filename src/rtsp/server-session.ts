import { ConnectionError, type ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { videoControl, writeSessionDescription } from '../sdp/session-description.ts';
import type { DigestAuthenticator } from './digest-authenticator.ts';
import { RequestParser, type RtspRequest } from './request-parser.ts';
import { parseRequestUrl, type RequestUrl } from './request-url.ts';
import { writeResponse } from './response-writer.ts';
import type { PlayReply, RtspHandler } from './session-handler.ts';
import { parseTransport, type TransportOffer, type TransportReply, writeTransport } from './transport-header.ts';

export type { StreamDescription } from '../sdp/session-description.ts';
export type { PlayReply, RtspHandler, TransportRefusal } from './session-handler.ts';
export type { TransportReply, TransportRequest } from './transport-header.ts';

/** What an {@link RtspServerSession} is told at its start. */
export interface RtspSessionOptions {
  /** Null lets everybody in. */
  readonly authenticator: DigestAuthenticator | null;
  /** Host and port for clients that send a bare path instead of a URL. */
  readonly serverHost: string;
  /** Time without a request or receiver report after which the session ends; whole seconds of it are advertised. */
  readonly sessionTimeoutMs: number;
  readonly nowMs: number;
  /** Fills the array with unpredictable bytes. */
  readonly random: (into: Uint8Array) => void;
}

/** What an RTSP connection was seen doing. */
export interface RtspCounters {
  requests: number;
  /** Requests with a wrong name or password. */
  failedLogins: number;
}

const stateInit = 0;
const stateReady = 1;
const statePlaying = 2;
const publicMethods = 'OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER';

/**
 * The server's end of one RTSP connection (RFC 2326): one session with one video track. Bytes and `now` in; responses,
 * calls of the handler and the next deadline out.
 *
 * INIT --SETUP--> READY --PLAY--> PLAYING --PAUSE--> READY; TEARDOWN leads back to INIT from anywhere.
 */
export class RtspServerSession {
  readonly counters: RtspCounters = {
    requests: 0,
    failedLogins: 0,
  };
  readonly #handler: RtspHandler;
  readonly #options: RtspSessionOptions;
  readonly #parser: RequestParser;
  #state = stateInit;
  #sessionId = '';
  #offer: TransportOffer | null = null;
  /** Of URLs that name none. */
  #scheme = 'rtsp';
  /** Path and Content-Base of the session; before SETUP, of the last DESCRIBE. */
  #path = '';
  #base = '';
  /** Digest credentials were accepted on this connection. */
  #trusted: boolean;
  #aliveMs: number;
  #nowMs: number;

  constructor(handler: RtspHandler, options: RtspSessionOptions) {
    this.#handler = handler;
    this.#options = options;
    this.#trusted = options.authenticator === null;
    this.#aliveMs = options.nowMs;
    this.#nowMs = options.nowMs;
    this.#parser = new RequestParser({
      onRequest: (request) => this.#onRequest(request),
      onInterleaved: (channel, bytes) => this.#onInterleaved(channel, bytes),
    });
  }

  /**
   * Parses `bytes[start, end)`. Throws {@link ConnectionError} when the framing is lost (`rtsp_malformed`,
   * `rtsp_too_large`) or after too many wrong passwords (`authentication_failed`), each behind its last response.
   */
  receive(bytes: Buffer, start: number, end: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#parser.receive(bytes, start, end);
  }

  /** The connection turned out to be encrypted. */
  noteTls(): void {
    this.#scheme = 'rtsps';
  }

  /** A receiver report came in over UDP: the client is alive. */
  keepAlive(nowMs: number): void {
    this.#aliveMs = nowMs;
  }

  /** The socket took media: over TCP a reader that drains it is alive, though it may send nothing at all. */
  noteProgress(nowMs: number): void {
    if (this.#state === statePlaying && this.#offer?.request.protocol === 'tcp') this.#aliveMs = nowMs;
  }

  /** It has sent a request and, where that is asked for, a right password. */
  get trusted(): boolean {
    return this.#trusted && this.counters.requests > 0;
  }

  /** When `expired` must be asked next, monotonic ms. It moves with every sign of life. */
  get deadlineMs(): number {
    if (!this.trusted) return this.#aliveMs + Math.min(limits.rtsp.strangerTimeoutMs, this.#options.sessionTimeoutMs);
    const graceMs = this.#state === stateInit ? 0 : limits.rtsp.sessionGraceMs;
    return this.#aliveMs + this.#options.sessionTimeoutMs + graceMs;
  }

  /** The reason for which the connection must end at `nowMs`, or null. Close it then; `teardown` is not called. */
  expired(nowMs: number): ErrorCode | null {
    if (nowMs < this.deadlineMs) return null;
    return this.#state === stateInit ? 'receive_timeout' : 'session_timeout';
  }

  #onInterleaved(channel: number, bytes: Uint8Array): void {
    if (this.#offer?.request.protocol !== 'tcp') return;
    this.#aliveMs = this.#nowMs;
    this.#handler.onInterleaved(channel, bytes);
  }

  #onRequest(request: RtspRequest): void {
    this.counters.requests++;
    if (/^http\//i.test(request.version)) throw new ConnectionError('rtsp_malformed', 'an HTTP request');
    const cseq = request.headers.get('cseq') ?? '';
    if (!request.wellFormed || !/^\d{1,10}$/.test(cseq)) {
      this.#respond(400, /^\d{1,10}$/.test(cseq) ? cseq : '');
      return;
    }
    if (request.version.toUpperCase() !== 'RTSP/1.0') {
      this.#respond(505, cseq);
      return;
    }
    // Who has not logged in cannot hold a connection open by asking again and again.
    if (this.#trusted) this.#aliveMs = this.#nowMs;
    const method = request.method;
    if (method !== 'OPTIONS' && !this.#authorise(request, cseq)) return;
    const required = request.headers.get('require') ?? request.headers.get('proxy-require');
    if (required !== undefined && required !== '') {
      this.#respond(551, cseq, [`Unsupported: ${required}`]);
      return;
    }
    const url = parseRequestUrl(request.uri, this.#options.serverHost, this.#scheme);
    if (url === null) this.#respond(400, cseq);
    else if (method === 'OPTIONS') this.#respond(200, cseq, [`Public: ${publicMethods}`, ...this.#sessionHeader()]);
    else if (method === 'DESCRIBE') this.#describe(cseq, url);
    else if (method === 'SETUP') this.#setup(request, cseq, url);
    else if (method === 'GET_PARAMETER' || method === 'SET_PARAMETER') {
      if (this.#ownSession(request, cseq)) this.#respond(200, cseq, this.#sessionHeader());
    } else if (method === 'PLAY' || method === 'PAUSE' || method === 'TEARDOWN') this.#control(request, cseq);
    else this.#respond(501, cseq, [`Public: ${publicMethods}`]);
  }

  /**
   * Whether the request may go on; otherwise it has been answered with 401. The requests that open a stream are always
   * checked. Those of the session they lead to are not checked again: a keep-alive with an old nonce, which clients
   * send without looking at the answer, must not end a session.
   */
  #authorise(request: RtspRequest, cseq: string): boolean {
    const { authenticator } = this.#options;
    const opening = request.method === 'DESCRIBE' || request.method === 'SETUP';
    if (authenticator === null || (this.#trusted && !opening)) return true;
    const header = request.headers.get('authorization');
    const result = authenticator.verify(header, request.method, request.uri, this.#nowMs);
    if (result === 'accepted') {
      this.#trusted = true;
      this.#aliveMs = this.#nowMs;
      return true;
    }
    const challenges = authenticator.challenges(this.#nowMs, result === 'stale');
    this.#put(
      writeResponse(
        401,
        cseq,
        challenges.map((challenge) => `WWW-Authenticate: ${challenge}`),
      ),
    );
    if (result === 'rejected' && ++this.counters.failedLogins >= limits.rtsp.failedLogins)
      throw new ConnectionError('authentication_failed');
    return false;
  }

  #describe(cseq: string, url: RequestUrl): void {
    const path = this.#resolve(url);
    const stream = this.#handler.describe(path);
    if (stream === null) {
      this.#respond(404, cseq);
      return;
    }
    if (this.#state === stateInit) this.#remember(path, url);
    const headers = [`Content-Base: ${url.path === '/' ? this.#base : url.base}`, 'Content-Type: application/sdp'];
    this.#put(writeResponse(200, cseq, headers, writeSessionDescription(stream)));
  }

  #setup(request: RtspRequest, cseq: string, url: RequestUrl): void {
    if (!this.#knownSession(request)) {
      this.#respond(454, cseq);
      return;
    }
    if (this.#state === statePlaying) {
      this.#respond(455, cseq, this.#sessionHeader());
      return;
    }
    const path = this.#resolve(url);
    if (this.#state === stateReady && path.toLowerCase() !== this.#path.toLowerCase()) {
      this.#respond(459, cseq, this.#sessionHeader());
      return;
    }
    const header = request.headers.get('transport');
    if (header === undefined || url.track > 0) {
      this.#respond(header === undefined ? 400 : 404, cseq);
      return;
    }
    let status = 461;
    for (const offer of parseTransport(header)) {
      const reply = this.#handler.setup(path, offer.request);
      if (!('status' in reply)) {
        this.#established(cseq, url, path, offer, reply);
        return;
      }
      status = reply.status;
      if (status !== 461) break;
    }
    this.#respond(status, cseq);
  }

  #established(cseq: string, url: RequestUrl, path: string, offer: TransportOffer, reply: TransportReply): void {
    this.#offer = offer;
    this.#remember(path, url);
    if (this.#state === stateInit) {
      const id = new Uint8Array(8);
      this.#options.random(id);
      this.#sessionId = Buffer.from(id).toString('hex').toUpperCase();
      this.#state = stateReady;
    }
    this.#respond(200, cseq, [`Transport: ${writeTransport(offer, reply)}`, ...this.#sessionHeader()]);
  }

  #control(request: RtspRequest, cseq: string): void {
    if (!this.#ownSession(request, cseq)) return;
    if (this.#state === stateInit) {
      this.#respond(455, cseq);
      return;
    }
    const session = this.#sessionHeader();
    if (request.method === 'TEARDOWN') {
      this.#state = stateInit;
      this.#offer = null;
      this.#handler.teardown('teardown');
      this.#respond(200, cseq, session);
    } else if (request.method === 'PAUSE') {
      if (this.#state === statePlaying) this.#handler.pause();
      this.#state = stateReady;
      this.#respond(200, cseq, session);
    } else if (this.#state === statePlaying) {
      this.#respond(200, cseq, session);
    } else {
      const reply = this.#handler.play();
      this.#state = statePlaying;
      // Other values of a client, such as those for playback of a recording, mean nothing here; RFC 2326 12.34 asks to say so.
      const scale = request.headers.has('scale') ? ['Scale: 1.0'] : [];
      this.#respond(200, cseq, [...session, ...scale, ...this.#playHeaders(reply)]);
    }
  }

  /** Live video has no other clock than the wall's, whatever range the client asked for; ONVIF wants it told so. */
  #playHeaders(reply: PlayReply): string[] {
    const time = new Date(reply.wallMs).toISOString().replace(/[-:]/g, '');
    return [
      `Range: clock=${time}-`,
      `RTP-Info: url=${this.#base}${videoControl};seq=${reply.sequence & 0xffff};rtptime=${reply.rtpTimestamp >>> 0}`,
    ];
  }

  /** A control URL that was resolved against nothing, or against the host alone, is of what was described last. */
  #resolve(url: RequestUrl): string {
    return url.path === '/' && url.track >= 0 && this.#path !== '' ? this.#path : url.path;
  }

  #remember(path: string, url: RequestUrl): void {
    if (path === url.path) this.#base = url.base;
    this.#path = path;
  }

  /** Names no session, or ours. */
  #knownSession(request: RtspRequest): boolean {
    const header = request.headers.get('session');
    if (header === undefined) return true;
    return this.#state !== stateInit && header.split(';', 1)[0]!.trim() === this.#sessionId;
  }

  #ownSession(request: RtspRequest, cseq: string): boolean {
    if (!this.#knownSession(request)) {
      this.#respond(454, cseq);
      return false;
    }
    return true;
  }

  #sessionHeader(): string[] {
    if (this.#state === stateInit) return [];
    return [`Session: ${this.#sessionId};timeout=${Math.floor(this.#options.sessionTimeoutMs / 1000)}`];
  }

  #respond(status: number, cseq: string, headers: readonly string[] = []): void {
    this.#put(writeResponse(status, cseq, headers));
  }

  #put(bytes: Uint8Array): void {
    this.#handler.onOutput(bytes);
  }
}
