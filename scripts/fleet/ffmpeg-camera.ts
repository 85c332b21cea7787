/** One camera that is an FFmpeg process, as often as the plan wants it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { type EndedRun, type PublisherFigures, type PublisherState, remember, retryMs } from './publishers.ts';

export interface FfmpegCameraOptions {
  readonly ffmpeg: string;
  /** Arguments for run `run`; whatever they name is ready when this returns. Null: it cannot be, and the camera stays away. */
  readonly argumentsFor: (run: number) => readonly string[] | null;
  /** The process cannot be started, for the reason that the system gives; the camera stays away. */
  readonly onUnable: (code: string) => void;
  /** Nominal bytes of a frame, since FFmpeg does not say what it sends. */
  readonly frameBytes: number;
}

const keptErrorCharacters = 600;

/** Starts, ends and watches the process, which is known by its id alone. */
export class FfmpegCamera {
  readonly #options: FfmpegCameraOptions;
  readonly #finished: EndedRun[] = [];
  readonly #killed: EndedRun[] = [];
  #child: ChildProcess | null = null;
  #retry: NodeJS.Timeout | null = null;
  #state: PublisherState = 'waiting';
  #wanted = false;
  /** How the present process was asked to end. */
  #asked: 'stop' | 'kill' | null = null;
  #run = -1;
  #kills = 0;
  #sentBefore = 0;
  #sent = 0;
  #broken = 0;
  #refused = 0;
  #problem = '';

  constructor(options: FfmpegCameraOptions) {
    this.#options = options;
  }

  start(): void {
    this.#wanted = true;
    // A process that is still on its way out is followed by the next one when it has gone.
    if (this.#child === null && this.#retry === null) this.#spawn();
  }

  /** As `kill -9`. */
  kill(): void {
    this.#leave();
    this.#kills++;
    this.#asked = 'kill';
    this.#child?.kill('SIGKILL');
  }

  /** As `q`: FFmpeg ends the stream in order. */
  stop(): void {
    this.#leave();
    this.#asked ??= 'stop';
    this.#child?.kill('SIGINT');
  }

  /** Resolves when the process is gone: in order, or with force after `ms`. */
  async end(ms: number): Promise<void> {
    this.stop();
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const timer = setTimeout(() => this.kill(), ms);
    await gone;
    clearTimeout(timer);
  }

  /** Without a word and at once; for the end of this process. */
  abandon(): void {
    this.#child?.kill('SIGKILL');
  }

  figures(): PublisherFigures {
    const sent = this.#sentBefore + this.#sent;
    return {
      state: this.#state,
      starts: this.#run + 1,
      kills: this.#kills,
      sent,
      bytes: Math.round(sent * this.#options.frameBytes),
      notSent: 0,
      broken: this.#broken,
      refused: this.#refused,
      problem: this.#problem,
      finished: [...this.#finished],
      killed: [...this.#killed],
    };
  }

  #leave(): void {
    this.#wanted = false;
    this.#state = 'away';
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
  }

  #spawn(): void {
    const own = this.#options.argumentsFor(this.#run + 1);
    if (own === null) {
      this.#leave();
      return;
    }
    this.#run++;
    this.#state = 'starting';
    this.#asked = null;
    // It tells its progress twice a second. FFmpeg before 4.4 knows no other period.
    const args = [...['-hide_banner', '-loglevel', 'error', '-nostdin', '-nostats', '-progress', 'pipe:1'], ...own];
    let child: ReturnType<typeof startProcess>;
    try {
      child = startProcess(this.#options.ffmpeg, args);
    } catch (error) {
      this.#giveUp(error as NodeJS.ErrnoException);
      return;
    }
    let errors = '';
    child.on('error', (error) => {
      errors = error.message;
      if (child.pid === undefined) this.#giveUp(error);
    });
    // Its error follows.
    if (child.pid === undefined) return;
    this.#child = child;
    child.stdout.setEncoding('latin1').on('data', (text: string) => this.#onProgress(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-keptErrorCharacters);
    });
    child.on('close', (_code, signal) => this.#onGone(signal, errors));
  }

  #giveUp({ code, message }: NodeJS.ErrnoException): void {
    this.#leave();
    this.#options.onUnable(code ?? message);
  }

  #onProgress(text: string): void {
    const frames = Number([...text.matchAll(/^frame=\s*(\d+)$/gm)].at(-1)?.[1] ?? 0);
    if (frames <= this.#sent) return;
    this.#sent = frames;
    if (this.#asked === null) this.#state = 'live';
  }

  #onGone(signal: NodeJS.Signals | null, errors: string): void {
    const wasLive = this.#sent > 0;
    this.#child = null;
    const run = { run: this.#run, sent: this.#sent };
    if (this.#asked === 'stop' && signal === null && wasLive) remember(this.#finished, run);
    else if (this.#asked === 'kill') remember(this.#killed, run);
    this.#sentBefore += this.#sent;
    this.#sent = 0;
    if (!this.#wanted) return;
    if (this.#asked !== null) {
      this.#spawn();
      return;
    }
    if (wasLive) this.#broken++;
    else this.#refused++;
    this.#problem = lastLine(errors) || `FFmpeg ended by itself${signal === null ? '' : ` (${signal})`}`;
    this.#state = 'starting';
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#spawn();
    }, retryMs);
  }
}

/** In a process group of its own: Ctrl-C on the terminal is for us, who end the processes in order. */
function startProcess(command: string, args: readonly string[]) {
  return spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
}

/** The last line without URLs, which may hold a key. */
function lastLine(text: string): string {
  return (text.trim().split('\n').at(-1) ?? '').replace(/rtmps?:\/\/\S+?(?=:? |$)/g, 'the server').slice(0, 200);
}
