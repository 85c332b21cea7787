/** A server under measurement, running in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { StreamNames } from './load-messages.ts';
import { processTree } from './process-usage.ts';

/** How long after the first answer the load may begin. */
const settleMs = 300;

/** What a target is asked to be able to do. */
export interface TargetOptions {
  /** Streams, 1 to 1000. */
  readonly streams: number;
  /** Folder for configuration and whatever the target writes; removed afterwards. */
  readonly folder: string;
  /** Processors to bind the target to (taskset list), or '' . */
  readonly processors: string;
  /** Ask for user name and password where the target can. */
  readonly authentication: boolean;
  /** Folder for CPU profiles of targets that run on Node, or '' . */
  readonly profileFolder: string;
  /** RTMPS in place of RTMP, where the target can. */
  readonly tls?: boolean;
  /** The ports of this one, which has ended, are used again. */
  readonly again?: RunningTarget;
}

/** A started target. */
export interface RunningTarget {
  readonly process: RunningProcess;
  readonly rtmpPort: number;
  readonly readProtocol: 'rtmp' | 'rtsp';
  readonly readPort: number;
  readonly credentials: { readonly user: string; readonly password: string } | null;
  /** Of the HTTP port with /metrics, and of the first ONVIF device; 0 where there is none. */
  readonly httpPort: number;
  readonly onvifPort: number;
  /** How stream `index` (from 0) is addressed. */
  stream(index: number): StreamNames;
}

/** A kind of target. */
export interface Target {
  readonly name: string;
  /** One line about program, version and settings that matter. */
  readonly description: string;
  start(options: TargetOptions): Promise<RunningTarget>;
}

/** One process, or several that count as one. */
export interface RunningProcess {
  /** Of the first of several. */
  readonly pid: number;
  readonly pids: readonly number[];
  readonly ended: boolean;
  /** The last of what it printed. */
  readonly output: string;
  /** Ends it in order, with force after 10 s. */
  stop(): Promise<void>;
  /** Ends it at once, as a crash would (SIGKILL). */
  kill(): Promise<void>;
}

/** A target's process with the tail of what it printed, for the error message when it dies. */
export class TargetProcess implements RunningProcess {
  readonly #child: ChildProcess;
  #tail = '';
  #ended = false;

  constructor(command: readonly string[], folder: string, processors: string, environment: NodeJS.ProcessEnv = {}) {
    const full = processors === '' ? command : ['taskset', '-c', processors, ...command];
    this.#child = spawn(full[0]!, full.slice(1), {
      cwd: folder,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (text: Buffer) => {
      this.#tail = (this.#tail + text.toString()).slice(-4000);
    };
    this.#child.stdout!.on('data', keep);
    this.#child.stderr!.on('data', keep);
    this.#child.on('error', (error) => {
      this.#tail += error.message;
      this.#ended = true;
    });
    // An interrupted benchmark must not leave its target running.
    const kill = () => this.#child.kill('SIGKILL');
    process.once('exit', kill);
    this.#child.on('exit', () => {
      this.#ended = true;
      process.off('exit', kill);
    });
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get pids(): readonly number[] {
    return [this.pid];
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The last of what it printed. */
  get output(): string {
    return this.#tail;
  }

  /** Resolves when all ports accept connections. Ends it and throws an Error with its output if that takes too long. */
  async listening(ports: readonly number[], seconds = 60): Promise<void> {
    try {
      await this.#answers(ports, seconds);
    } catch (error) {
      await this.kill();
      throw error;
    }
    // The connections that only asked must not count against a connection limit any more.
    await delay(settleMs);
  }

  async #answers(ports: readonly number[], seconds: number): Promise<void> {
    const until = performance.now() + seconds * 1000;
    for (const port of ports) {
      while (!(await accepts(port))) {
        if (this.#ended) throw new Error(`the target ended at start:\n${this.#tail}`);
        if (performance.now() > until) throw new Error(`the target does not listen on ${port}:\n${this.#tail}`);
        await delay(50);
      }
    }
  }

  /** Ends it in order, with force after 10 s. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(force);
  }

  /** Ends it at once, as a crash would (SIGKILL). */
  async kill(): Promise<void> {
    if (this.#ended) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    // A program may have workers, which would go on listening.
    const [, ...others] = processTree([this.pid]);
    this.#child.kill('SIGKILL');
    for (const pid of others) killQuietly(pid);
    await gone;
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone with its parent.
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
