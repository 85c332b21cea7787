/** Skyweir itself, started as a user would, on free ports and with room for a fleet. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '../../native-free-bench/system/free-port.ts';
import { sidePorts } from '../../native-free-bench/system/target-skyweir.ts';
import type { FleetCredentials } from './options.ts';
import type { UrlPattern } from './url-pattern.ts';

const root = resolve(import.meta.dirname, '../..');
const host = '127.0.0.1';
const startMs = 30_000;
const pollMs = 50;
const keptOutput = 4000;

/** What Skyweir allows; more cameras need a server that was started by hand. */
export const mostOwnCameras = 1000;
/** A place for the connection that comes while its forerunner is not yet gone, and a few for whoever looks. */
const mostConnections = 4000;
const spareConnections = 16;

export interface OwnServerOptions {
  readonly cameras: number;
  readonly rtmps: boolean;
  /** Written to, removed by the caller. */
  readonly folder: string;
  readonly flags: readonly string[];
  /** Ends the start. */
  readonly signal: AbortSignal;
}

/** The running server. */
export class OwnServer {
  readonly target: UrlPattern;
  readonly read: UrlPattern;
  readonly credentials: FleetCredentials;
  /** Of /metrics; 0 where there is none. */
  readonly httpPort: number;
  readonly #child: ChildProcess;
  #output = '';
  #ended = false;
  #cause = '';
  readonly #onExit = (): void => {
    this.#child.kill('SIGKILL');
  };

  private constructor(
    command: readonly string[],
    folder: string,
    target: UrlPattern,
    read: UrlPattern,
    credentials: FleetCredentials,
    httpPort: number,
  ) {
    this.target = target;
    this.read = read;
    this.credentials = credentials;
    this.httpPort = httpPort;
    // A process group of its own: Ctrl-C is for the fleet, which ends its cameras first.
    this.#child = spawn(command[0]!, command.slice(1), {
      cwd: folder,
      env: { ...environmentOf(process.env), HOME: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const keep = (text: Buffer): void => {
      this.#output = (this.#output + text.toString()).slice(-keptOutput);
    };
    this.#child.stdout!.on('data', keep);
    this.#child.stderr!.on('data', keep);
    this.#child.on('error', (error) => {
      this.#output += error.message;
      this.#ended = true;
    });
    this.#child.on('exit', (code, signal) => {
      this.#ended = true;
      this.#cause = signal ?? `code ${code}`;
    });
    process.once('exit', this.#onExit);
  }

  /** Starts it and waits until it listens. Throws an Error with what it said if it does not, or if `signal` comes first. */
  static async start(options: OwnServerOptions): Promise<OwnServer> {
    const { cameras, rtmps, folder, flags, signal } = options;
    const [rtmpPort, rtspPort] = [await freePorts(), await freePorts()];
    const credentials = { user: 'fleet', password: randomBytes(12).toString('base64url') };
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, credentials.password, { mode: 0o600 });
    const { start } = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as PackageFile).scripts;
    const side = await sidePorts(cameras);
    const connections = Math.min(mostConnections, 2 * cameras + spareConnections);
    const command = [
      process.execPath,
      ...start.split(' ').filter((word) => word.startsWith('--')),
      join(root, 'src/start.js'),
      ...['--host', host, '--rtmp-port', String(rtmpPort), '--rtsp-port', String(rtspPort)],
      ...['--cameras', String(cameras), '--max-connections', String(connections)],
      // All cameras come from this machine, and a drone that comes back finds its own dead connection.
      ...['--max-connections-per-ip', '0', '--no-rate-limit', '--publish-conflict', 'takeover-stale'],
      ...['--user', credentials.user, '--password-file', passwordFile, '--state-dir', folder],
      ...['--log-level', 'error', '--drain-timeout', '500ms', ...side],
      ...(rtmps ? await encryption(folder, signal) : []),
      ...flags,
    ];
    const pattern = (protocol: string, port: number): UrlPattern => ({ protocol, host, port, path: '/stream%d' });
    const target = pattern(rtmps ? 'rtmps:' : 'rtmp:', rtmpPort);
    // With a certificate that port takes HTTPS too, and still HTTP.
    const httpPort = Number(side[side.indexOf('--http-port') + 1] ?? 0);
    const server = new OwnServer(command, folder, target, pattern('rtsp:', rtspPort), credentials, httpPort);
    await server.#listening([rtmpPort, rtspPort], signal);
    return server;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** True when it has gone, by whatever reason. */
  get ended(): boolean {
    return this.#ended;
  }

  /** How it ended and the last that it said. */
  get lastWords(): string {
    return `${this.#cause} ${this.#output.trim().split('\n').at(-1) ?? ''}`.trim();
  }

  /** Ends it in order, with force after `ms`. */
  async stop(ms: number): Promise<void> {
    if (!this.#ended) {
      const gone = new Promise<void>((done) => this.#child.once('exit', () => done()));
      this.#child.kill('SIGTERM');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), ms);
      await gone;
      clearTimeout(timer);
    }
    process.off('exit', this.#onExit);
  }

  async #listening(ports: readonly number[], signal: AbortSignal): Promise<void> {
    const untilMs = performance.now() + startMs;
    for (const port of ports) {
      while (!(await accepts(host, port))) {
        if (this.#ended) throw new Error(`Skyweir ended at its start: ${this.#output.trim()}`);
        if (signal.aborted || performance.now() > untilMs) {
          await this.stop(0);
          throw new Error(`Skyweir does not listen: ${this.#output.trim()}`);
        }
        await delay(pollMs);
      }
    }
  }
}

/**
 * Without the settings of a server that this machine has besides: where that one asks for keys, the cameras of a fleet would be
 * refused. Passwords are no settings.
 */
export function environmentOf(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(
    ([name]) => !name.startsWith('SKYWEIR_') || name.endsWith('_PASSWORD'),
  );
  return Object.fromEntries(kept);
}

interface PackageFile {
  readonly scripts: { readonly start: string };
}

/** Whether somebody listens there. */
export function accepts(address: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: address, port, timeout: 3000 });
    const answer = (open: boolean): void => {
      socket.destroy();
      done(open);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(false));
    socket.once('error', () => answer(false));
  });
}

/** Flags for a certificate made for this run alone. */
async function encryption(folder: string, signal: AbortSignal): Promise<string[]> {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const how = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const whose = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  try {
    await promisify(execFile)('openssl', [...how, ...whose, '-keyout', key, '-out', cert], {
      timeout: startMs,
      signal,
    });
  } catch (error) {
    throw new Error(`--rtmps: openssl could not make a certificate (${(error as Error).message.split('\n')[0]})`);
  }
  return ['--tls', '--tls-cert', cert, '--tls-key', key];
}
