import { performance } from 'node:perf_hooks';
import { type MessagePort, threadId } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type {
  IngestBoot,
  IngestResult,
  IngestTask,
  IngestToMain,
  MainToConnection,
  MainToIngest,
} from '../control/messages.ts';
import { Publisher } from '../ingest/publisher.ts';
import { CameraBells } from '../shm/camera-bells.ts';
import { Doorbell } from '../shm/doorbell.ts';
import { LoadMeter } from '../shm/load-meter.ts';
import { RingWriter } from '../shm/ring-writer.ts';
import { StreamCounters } from '../shm/stream-counters.ts';
import { WorkerLoads } from '../shm/worker-load.ts';
import { handshakeRandom } from './handshake-random.ts';
import { Newcomers } from './newcomers.ts';
import { ReadTurns } from './read-turns.ts';
import type { IngestContext } from './rtmp-connection.ts';
import { RtmpConnection } from './rtmp-connection.ts';
import { Standstill } from './standstill.ts';
import { TlsContexts } from './tls-context.ts';

/** Bytes. One read takes at most this much; larger brings nothing on loopback and little elsewhere. */
const readBufferBytes = 256 * 1024;

/** Milliseconds between two looks at the deadlines of all connections: cheaper than timers, exact enough for seconds. */
const sweepMs = 100;

/** Milliseconds between two notes of how busy the thread is, at least. */
const noteMs = 1000;

/** The log of the thread; `flush` writes everything that waits, now and synchronously. */
export interface IngestLog {
  readonly logger: Logger;
  readonly flush: () => void;
}

/** One ingest worker: the publishers' connections that were handed to it, and what they share. */
export class IngestThread {
  readonly #context: IngestContext;
  /** To main. */
  readonly #line: MessagePort;
  readonly #connections = new Set<RtmpConnection>();
  /** Those that main knows, by the ids of their peers. */
  readonly #introduced = new Map<string, RtmpConnection>();
  readonly #newcomers = new Newcomers();
  readonly #bells: CameraBells;
  readonly #counters: StreamCounters;
  readonly #loads: WorkerLoads;
  /** Null until the first connection comes, and if the acceptor has no line for this thread. */
  #meter: LoadMeter | null = null;
  /** Received by connections that have ended. */
  #endedBytes = 0;
  #sweeper: NodeJS.Timeout | null = null;
  readonly #standstill = new Standstill(sweepMs);
  #nextNoteMs = 0;
  readonly #pressure = { saturated: false, lateMs: (nowMs: number): number => this.#meter?.lateMs(nowMs) ?? 0 };
  /** Why newcomers are turned away; null while the server runs. */
  #ending: ErrorCode | null = null;
  /** Called when the last connection has finished; null until somebody waits for that. */
  #onEmpty: (() => void) | null = null;
  readonly #flushLog: () => void;

  /** `line` is the port to main. */
  constructor(boot: IngestBoot, line: MessagePort, { logger, flush }: IngestLog) {
    this.#line = line;
    this.#flushLog = flush;
    line.on('message', (message: MainToIngest) => this.#onMain(message));
    this.#bells = new CameraBells(boot.doorbells.map((memory) => new Doorbell(memory)));
    this.#counters = new StreamCounters(boot.counters);
    this.#loads = new WorkerLoads(boot.loads);
    this.#context = {
      clock: systemClock,
      logger,
      readBuffer: Buffer.allocUnsafeSlow(readBufferBytes),
      turns: new ReadTurns(systemClock),
      random: handshakeRandom(),
      tls: boot.tls === null ? null : new TlsContexts(boot.tls),
      newcomers: this.#newcomers,
      introduce: (connection, task) => this.#introduce(connection, task),
      tellMain: (id, message) => this.#tellMain({ type: 'connection', id, message }),
      createPublisher: (granted, connection) => this.#createPublisher(granted, connection),
    };
  }

  /** Serves one connection until it ends. */
  serve(task: IngestTask): Promise<IngestResult> {
    return new Promise((resolve) => {
      const finished = (reason: ErrorCode) => {
        this.#connections.delete(connection);
        this.#introduced.delete(task.peer.id);
        this.#endedBytes += connection.bytesReceived;
        if (this.#connections.size === 0) {
          this.#stopSweeper();
          this.#onEmpty?.();
        }
        resolve({ reason });
      };
      const connection = new RtmpConnection(this.#context, task, finished);
      this.#connections.add(connection);
      if (this.#sweeper === null) this.#startSweeper();
      if (this.#ending !== null) connection.cut(this.#ending);
    });
  }

  /** Resolves when the last connection has finished and all that was logged is written: the thread is terminated then, without a word. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEmpty = () => {
        this.#flushLog();
        resolve();
      };
      if (this.#connections.size === 0) this.#onEmpty();
    });
  }

  #introduce(connection: RtmpConnection, { peer, listener, acceptedMs }: IngestTask): void {
    this.#newcomers.promote(peer);
    this.#introduced.set(peer.id, connection);
    this.#tellMain({ type: 'publisher', newcomer: { peer, listener, acceptedMs } });
  }

  #tellMain(message: IngestToMain): void {
    this.#line.postMessage(message);
  }

  #onMain(message: MainToIngest): void {
    if (message.type === 'cut') this.#cut(message.reason);
    else this.#introduced.get(message.id)?.onMain(message.message);
  }

  /** Main cuts those off itself that it knows. */
  #cut(reason: ErrorCode): void {
    this.#ending = reason;
    for (const connection of this.#connections) if (!connection.introduced) connection.cut(reason);
  }

  #createPublisher(granted: Extract<MainToConnection, { type: 'granted' }>, connection: RtmpConnection): Publisher {
    const { camera, ring } = granted;
    return new Publisher({
      writer: new RingWriter(ring, this.#bells, camera),
      counters: this.#counters.publisher(camera),
      ring: () => this.#bells.ring(camera),
      wallMs: this.#context.clock.wallMs,
      pressure: this.#pressure,
      random: Math.random,
      onEvent: (event) => connection.report(event),
    });
  }

  #startSweeper(): void {
    this.#sweeper = setInterval(() => this.#sweep(), sweepMs);
    if (this.#meter === null) {
      const index = this.#loads.indexOf(threadId);
      if (index >= 0) this.#meter = new LoadMeter(this.#loads.line('ingest', index), sweepMs);
    }
    const nowMs = this.#context.clock.nowMs();
    this.#standstill.start(nowMs);
    this.#meter?.start(nowMs);
  }

  #sweep(): void {
    const nowMs = this.#context.clock.nowMs();
    this.#meter?.swept(nowMs);
    const stoodStill = this.#standstill.look(nowMs);
    // After a standstill all are read before anybody's time is over.
    if (!stoodStill) for (const connection of this.#connections) connection.sweep(nowMs);
    this.#noteNewcomers();
    // Nobody waits for ever until the last connection has finished.
    if (this.#ending !== null) this.#flushLog();
    // The same here: until all are read, the silence is this thread's.
    if (stoodStill || nowMs < this.#nextNoteMs) return;
    this.#nextNoteMs = nowMs + noteMs;
    const { active, idle } = performance.eventLoopUtilization();
    let bytes = this.#endedBytes;
    for (const connection of this.#connections) {
      connection.threadTime(active, idle, nowMs);
      bytes += connection.bytesReceived;
    }
    this.#meter?.note(nowMs, { bytes, busyMs: active, idleMs: idle, connections: this.#connections.size });
    this.#pressure.saturated = this.#meter?.saturated ?? false;
  }

  #noteNewcomers(): void {
    const note = this.#newcomers.take();
    if (note !== null) this.#tellMain({ type: 'newcomers', note });
  }

  #stopSweeper(): void {
    this.#noteNewcomers();
    if (this.#sweeper !== null) clearInterval(this.#sweeper);
    this.#sweeper = null;
    this.#meter?.stop();
    this.#pressure.saturated = false;
  }
}
