import { createHash } from 'node:crypto';
import { ConnectionError } from '../../src/base/errors.ts';
import { DigestAuthenticator } from '../../src/rtsp/digest-authenticator.ts';
import {
  type RtspHandler,
  RtspServerSession,
  type StreamDescription,
  type TransportRefusal,
  type TransportReply,
} from '../../src/rtsp/server-session.ts';

/** What a test server knows and how it answers. */
export interface RtspPeerOptions {
  auth: boolean;
  sha256: boolean;
  /** Refuses UDP with 461. */
  udp: boolean;
  sessionTimeoutMs: number;
  nonceLifetimeMs: number;
}

/**
 * An {@link RtspServerSession} around a handler that writes down its calls. Cameras are /stream1 and /live/drone 7;
 * /busy answers SETUP with 453. User `admin`, password `geheim`; every random byte is 0xA5.
 */
export class RtspPeer {
  readonly session: RtspServerSession;
  /** Calls of the handler since the last `takeCalls`. */
  #calls: string[] = [];
  #output: Buffer[] = [];
  #nonce = '';
  nowMs = 1000;

  constructor(changes: Partial<RtspPeerOptions> = {}) {
    const options: RtspPeerOptions = {
      auth: false,
      sha256: false,
      udp: true,
      sessionTimeoutMs: 60_000,
      nonceLifetimeMs: 300_000,
      ...changes,
    };
    const stream: StreamDescription = {
      name: 'Stream 1',
      sps: Buffer.from('67640028acd9', 'hex'),
      pps: Buffer.from('68ebe3cb', 'hex'),
      fps: 25,
    };
    const known = (path: string) => ['/stream1', '/live/drone 7', '/busy'].includes(path.toLowerCase());
    const handler: RtspHandler = {
      onOutput: (bytes) => this.#output.push(Buffer.from(bytes)),
      describe: (path) => {
        this.#calls.push(`describe ${path}`);
        return known(path) ? stream : null;
      },
      setup: (path, transport): TransportReply | TransportRefusal => {
        const pair = transport.clientPorts ?? transport.interleaved;
        this.#calls.push(`setup ${path} ${transport.protocol} ${pair?.join('-')}`);
        if (!known(path)) return { status: 404 };
        if (path.toLowerCase() === '/busy') return { status: 453 };
        if (transport.protocol === 'tcp') return { serverPorts: null, ssrc: 0xdeadbeef };
        return options.udp ? { serverPorts: [6970, 6971], ssrc: 0xdeadbeef } : { status: 461 };
      },
      play: () => {
        this.#calls.push('play');
        return { sequence: 4711, rtpTimestamp: 3_000_000_000, wallMs: Date.UTC(2026, 10, 20, 10, 49, 44, 123) };
      },
      pause: () => this.#calls.push('pause'),
      teardown: (cause) => this.#calls.push(`teardown ${cause}`),
      onInterleaved: (channel, bytes) => this.#calls.push(`frame ${channel} ${Buffer.from(bytes).toString('hex')}`),
    };
    const authenticator = new DigestAuthenticator({
      user: 'admin',
      password: 'geheim',
      realm: 'Skyweir',
      sha256: options.sha256,
      key: Buffer.alloc(32, 0xa5),
      nonceLifetimeMs: options.nonceLifetimeMs,
    });
    this.session = new RtspServerSession(handler, {
      authenticator: options.auth ? authenticator : null,
      serverHost: 'server:8554',
      sessionTimeoutMs: options.sessionTimeoutMs,
      nowMs: this.nowMs,
      random: (into) => into.fill(0xa5),
    });
  }

  /** Feeds one read, or several that are cut every `step` bytes. Returns the code of the error that ends it, or ''. */
  receive(bytes: Buffer, step = bytes.length): string {
    try {
      for (let at = 0; at < bytes.length; at += step)
        this.session.receive(bytes, at, Math.min(bytes.length, at + step), this.nowMs);
      return '';
    } catch (error) {
      if (error instanceof ConnectionError) return error.code;
      throw error;
    }
  }

  /** Sends a request of one line and its headers with a CSeq of 1, and returns the whole answer. */
  ask(requestLine: string, ...headers: string[]): string {
    const code = this.receive(Buffer.from([`${requestLine} RTSP/1.0`, 'CSeq: 1', ...headers, '', ''].join('\r\n')));
    return code === '' ? this.takeOutput() : `${this.takeOutput()}${code}`;
  }

  takeOutput(): string {
    const text = Buffer.concat(this.#output).toString();
    this.#output = [];
    this.#nonce = [...text.matchAll(/nonce="([^"]+)"/g)].at(-1)?.[1] ?? this.#nonce;
    return text;
  }

  takeCalls(): string[] {
    const calls = this.#calls;
    this.#calls = [];
    return calls;
  }

  /** Of the last challenge. */
  get nonce(): string {
    return this.#nonce;
  }

  /** An Authorization header without qop, as most RTSP clients send it. */
  authorization(method: string, uri: string, password = 'geheim', algorithm = 'MD5'): string {
    const response = digestResponse(method, uri, this.#nonce, password, algorithm);
    const named = algorithm === 'MD5' ? '' : `, algorithm=${algorithm}`;
    return `Authorization: Digest username="admin", realm="Skyweir", nonce="${this.#nonce}", uri="${uri}", response="${response}"${named}`;
  }
}

/** The response of RFC 2069 for the test user. */
export function digestResponse(
  method: string,
  uri: string,
  nonce: string,
  password = 'geheim',
  algorithm = 'MD5',
): string {
  const name = algorithm === 'MD5' ? 'md5' : 'sha256';
  const hash = (text: string) => createHash(name).update(text).digest('hex');
  return hash(`${hash(`admin:Skyweir:${password}`)}:${nonce}:${hash(`${method}:${uri}`)}`);
}
