import { type ChildProcess, spawn } from 'node:child_process';

/** Milliseconds after which a player that has ended is started again. */
const restartMs = 1000;

/** Milliseconds after its first picture from which a player's pictures are counted: it begins with what it kept while it probed. */
const settleMs = 5000;

/** Lines of complaints that are kept for the report. */
const keptLines = 5;

/** Where a player finds the stream. */
export interface StreamAddress {
  readonly user: string;
  readonly password: string;
  readonly hostAndPort: string;
  readonly path: string;
}

/** How a player is started, and how its decoded pictures are counted from its standard output. */
export interface PlayerKind {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Pictures so far, from a line of standard output; -1 if it says nothing. `before` is the count before it. */
  count(line: string, before: number): number;
}

/** What a player did. */
export interface PlayerFindings {
  readonly name: string;
  /** Pictures from the moment at which it has settled. */
  readonly frames: number;
  /** Times that it ended and was started again. */
  readonly reconnects: number;
  /** Lines on standard error: decoders complain there. */
  readonly complaints: number;
  readonly lines: readonly string[];
  /** In which they came, of all its lives. */
  readonly seconds: number;
}

/** FFmpeg and GStreamer over every transport that they have. */
export function playerKinds(address: StreamAddress): PlayerKind[] {
  const { user, password, hostAndPort, path } = address;
  const account = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  const ffmpeg = (name: string, scheme: string, transport: string): PlayerKind => ({
    name: `ffmpeg ${name}`,
    command: 'ffmpeg',
    args: [
      ...`-nostdin -v error -threads 1 -rtsp_transport ${transport}`.split(' '),
      ...['-i', `${scheme}://${account}@${hostAndPort}${path}`],
      ...'-map 0:v -fps_mode passthrough -f null -progress pipe:1 -'.split(' '),
    ],
    count: (line) => Number(/^frame=\s*(\d+)/.exec(line)?.[1] ?? -1),
  });
  const gstreamer = (name: string, scheme: string): PlayerKind => ({
    name: `GStreamer ${name}`,
    command: 'gst-launch-1.0',
    args: [
      '-q',
      ...`rtspsrc location=${scheme}://${hostAndPort}${path} latency=200 user-id=${user}`.split(' '),
      `user-pw=${password}`,
      ...'! rtph264depay ! h264parse ! avdec_h264 max-threads=1 ! checksumsink hash=md5 sync=false'.split(' '),
    ],
    count: (line, before) => (/^\S+ [0-9a-f]{32}$/.test(line) ? before + 1 : -1),
  });
  return [
    ffmpeg('UDP', 'rtsp', 'udp'),
    ffmpeg('TCP', 'rtsp', 'tcp'),
    ffmpeg('HTTP tunnel', 'rtsp', 'http'),
    ffmpeg('RTSPS', 'rtsps', 'tcp'),
    gstreamer('TCP', 'rtspt'),
    gstreamer('UDP', 'rtspu'),
    gstreamer('HTTP tunnel', 'rtsph'),
  ];
}

/** A player that is started again whenever it ends, until it is stopped. */
export class Player {
  readonly #kind: PlayerKind;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopping = false;
  /** Of earlier lives. */
  #earlierFrames = 0;
  #earlierMs = 0;
  /** Of this one: all pictures; when the first came; pictures and time when it had settled; when the last came. */
  #frames = 0;
  #firstMs = 0;
  #settledFrames = 0;
  #settledMs = 0;
  #lastMs = 0;
  #lives = 0;
  #complaints = 0;
  readonly #lines: string[] = [];

  constructor(kind: PlayerKind) {
    this.#kind = kind;
    // Whatever ends this process, no player plays on.
    process.on('exit', () => this.#child?.kill('SIGKILL'));
    this.#start();
  }

  get frames(): number {
    return this.#earlierFrames + (this.#settledMs === 0 ? 0 : this.#frames - this.#settledFrames);
  }

  async stop(): Promise<PlayerFindings> {
    const findings = {
      name: this.#kind.name,
      frames: this.frames,
      reconnects: this.#lives - 1,
      complaints: this.#complaints,
      lines: [...this.#lines],
      seconds: (this.#earlierMs + this.#settledForMs) / 1000,
    };
    this.#stopping = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const child = this.#child;
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await closed;
    }
    return findings;
  }

  get #settledForMs(): number {
    return this.#settledMs === 0 ? 0 : this.#lastMs - this.#settledMs;
  }

  #start(): void {
    this.#lives++;
    const { command, args } = this.#kind;
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    this.#child = child;
    readLines(child.stdout, (line) => this.#onLine(line));
    readLines(child.stderr, (line) => {
      if (this.#stopping) return;
      this.#complaints++;
      if (this.#lines.length < keptLines) this.#lines.push(line);
    });
    child.on('error', (error) => this.#lines.push(error.message));
    child.on('close', () => {
      if (this.#stopping) return;
      this.#earlierFrames = this.frames;
      this.#earlierMs += this.#settledForMs;
      this.#frames = 0;
      this.#firstMs = 0;
      this.#settledMs = 0;
      this.#timer = setTimeout(() => this.#start(), restartMs);
    });
  }

  #onLine(line: string): void {
    const count = this.#kind.count(line, this.#frames);
    if (count <= this.#frames) return;
    const nowMs = performance.now();
    if (this.#firstMs === 0) this.#firstMs = nowMs;
    this.#frames = count;
    this.#lastMs = nowMs;
    if (this.#settledMs > 0 || nowMs - this.#firstMs < settleMs) return;
    this.#settledMs = nowMs;
    this.#settledFrames = count;
  }
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.trim() !== '') onLine(line.trim());
  });
}
