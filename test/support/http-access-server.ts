import { mkdirSync, readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createSecureContext, type SecureContext } from 'node:tls';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { HttpPort } from '../../src/net/http-port.ts';
import { StatusServer } from '../../src/net/status-server.ts';
import { Access } from '../../src/server/access.ts';
import { type HttpCounts, newHttpCounts } from '../../src/status/counts.ts';
import type { EventRecord } from '../../src/status/event-record.ts';
import type { StatusRoute } from '../../src/status/route.ts';
import type { StatusSource } from '../../src/status/status-source.ts';
import { makeCertificate } from './certificates.ts';
import { temporaryFolder } from './media.ts';

/** The user of the settings of {@link AccessServer}. */
export const builtIn = { user: 'skyweir', password: 'correct horse battery' };

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface AccessServerOptions {
  readonly auth?: boolean;
  /** Name of the user in place of that of {@link builtIn}. */
  readonly user?: string;
  /** Bind address that the server is told of; it always listens on 127.0.0.1. */
  readonly host?: string;
  readonly tls?: boolean;
  readonly routes?: readonly StatusRoute[];
  readonly stateDir?: string;
  readonly sessions?: { readonly idleMs: number; readonly lifetimeMs: number };
  readonly clock?: Clock;
}

/** The HTTP port with logins, users and tokens, of a server that has no cameras. */
export class AccessServer {
  readonly stateDir: string;
  readonly port: number;
  readonly secure: boolean;
  readonly log: Record<string, unknown>[];
  readonly access: Access;
  readonly counts: HttpCounts;

  private constructor(own: Pick<AccessServer, 'stateDir' | 'port' | 'secure' | 'log' | 'access' | 'counts'>) {
    this.stateDir = own.stateDir;
    this.port = own.port;
    this.secure = own.secure;
    this.log = own.log;
    this.access = own.access;
    this.counts = own.counts;
  }

  static async start(
    t: { after(cleanup: () => void | Promise<void>): void },
    options: AccessServerOptions = {},
  ): Promise<AccessServer> {
    const {
      auth = true,
      user = builtIn.user,
      host = '::',
      tls = false,
      routes = [],
      stateDir = temporaryFolder(t),
    } = options;
    mkdirSync(stateDir, { recursive: true });
    const log: Record<string, unknown>[] = [];
    const line =
      (level: string) =>
      (fields: object, message: string): unknown =>
        log.push({ level, ...fields, msg: message });
    const logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
    const counts = newHttpCounts();
    const access = await Access.open({
      credentials: auth ? { ...builtIn, user } : null,
      digestSha256: false,
      stateDir,
      sessions: options.sessions ?? { idleMs: 60_000, lifetimeMs: 600_000 },
      host,
      counts,
      clock: options.clock ?? systemClock,
      logger,
      passwordCost: { logN: 4, r: 1, p: 1 },
    });
    const status = await StatusServer.create({ source: emptySource(), routes, access: access.http, counts, logger });
    let context: SecureContext | null = null;
    if (tls) {
      const { cert, key } = makeCertificate(stateDir, 'http');
      context = createSecureContext({ cert: readFileSync(cert), key: readFileSync(key) });
    }
    const http = new HttpPort({
      host: '127.0.0.1',
      port: 0,
      flag: '--http-port',
      bounds: limits.http,
      secureContext: () => context,
      onRequest: status.handle,
      onRefused: (reason, address) => status.refused(reason, address),
      counts,
      logger,
    });
    const port = await http.listen();
    t.after(async () => {
      access.close();
      await Promise.all([http.close(), status.close()]);
    });
    return new AccessServer({ stateDir, port, secure: tls, log, access, counts });
  }

  get url(): string {
    return `${this.secure ? 'https' : 'http'}://127.0.0.1:${this.port}`;
  }

  /** One request on a connection of its own; `body` is sent as JSON, a text as it is. */
  ask(method: string, path: string, headers: Record<string, string> = {}, body?: unknown): Promise<Answer> {
    const json = body === undefined || typeof body === 'string' ? {} : { 'Content-Type': 'application/json' };
    return new Promise((resolve, reject) => {
      const sent = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
      // Node leaves the length out for DELETE.
      const length = sent === '' ? {} : { 'Content-Length': String(Buffer.byteLength(sent)) };
      const options = { method, headers: { ...json, ...length, ...headers }, agent: false, rejectUnauthorized: false };
      const asked = (this.secure ? httpsRequest : httpRequest)(this.url + path, options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() });
        });
      });
      asked.on('error', reject);
      asked.end(sent);
    });
  }

  /** Asks for what does not end, such as events; resolves when it begins. */
  follow(path: string, headers: Record<string, string>): Promise<{ readonly status: number; closed: boolean }> {
    return new Promise((resolve, reject) => {
      const asked = httpRequest(this.url + path, { headers, agent: false }, (response) => {
        const followed = { status: response.statusCode!, closed: false };
        response.resume();
        response.on('error', () => undefined);
        response.on('close', () => {
          followed.closed = true;
        });
        resolve(followed);
      });
      asked.on('error', reject);
      asked.end();
    });
  }

  /** Logs in; returns the headers that carry the session. */
  async login(user: string, password: string): Promise<Record<string, string>> {
    const { status, headers, text } = await this.ask('POST', '/api/v1/login', {}, { user, password });
    if (status !== 204) throw new Error(`login of ${user}: ${status} ${text}`);
    return { Cookie: headers['set-cookie']![0]!.split(';', 1)[0]! };
  }
}

export function basic(user: string, password: string): Record<string, string> {
  return { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** Only what is asked of it here is there. */
function emptySource(): StatusSource {
  const source: Partial<StatusSource> = {
    version: '1.2.3',
    streams: () => [],
    stream: () => null,
    verdicts: new Map(),
    publishers: () => [],
    readers: async () => ({ readers: [], complete: true }),
    hardware: () => [],
    processMetrics: async () => [],
    events: () => [] as readonly EventRecord[],
    onEvent: () => () => undefined,
    kick: () => null,
    nowMs: () => systemClock.nowMs(),
  };
  return source as StatusSource;
}
