import { type ChildProcess, fork } from 'node:child_process';
import { resolve } from 'node:path';
import { makeCertificate } from '../../support/certificates.ts';
import { until } from '../../support/program.ts';
import type { ShortDeadline } from './deadlines.ts';
import type { Peer } from './peer.ts';
import type { Attacked, GatePorts } from './row.ts';

export type ChildRequest = 'addresses' | 'figures' | 'stop' | ShortDeadline;
export type ChildAnswer = Figures | Addresses | Record<string, never>;
export type Addresses = Omit<Attacked['ports'], 'gate'> & { readonly gate: GatePorts };

export interface Figures {
  /** Publishers' connections of both servers. */
  readonly connections: number;
  readonly residentBytes: number;
  readonly descriptors: number;
}

/** A line of the log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly conn?: string;
  readonly peer?: string;
  /** Of whom an ONVIF device or the HTTP port has something to say. */
  readonly address?: string;
  readonly reason?: string;
  readonly detail?: string;
  readonly count?: number;
  readonly raw: string;
}

/** The parent's side of `server-child.ts`. */
export class HostileServer {
  readonly lines: LogLine[] = [];
  /** What came on standard error: warnings of Node, traces of what nobody caught. */
  errors = '';
  ended = false;
  ports!: Addresses;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: ChildAnswer) => void>();
  #requests = 0;
  #short: ShortDeadline = 'none';
  #changed: Promise<unknown> = Promise.resolve();
  #rest = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ id, answer }: { id: number; answer: ChildAnswer }) => this.#waiting.get(id)?.(answer));
    child.on('exit', () => {
      this.ended = true;
    });
    child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#onOutput(text));
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
  }

  /** Starts it; `folder` is for its certificate. */
  static async start(folder: string): Promise<HostileServer> {
    const { cert, key } = makeCertificate(folder, 'hostile');
    const child = fork(resolve(import.meta.dirname, 'server-child.ts'), [cert, key, folder], {
      silent: true,
      execArgv: [],
    });
    const server = new HostileServer(child);
    await new Promise<void>((ready, fail) => {
      server.#waiting.set(0, () => ready());
      child.once('exit', () => fail(new Error(`the server did not start:\n${server.errors}`)));
    });
    server.ports = (await server.#ask('addresses')) as Addresses;
    return server;
  }

  async figures(): Promise<Figures> {
    return (await this.#ask('figures')) as Figures;
  }

  /** Resolves when this deadline is short, and no other. */
  async shorten(deadline: ShortDeadline): Promise<void> {
    if (this.#short !== deadline) this.#changed = this.#ask(deadline);
    this.#short = deadline;
    await this.#changed;
  }

  /** The lines that say how a peer's connection ended: one, if all is well. */
  endings({ name, firstLine, port }: Pick<Peer, 'name' | 'firstLine' | 'port'>): LogLine[] {
    const { rtsp, secureRtsp, gate } = this.ports;
    // A reader and a publisher may come from one port at the same time.
    const isReader = [rtsp, secureRtsp, gate.rtsp].includes(port);
    const isEnding = ({ msg }: LogLine) =>
      msg.includes('closed: ') && msg.startsWith('connection closed: ') === !isReader;
    const first = this.lines.findIndex((line, i) => i >= firstLine && line.peer === name && isEnding(line));
    if (first < 0) return [];
    // Another connection may come from the same address and port later.
    const { conn } = this.lines[first]!;
    return this.lines.filter((line, i) => i >= firstLine && line.conn === conn && line.peer === name && isEnding(line));
  }

  async stop(): Promise<void> {
    if (this.ended) return;
    await this.#ask('stop');
    await until('the server has ended', () => this.ended, 60_000);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #ask(request: ChildRequest): Promise<ChildAnswer> {
    const id = ++this.#requests;
    return new Promise((answered, fail) => {
      this.#waiting.set(id, answered);
      this.#child.once('exit', () => fail(new Error(`the server ended:\n${this.errors}`)));
      this.#child.send({ id, request });
    });
  }

  #onOutput(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    for (const raw of lines) this.lines.push({ ...JSON.parse(raw), raw });
  }
}
