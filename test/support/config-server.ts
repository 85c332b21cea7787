import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CliLog, type LogLine, portOf } from './cli-log.ts';
import { temporaryFolder } from './media.ts';
import { testCredentials } from './media-server.ts';
import { type Program, start } from './program.ts';

const cli = resolve(import.meta.dirname, '../../src/cli.ts');
const { user, password } = testCredentials;

/** Milliseconds for a start on a machine that is busy with other tests. */
const startMs = 45_000;

/** An answer of the HTTP port. */
export interface ApiAnswer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** Where it is reached; `onvif` is the first device. */
interface Ports {
  readonly rtmp: number;
  readonly rtsp: number;
  readonly http: number;
  readonly onvif: number;
}

/** The program as an operator starts it, to be configured over HTTP. It can be started again in the same folder. */
export class ConfigServer {
  readonly folder: string;
  /** Null: no `--config`. */
  readonly file: string | null;
  readonly #context: { after(cleanup: () => void): void };
  readonly #flags: readonly string[];
  #program: Program | null = null;
  #log: CliLog | null = null;
  #ports: Ports = { rtmp: 0, rtsp: 0, http: 0, onvif: 0 };

  constructor(t: { after(cleanup: () => void): void }, yaml: string | null, flags: readonly string[] = []) {
    this.#context = t;
    this.folder = temporaryFolder(t);
    this.file = yaml === null ? null : join(this.folder, 'skyweir.yaml');
    if (this.file !== null) writeFileSync(this.file, yaml!);
    this.#flags = flags;
  }

  static async start(t: { after(cleanup: () => void): void }, yaml: string | null, flags: readonly string[] = []) {
    const server = new ConfigServer(t, yaml, flags);
    await server.run();
    return server;
  }

  /** Starts it, and resolves when it is ready. */
  async run(): Promise<void> {
    const config = this.file === null ? [] : ['--config', this.file];
    const args = [...config, '--host', '127.0.0.1', '--rtsp-port', '0', '--http-port', '0', '--onvif-port', '0'];
    const env = { PATH: process.env['PATH'], SKYWEIR_USER: user, SKYWEIR_PASSWORD: password };
    const command = [cli, '--log-format', 'json', '--no-discovery', ...args, ...this.#flags];
    const program = start(this.#context, process.execPath, command, { cwd: this.folder, env });
    this.#program = program;
    this.#log = new CliLog(program);
    const line = await this.#log.ready(startMs);
    const [onvif = 0] = line['onvifPorts'] as number[];
    this.#ports = { rtmp: portOf(line, 'rtmp'), rtsp: portOf(line, 'rtsp'), http: portOf(line, 'http'), onvif };
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    this.#program!.kill('SIGTERM');
    await this.#program!.ended;
  }

  get ports(): Ports {
    return this.#ports;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#ports.http}`;
  }

  get log(): LogLine[] {
    return this.#log!.lines;
  }

  /** Lines of the log that say this. */
  said(text: string): LogLine[] {
    return this.#log!.said(text);
  }

  get text(): string {
    return readFileSync(this.file ?? join(this.folder, '.skyweir/skyweir.yaml'), 'utf8');
  }

  /** A request to `/api/v1`; a text is sent as YAML, anything else as JSON. */
  async ask<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer<T>> {
    const isText = typeof body === 'string';
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
        ...(body !== undefined && { 'Content-Type': isText ? 'application/yaml' : 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T };
  }
}
