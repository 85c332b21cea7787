import { createSocket } from 'node:dgram';
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { connect, isIPv6 } from 'node:net';
import { limits } from '../base/limits.ts';
import type { HookAnswer, Outcome } from '../hooks/outcome.ts';

/** What one attempt came to. */
export interface Sent {
  readonly outcome: Outcome;
  /** What came back, as text; empty where nothing did. */
  readonly answer: string;
  /** Null where the target does not speak HTTP, or did not answer. */
  readonly status: number | null;
}

/** Sends to one target. Never rejects: what goes wrong is in the outcome. */
export interface HookSender {
  send(content: string, headers: Readonly<Record<string, string>>): Promise<Sent>;
  /** Closes what is kept open. Attempts that run go on, unless all is to end `now`. */
  close(now: boolean): void;
}

/** What a sender is made with. */
export interface HookSenderOptions {
  readonly url: string;
  /** For one attempt, with connecting. */
  readonly timeoutMs: number;
  /** PEM that certificates are checked against, null for those that Node.js brings. */
  readonly ca: string | null;
  readonly userAgent: string;
  readonly judge: (answer: HookAnswer) => Outcome;
}

/** The sender for the scheme of a URL. */
export function createHookSender(options: HookSenderOptions): HookSender {
  const url = new URL(options.url);
  if (url.protocol === 'udp:') return new UdpSender(url);
  if (url.protocol === 'tcp:') return new TcpSender(url, options.timeoutMs);
  return new HttpSender(url, options);
}

/** One POST for each event, over connections that are kept. Redirects are not followed, certificates always checked. */
class HttpSender implements HookSender {
  readonly #url: URL;
  readonly #options: HookSenderOptions;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(url: URL, options: HookSenderOptions) {
    const { ca } = options;
    this.#url = url;
    this.#options = options;
    const kept = { keepAlive: true, maxSockets: limits.hooks.parallel, maxFreeSockets: 1 };
    this.#agent =
      url.protocol === 'https:'
        ? new HttpsAgent({ ...kept, ...(ca !== null && { ca }), rejectUnauthorized: true })
        : new HttpAgent(kept);
  }

  async send(content: string, headers: Readonly<Record<string, string>>): Promise<Sent> {
    const deadline = AbortSignal.timeout(this.#options.timeoutMs);
    try {
      return await this.#attempt(content, headers, deadline);
    } catch (error) {
      // A kept connection that the target closed a moment ago says nothing about the target.
      if (!(error instanceof StaleConnection)) return failed(error, deadline);
    }
    return this.#attempt(content, headers, deadline).catch((error: unknown) => failed(error, deadline));
  }

  close(now: boolean): void {
    if (now) this.#agent.destroy();
    // Connections that are in use are then closed after it.
    Object.assign(this.#agent, { keepAlive: false });
    for (const socket of Object.values(this.#agent.freeSockets).flatMap((sockets) => sockets ?? [])) socket.destroy();
  }

  #attempt(content: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Sent> {
    const body = Buffer.from(content);
    const send = this.#url.protocol === 'https:' ? httpsRequest : httpRequest;
    const { promise, resolve, reject } = Promise.withResolvers<Sent>();
    const request: ClientRequest = send(this.#url, {
      method: 'POST',
      agent: this.#agent,
      signal,
      headers: { 'User-Agent': this.#options.userAgent, ...headers, 'Content-Length': body.length },
    });
    let answered = false;
    // Without this, Node closes the connection and says nothing.
    request.on('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new Error('the target speaks another protocol'));
    });
    request.on('response', (response) => {
      answered = true;
      void readBeginning(response).then((text) => resolve(this.#judge(response, text)));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (answered) return;
      const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      reject(isStale ? new StaleConnection() : error);
    });
    request.end(body);
    return promise;
  }

  #judge({ statusCode = 0, headers }: IncomingMessage, text: string): Sent {
    const outcome = this.#options.judge({ status: statusCode, retryAfter: headers['retry-after'], text });
    return { outcome, answer: text, status: statusCode };
  }
}

class StaleConnection extends Error {}

/** The beginning of a body, as far as it comes: the status has said what counts. What is longer is cut off with its connection. */
async function readBeginning(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    for await (const piece of response) {
      pieces.push(piece as Buffer);
      length += (piece as Buffer).length;
      if (length >= limits.hooks.answerBytes) break;
    }
  } catch {
    // It broke off, or took too long.
  }
  return Buffer.concat(pieces).subarray(0, limits.hooks.answerBytes).toString();
}

/**
 * One connection for each event: text, then the end. The target need not answer; that it took the bytes and closed, or closes
 * within a moment, is all that plain TCP tells.
 */
class TcpSender implements HookSender {
  readonly #url: URL;
  readonly #timeoutMs: number;

  constructor(url: URL, timeoutMs: number) {
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  send(content: string): Promise<Sent> {
    const { promise, resolve } = Promise.withResolvers<Sent>();
    const { host, port } = hostOf(this.#url);
    const socket = connect({ host, port });
    const deadline = AbortSignal.timeout(this.#timeoutMs);
    let answer = '';
    let flushed = false;
    const finish = (sent: Sent): void => {
      resolve(sent);
      socket.destroy();
    };
    const delivered = (): void => finish({ outcome: { result: 'delivered', detail: 'sent' }, answer, status: null });
    deadline.addEventListener('abort', () => (flushed ? delivered() : finish(failed(deadline.reason, deadline))));
    socket.on('connect', () => {
      socket.end(content, () => {
        flushed = true;
        socket.setTimeout(limits.hooks.closeMs, delivered);
      });
    });
    socket.on('data', (bytes) => {
      answer = (answer + bytes.toString()).slice(0, limits.hooks.answerBytes);
    });
    socket.on('error', (error) => finish(failed(error, deadline)));
    socket.on('close', () => (flushed ? delivered() : finish(failed(new Error('closed too early'), deadline))));
    return promise;
  }

  close(): void {
    // Nothing is kept open.
  }
}

/** One datagram for each event. Nobody tells whether it arrived. */
class UdpSender implements HookSender {
  readonly #url: URL;

  constructor(url: URL) {
    this.#url = url;
  }

  send(content: string): Promise<Sent> {
    const { promise, resolve } = Promise.withResolvers<Sent>();
    const { host, port } = hostOf(this.#url);
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
    let open = true;
    const finish = (sent: Sent): void => {
      if (open) socket.close();
      open = false;
      resolve(sent);
    };
    socket.on('error', (error) => finish(failed(error, null)));
    try {
      socket.send(content, port, host, (error) => {
        const delivered: Sent = { outcome: { result: 'delivered', detail: 'sent' }, answer: '', status: null };
        finish(error === null ? delivered : failed(error, null));
      });
    } catch (error) {
      // Port 0 is a URL, but no place to send to.
      finish(failed(error, null));
    }
    return promise;
  }

  close(): void {
    // Nothing is kept open.
  }
}

function hostOf(url: URL): { readonly host: string; readonly port: number } {
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(url.port) };
}

/** The target did not answer. The message of the system names addresses and host names, and nothing else of the URL. */
function failed(error: unknown, deadline: AbortSignal | null): Sent {
  const detail = deadline?.aborted === true ? 'no answer in time' : describe(error);
  return { outcome: { result: 'retry', scope: 'target', detail }, answer: '', status: null };
}

function describe(error: unknown): string {
  // Several addresses of one host that all failed: their errors are inside.
  if (error instanceof AggregateError && error.message === '') return describe(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
