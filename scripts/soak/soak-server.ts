/** Skyweir as a process of its own, as `npm start` starts it: seen from outside but for the heap of its main thread. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync, type WriteStream, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { freePorts } from '../../native-free-bench/system/free-port.ts';
import { readUsage } from '../../native-free-bench/system/process-usage.ts';
import { makeCertificate } from '../../test/support/certificates.ts';
import { testCredentials } from '../../test/support/media-server.ts';
import { until } from '../../test/support/program.ts';
import type { ThreadMemory } from './heap-probe.ts';
import { LogTally } from './log-tally.ts';

const root = resolve(import.meta.dirname, '../..');
const startMs = 30_000;
const heapAnswerMs = 10_000;

export interface SoakServerOptions {
  /** For certificate, configuration and state; removed by the caller. */
  readonly folder: string;
  /** Stream paths of all cameras. */
  readonly paths: readonly string[];
  readonly logFile: string | null;
}

/** What the process is made of at one moment. */
export interface ServerSize {
  readonly residentBytes: number;
  readonly anonymousBytes: number;
  readonly descriptors: number;
  readonly threads: number;
  readonly cpuSeconds: number;
  /** Of the main thread; 0 when it did not answer. */
  readonly heapBytes: number;
  /** Of V8 in all threads, the main thread first. */
  readonly memory: readonly ThreadMemory[];
}

/** The running server. Credentials for reading are {@link testCredentials}. */
export class SoakServer {
  readonly log = new LogTally();
  ports = { rtmp: 0, rtmps: 0, rtsp: 0, onvif: [] as readonly number[] };
  ended = false;
  readonly #child: ChildProcess;
  readonly #file: WriteStream | null;
  #memoryAnswer: ((memory: readonly ThreadMemory[]) => void) | null = null;
  #stopping = false;
  readonly #onExit = (): void => {
    this.#child.kill('SIGKILL');
  };

  private constructor(child: ChildProcess, logFile: string | null) {
    this.#child = child;
    this.#file = logFile === null ? null : createWriteStream(logFile);
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#file?.write(text);
      this.log.take(text);
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => this.log.fault(`standard error: ${text.trim()}`));
    child.on('message', (memory: ThreadMemory[]) => this.#memoryAnswer?.(memory));
    child.on('error', (error) => this.log.fault(`the server could not be started: ${error.message}`));
    child.on('exit', (code, signal) => {
      this.ended = true;
      if (!this.#stopping) this.log.fault(`the server ended by itself: ${signal ?? `code ${code}`}`);
    });
    process.once('exit', this.#onExit);
  }

  /** Starts it and waits until it is ready. Throws an Error with what it said if it does not come up. */
  static async start({ folder, paths, logFile }: SoakServerOptions): Promise<SoakServer> {
    const { cert, key } = makeCertificate(folder, 'soak');
    const config = join(folder, 'soak.yaml');
    writeFileSync(config, JSON.stringify({ cameras: paths.map((path) => ({ path })) }));
    const { start } = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as PackageFile).scripts;
    const child = spawn(
      process.execPath,
      [
        ...start.split(' ').filter((word) => word.startsWith('--')),
        ...['--import', join(import.meta.dirname, 'heap-probe.ts'), join(root, 'src/start.js')],
        ...['--config', config, '--state-dir', folder, '--host', '127.0.0.1'],
        ...['--rtmp-port', '0', '--rtsp-port', '0', '--onvif-port', '0', '--http-port', '0'],
        ...['--rtmps-port', String(await freePorts()), '--tls-cert', cert, '--tls-key', key],
        ...['--log-format', 'json', '--log-level', 'debug', '--drain-timeout', '500ms'],
        // All peers come from this machine; what a limit refuses would not be tried.
        ...['--max-connections', '1000', '--max-connections-per-ip', '0', '--no-rate-limit'],
        // Short enough for peers that wait for them to make room for others.
        ...['--handshake-timeout', '2s', '--publish-timeout', '3s', '--video-timeout', '10s'],
      ],
      {
        cwd: folder,
        env: {
          PATH: process.env['PATH'],
          HOME: folder,
          ...allocatorSettings(),
          SKYWEIR_USER: testCredentials.user,
          SKYWEIR_PASSWORD: testCredentials.password,
        },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        // A process group of its own: Ctrl-C is for the soak, which ends the peers first.
        detached: true,
      },
    );
    const server = new SoakServer(child, logFile);
    await until('the server is ready', () => server.log.ready !== null || server.ended, startMs).catch(() => undefined);
    const { ready } = server.log;
    if (ready === null) {
      await server.stop(0);
      throw new Error(`Skyweir did not start: ${server.log.faults.join('; ')}`);
    }
    const port = (name: string): number => Number(String(ready[name]).split(':').at(-1));
    const onvif = ready['onvifPorts'] as readonly number[];
    server.ports = { rtmp: port('rtmp'), rtmps: port('rtmps'), rtsp: port('rtsp'), onvif };
    return server;
  }

  /** Reads the size from /proc and asks for the heap. Throws an Error when the process is gone. */
  async size(): Promise<ServerSize> {
    const { residentBytes, anonymousBytes, descriptors, threads, cpuSeconds } = readUsage(this.#child.pid!);
    const memory = await this.#memory();
    const heapBytes = memory[0]?.heapUsed ?? 0;
    return { residentBytes, anonymousBytes, descriptors, threads, cpuSeconds, heapBytes, memory };
  }

  /** Ends it in order, with force after `ms`. */
  async stop(ms: number): Promise<void> {
    this.#stopping = true;
    if (!this.ended) {
      const gone = new Promise((done) => this.#child.once('close', done));
      this.#child.kill('SIGTERM');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), ms);
      await gone;
      clearTimeout(timer);
    }
    this.#file?.end();
    process.off('exit', this.#onExit);
  }

  async #memory(): Promise<readonly ThreadMemory[]> {
    const answer = Promise.withResolvers<readonly ThreadMemory[]>();
    const timer = setTimeout(() => answer.resolve([]), heapAnswerMs);
    this.#memoryAnswer = answer.resolve;
    if (this.#child.connected) this.#child.send('memory', (error) => error !== null && answer.resolve([]));
    const memory = await answer.promise;
    clearTimeout(timer);
    return memory;
  }
}

/** Those of glibc that this process was started with, so that a soak can be run with them; by default the server has none. */
function allocatorSettings(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => /^(MALLOC_|GLIBC_TUNABLES$)/.test(name)));
}

interface PackageFile {
  readonly scripts: { readonly start: string };
}
