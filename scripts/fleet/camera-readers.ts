/** Reads every camera of a fleet back over RTSP, all of them from one thread, and keeps the account of each. */
import { connect, type Socket } from 'node:net';
import { Histogram, type HistogramData } from '../../native-free-bench/system/histogram.ts';
import { type Credentials, RtspDialogue } from '../../native-free-bench/system/rtsp-dialogue.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { ByteCheck } from './byte-check.ts';
import type { FrameBook } from './frame-book.ts';
import { FrameLedger, type LedgerFigures } from './frame-ledger.ts';
import { RtpFrames } from './rtp-frames.ts';

/** One camera to read; `book` is its place among the books, -1 for frames that are only counted. */
export interface ReadCamera {
  readonly url: string;
  readonly book: number;
}

/** Plain data: what the thread is started with. */
export interface ReadersOptions {
  readonly host: string;
  readonly port: number;
  readonly cameras: readonly ReadCamera[];
  readonly books: readonly FrameBook[];
  readonly credentials: Credentials;
  readonly checkBytes: ByteCheck;
  /** Number of the first camera, as the stamps have it; 0 without it. */
  readonly firstCamera?: number;
  /** Milliseconds for which the thread rests when all readers play, so that it reads more at a time; 0 without it. */
  readonly restMs?: number;
  /** Stamps say when each frame was due, so that latency can be told. */
  readonly measureLatency: boolean;
}

/** One camera's reader as it stands. */
export interface ReaderFigures extends LedgerFigures {
  readonly playing: boolean;
  /** Connections that played and ended without our wish. */
  readonly breaks: number;
  /** When the newest of them were, by the system clock. */
  readonly breaksAtMs: readonly number[];
  /** RTP packets that did not follow the one before. */
  readonly sequenceGaps: number;
  /** Why it does not play, '' if it does or has not failed yet. */
  readonly problem: string;
}

/** Everything at one moment. */
export interface ReadersFigures {
  readonly cameras: readonly ReaderFigures[];
  /** Due time of a frame to its last byte's arrival, microseconds. */
  readonly latency: HistogramData;
  /** Processor time of this thread so far. */
  readonly cpuSeconds: number;
}

/** Milliseconds before a connection that failed is tried again. */
const retryMs = 500;
/** Breaks whose time is remembered. */
const keptBreaks = 64;
/** Milliseconds between two signs of life; servers ask for one a minute. */
const keepAliveMs = 20_000;
/** Connections that may be on their way at once: a server is no worse for readers that come one after another. */
const connectingAtOnce = 32;

/** All sockets read into this one: what was read is parsed before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(256 * 1024);

/** All readers of the fleet. */
export class CameraReaders {
  readonly #readers: CameraReader[];
  readonly #latency = new Histogram();
  readonly #queue: CameraReader[];
  #connecting = 0;

  constructor(options: ReadersOptions) {
    const onFrame = (latencyUs: number): void => {
      if (options.measureLatency) this.#latency.add(latencyUs);
    };
    this.#readers = options.cameras.map(
      (_, index) => new CameraReader(options, index, onFrame, (reader, ms) => this.#later(reader, ms)),
    );
    this.#queue = [...this.#readers];
  }

  start(): void {
    while (this.#connecting < connectingAtOnce && this.#queue.length > 0) {
      this.#connecting++;
      this.#queue.shift()!.connect(() => {
        this.#connecting--;
        this.start();
      });
    }
  }

  /** No reader is on its way to its camera. */
  get settled(): boolean {
    return this.#connecting === 0 && this.#queue.length === 0 && this.#readers.every((reader) => reader.playing);
  }

  stop(): void {
    this.#queue.length = 0;
    for (const reader of this.#readers) reader.stop();
  }

  /** From now on latency is measured. */
  measure(): void {
    this.#latency.reset();
  }

  figures(): ReadersFigures {
    const { user, system } = process.threadCpuUsage();
    return {
      cameras: this.#readers.map((reader) => reader.figures()),
      latency: this.#latency.toData(),
      cpuSeconds: (user + system) / 1e6,
    };
  }

  #later(reader: CameraReader, ms: number): void {
    setTimeout(() => {
      this.#queue.push(reader);
      this.start();
    }, ms).unref();
  }
}

/** Plays one camera until it is stopped; comes back when the connection is lost. */
class CameraReader {
  readonly #options: ReadersOptions;
  readonly #index: number;
  readonly #ledger: FrameLedger;
  readonly #onFrame: (latencyUs: number) => void;
  readonly #again: (reader: CameraReader, ms: number) => void;
  #socket: Socket | null = null;
  #frames: RtpFrames | null = null;
  #gapsBefore = 0;
  #playing = false;
  #stopped = false;
  readonly #breaksAtMs: number[] = [];
  #breaks = 0;
  #problem = '';

  constructor(
    options: ReadersOptions,
    index: number,
    onFrame: (latencyUs: number) => void,
    again: (reader: CameraReader, ms: number) => void,
  ) {
    const { book } = options.cameras[index]!;
    this.#options = options;
    this.#index = index;
    this.#onFrame = onFrame;
    this.#again = again;
    const camera = (options.firstCamera ?? 0) + index;
    this.#ledger = new FrameLedger(camera, book < 0 ? null : options.books[book]!, options.checkBytes !== 'none');
  }

  /** `onSettled` is called once, when it plays or has failed. */
  connect(onSettled: () => void): void {
    if (this.#stopped) return;
    const { host, port, cameras, credentials, checkBytes } = this.#options;
    const dialogue = new RtspDialogue(cameras[this.#index]!.url, credentials);
    let settle: (() => void) | null = onSettled;
    const settled = (): void => {
      settle?.();
      settle = null;
    };
    const frames = new RtpFrames(
      {
        onResponse: (head, body) => {
          const request = dialogue.onResponse(head, body);
          if (request !== null) socket.write(request);
          if (!dialogue.playing || this.#playing) return;
          this.#playing = true;
          this.#problem = '';
          this.#ledger.playing(systemClock.nowMs() * 1000);
          settled();
        },
        onFrame: (frame, nowUs) => {
          if (this.#ledger.frame(frame, nowUs)) this.#onFrame(nowUs - frame.dueUs);
        },
      },
      checkBytes,
    );
    this.#frames = frames;
    const onread = {
      buffer: readBuffer,
      callback: (length: number): boolean => {
        try {
          frames.receive(readBuffer, length, systemClock.nowMs() * 1000);
          return true;
        } catch (error) {
          this.#problem = (error as Error).message;
          socket.destroy();
          return false;
        }
      },
    };
    const socket = connect({ host, port, noDelay: true, onread });
    this.#socket = socket;
    const keepAlive = setInterval(() => {
      if (this.#playing) socket.write(dialogue.keepAlive());
    }, keepAliveMs);
    socket.on('connect', () => socket.write(dialogue.start()));
    socket.on('error', (error) => {
      this.#problem = error.message;
    });
    socket.on('close', () => {
      clearInterval(keepAlive);
      this.#gapsBefore += frames.sequenceGaps;
      this.#frames = null;
      this.#socket = null;
      if (this.#playing && !this.#stopped) {
        this.#breaks++;
        this.#breaksAtMs.push(systemClock.nowMs());
        if (this.#breaksAtMs.length > keptBreaks) this.#breaksAtMs.shift();
        if (this.#problem === '') this.#problem = 'the server closed the connection';
      }
      this.#playing = false;
      settled();
      if (!this.#stopped) this.#again(this, retryMs);
    });
  }

  get playing(): boolean {
    return this.#playing;
  }

  stop(): void {
    this.#stopped = true;
    this.#socket?.destroy();
  }

  figures(): ReaderFigures {
    return {
      ...this.#ledger.figures(),
      playing: this.#playing,
      breaks: this.#breaks,
      breaksAtMs: [...this.#breaksAtMs],
      sequenceGaps: this.#gapsBefore + (this.#frames?.sequenceGaps ?? 0),
      problem: this.#problem,
    };
  }
}
