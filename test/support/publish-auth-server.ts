import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { CliLog, type LogLine, portOf } from './cli-log.ts';
import { temporaryFolder } from './media.ts';
import { type Program, start, until } from './program.ts';
import { RtmpClient } from './rtmp-client.ts';

const cli = resolve(import.meta.dirname, '../../src/cli.ts');
const run = promisify(execFile);
const credentials = { user: 'operator', password: 'correct-horse' };
const login = `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`;

interface Context {
  after(cleanup: () => void | Promise<void>): void;
}

/** An answer of the API. */
export interface ApiReply {
  readonly status: number;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect
  readonly body: any;
}

/** The program itself, which asks its publishers for a credential, with its API and its command line. */
export class PublishAuthServer {
  readonly program: Program;
  readonly folder: string;
  readonly #log: CliLog;
  #ready: LogLine = {};
  readonly #environment = {
    PATH: process.env['PATH'],
    SKYWEIR_USER: credentials.user,
    SKYWEIR_PASSWORD: credentials.password,
  };

  private constructor(t: Context, folder: string, settings: object) {
    this.folder = folder;
    const usual = {
      host: '127.0.0.1',
      'rtmp-port': 0,
      'rtsp-port': 0,
      'http-port': 0,
      onvif: false,
      'rate-limit': false,
    };
    const open = {
      'max-connections-per-ip': 0,
      'log-format': 'json',
      'ingest-workers': 1,
      'state-dir': join(folder, 'state'),
    };
    writeFileSync(
      join(folder, 'skyweir.yaml'),
      JSON.stringify({ ...usual, ...open, 'publish-auth': true, ...settings }),
    );
    this.program = start(t, process.execPath, [cli, '--config', 'skyweir.yaml'], {
      cwd: folder,
      env: this.#environment,
    });
    this.#log = new CliLog(this.program);
  }

  /** Starts the program with these settings besides the usual ones of a test. `folder` may hold files that it needs. */
  static async start(t: Context, settings: object = {}, folder = temporaryFolder(t)): Promise<PublishAuthServer> {
    const server = new PublishAuthServer(t, folder, settings);
    server.#ready = await server.#log.ready(40_000);
    return server;
  }

  get lines(): LogLine[] {
    return this.#log.lines;
  }

  says(text: string): LogLine[] {
    return this.#log.said(text);
  }

  /** Reasons for which connections have ended so far, in order. */
  get reasons(): unknown[] {
    return this.says('connection closed').map(({ reason }) => reason);
  }

  get rtmpPort(): number {
    return portOf(this.#ready, 'rtmp');
  }

  get httpPort(): number {
    return portOf(this.#ready, 'http');
  }

  url(path: string): string {
    return `rtmp://127.0.0.1:${this.rtmpPort}${path}`;
  }

  async api(method: string, path: string, body?: object): Promise<ApiReply> {
    const headers = { Authorization: login, ...(body !== undefined && { 'Content-Type': 'application/json' }) };
    const given = body === undefined ? {} : { body: JSON.stringify(body) };
    const answer = await fetch(`http://127.0.0.1:${this.httpPort}${path}`, { method, headers, ...given });
    const text = await answer.text();
    return { status: answer.status, text, body: text.startsWith('{') ? JSON.parse(text) : null };
  }

  /** `skyweir keys ...` as an operator types it beside the running server. Returns what it writes. */
  async keys(...args: string[]): Promise<string> {
    const given = [cli, 'keys', ...args, '--config', 'skyweir.yaml'];
    const { stdout } = await run(process.execPath, given, { cwd: this.folder, env: this.#environment });
    return stdout;
  }

  /** Makes a key by the command line, and waits until the server knows it. */
  async newKey(path: string, ...args: string[]): Promise<{ id: string; key: string }> {
    const text = await this.keys('add', path, ...args);
    const made = { id: /^Key (\w+)/.exec(text)![1]!, key: /swk_\w+/.exec(text)![0] };
    await this.knows((ids) => ids.includes(made.id));
    return made;
  }

  /** Resolves when the server has keys of which this holds. */
  knows(holds: (ids: string[]) => boolean): Promise<void> {
    return until('the server knows the keys', async () => {
      const { body } = await this.api('GET', '/api/v1/keys');
      return holds(body.keys.map(({ id }: { id: string }) => id));
    });
  }

  /** Tries to publish. The status with which it was refused, '' for a connection that was just closed, null if it was not. */
  async tries(path: string): Promise<string | null> {
    const client = await RtmpClient.connect({ port: this.rtmpPort, path });
    if (await client.accepted) {
      client.stop();
      await client.ended;
      return null;
    }
    await client.ended;
    return client.rejection;
  }

  /** Resolves with the reason of the next connection that ends, after `before` have. */
  async reason(before: number): Promise<unknown> {
    await until('a connection has ended', () => this.reasons.length > before);
    return this.reasons[before];
  }
}

/** An HTTP server of somebody else's, which notes what it is asked. */
export class OtherServer {
  readonly requests: { readonly url: string; readonly headers: IncomingMessage['headers']; readonly body: string }[] =
    [];
  readonly #server: Server;
  answer: (response: ServerResponse, body: string) => void = (response) => response.writeHead(200).end();

  private constructor() {
    this.#server = createServer(async (request, response) => {
      let body = '';
      for await (const part of request) body += String(part);
      this.requests.push({ url: request.url ?? '', headers: request.headers, body });
      this.answer(response, body);
    });
  }

  static async start(t: Context): Promise<OtherServer> {
    const other = new OtherServer();
    other.#server.listen(0, '127.0.0.1');
    await once(other.#server, 'listening');
    t.after(() => other.stop());
    return other;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { port: number }).port}/asked`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
