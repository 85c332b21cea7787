import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { systemClock } from '../../src/base/clock.ts';
import type { Camera, ConsumerBoot, ConsumerToMain, MainToConsumer } from '../../src/control/messages.ts';
import { threadEntry } from '../../src/control/thread-entry.ts';
import { threadPriority } from '../../src/control/thread-priority.ts';
import { Doorbell } from '../../src/shm/doorbell.ts';
import { createRing } from '../../src/shm/frame-ring.ts';
import { ReaderTally } from '../../src/shm/reader-tally.ts';
import { type ReaderSnapshot, StreamCounters } from '../../src/shm/stream-counters.ts';
import { WorkerLoads } from '../../src/shm/worker-load.ts';
import { RtspClient, type RtspClientOptions } from './rtsp-client.ts';
import { testCamera } from './test-camera.ts';
import { smallRing, TestStream } from './test-stream.ts';

/** The password that {@link ConsumerHarness.reader} logs in with. */
export const readerCredentials = { user: 'admin', password: 'correct horse' };

/** A real consumer thread with a listener in front and rings that the test writes. */
export class ConsumerHarness {
  readonly worker: Worker;
  readonly doorbell: Doorbell;
  readonly rings: SharedArrayBuffer[];
  readonly closedReaders: string[] = [];
  readonly streams: LiveStream[] = [];
  port = 0;
  exited = false;
  readonly #messages: ConsumerToMain[] = [];
  readonly #counters: SharedArrayBuffer;
  readonly #server: Server;
  readonly #clients: RtspClient[] = [];
  #acceptorPort: MessagePort | null = null;
  #readers = 0;

  private constructor(cameras: number, boot: Partial<ConsumerBoot>, ring: Partial<typeof smallRing>) {
    const doorbell = Doorbell.create(cameras);
    this.#counters = StreamCounters.create(cameras, 1);
    this.doorbell = new Doorbell(doorbell);
    this.rings = Array.from({ length: cameras }, () => createRing({ ...smallRing, ...ring }));
    const list: Camera[] = this.rings.map((_, index) =>
      testCamera({ index, name: `Camera ${index}`, path: `/Stream${index}` }),
    );
    const workerData: ConsumerBoot = {
      log: { level: 'silent', format: 'json', colour: false, secrets: [] } as unknown as ConsumerBoot['log'],
      priority: threadPriority(),
      index: 0,
      cameras: list,
      doorbell,
      counters: this.#counters,
      loads: WorkerLoads.create(1, 1),
      readerTally: ReaderTally.create(1),
      rings: this.rings,
      host: '::',
      credentials: readerCredentials,
      digestSha256: true,
      packetBytes: 1400,
      tcpPacketBytes: 1400,
      gopCache: false,
      live: list.map(() => true),
      product: 'Skyweir test',
      tunnelChannel: null,
      pipePass: 'pass',
      tls: null,
      ...boot,
    };
    this.worker = new Worker(threadEntry('consumer', import.meta.url, '../../'), { workerData });
    this.worker.on('message', (message: ConsumerToMain) => this.#messages.push(message));
    this.worker.on('exit', () => {
      this.exited = true;
    });
    // As the acceptor does it: a socket can move only while nothing was read from it.
    this.#server = createServer({ pauseOnConnect: true }, (socket) => this.#handOver(socket));
  }

  /** Its thread has yet to start. */
  static begin(
    options: { cameras?: number; boot?: Partial<ConsumerBoot>; ring?: Partial<typeof smallRing> } = {},
  ): ConsumerHarness {
    return new ConsumerHarness(options.cameras ?? 1, options.boot ?? {}, options.ring ?? {});
  }

  static async start(options: Parameters<typeof ConsumerHarness.begin>[0] = {}): Promise<ConsumerHarness> {
    const harness = ConsumerHarness.begin(options);
    await harness.message('ready');
    const { port1, port2 } = new MessageChannel();
    harness.#acceptorPort = port2;
    port2.on('message', (message: { id: string }) => harness.closedReaders.push(message.id));
    harness.send({ type: 'acceptor', port: port1 }, [port1]);
    harness.#server.listen(0, '::');
    await once(harness.#server, 'listening');
    harness.port = (harness.#server.address() as { port: number }).port;
    return harness;
  }

  send(message: MainToConsumer, transfer: MessagePort[] = []): void {
    this.worker.postMessage(message, transfer);
  }

  /** Resolves when the thread has sent a message of this type. */
  async message(type: ConsumerToMain['type']): Promise<void> {
    while (!this.#messages.some((message) => message.type === type)) {
      if (this.exited) throw new Error(`the consumer ended without "${type}"`);
      await Promise.race([once(this.worker, 'message'), once(this.worker, 'exit')]);
    }
  }

  async client(options: Partial<RtspClientOptions> = {}): Promise<RtspClient> {
    const client = await RtspClient.connect({
      port: this.port,
      path: '/stream0',
      credentials: readerCredentials,
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  async reader(options: Partial<RtspClientOptions> = {}): Promise<RtspClient> {
    const client = await this.client(options);
    for (const step of [() => client.describe(), () => client.setup(), () => client.request('PLAY', client.url)]) {
      const { status } = await step();
      if (status !== 200) throw new Error(`RTSP ${status} from ${client.url}`);
    }
    return client;
  }

  /** A publisher of a camera, in real time. */
  publish(camera = 0, options: LiveStreamOptions = {}): LiveStream {
    return new LiveStream(this, camera, this.rings[camera]!, options);
  }

  counters(camera = 0): ReaderSnapshot {
    return new StreamCounters(this.#counters).reader(camera, 0).snapshot();
  }

  async close(): Promise<void> {
    for (const stream of this.streams) stream.stop(false);
    for (const client of this.#clients) client.close();
    this.#server.close();
    this.#acceptorPort?.close();
    if (!this.exited) await this.worker.terminate();
  }

  #handOver(socket: Socket): void {
    const peer = { id: `s${++this.#readers}`, address: socket.remoteAddress!, port: socket.remotePort! };
    this.#acceptorPort!.postMessage({ type: 'reader', socket, peer }, [socket as unknown as MessagePort]);
  }
}

export interface LiveStreamOptions {
  readonly bytes?: number;
  readonly intervalMs?: number;
  readonly gop?: number;
  /** Asked before each picture; one that is not wanted now is not written. */
  readonly wanted?: (stream: LiveStream) => boolean;
}

/** Pictures written in real time, an IDR every `gop`. */
export class LiveStream {
  readonly stream: TestStream;
  /** Monotonic ms at which each picture was written, by its number. */
  readonly wroteMs: number[] = [];
  readonly #harness: ConsumerHarness;
  readonly #camera: number;
  readonly #gop: number;
  readonly #startMs = systemClock.nowMs();
  #sinceIdr = 0;
  #timer: NodeJS.Timeout | null;

  constructor(
    harness: ConsumerHarness,
    camera: number,
    ring: SharedArrayBuffer,
    options: LiveStreamOptions & { readonly id?: number; readonly first?: number },
  ) {
    this.#harness = harness;
    this.#camera = camera;
    this.#gop = options.gop ?? 10;
    this.stream = new TestStream(ring, options.bytes ?? 3000);
    this.stream.next = options.first ?? 0;
    this.stream.start(options.id ?? 1, this.#startMs);
    const { wanted = () => true, intervalMs = 10 } = options;
    this.#timer = setInterval(() => wanted(this) && this.write(), intervalMs);
    harness.streams.push(this);
  }

  /** Pictures written so far. */
  get written(): number {
    return this.stream.next;
  }

  write(): void {
    const nowMs = systemClock.nowMs();
    const dtsMs = Math.round(nowMs - this.#startMs);
    this.wroteMs[this.written] = nowMs;
    if (this.#sinceIdr++ % this.#gop === 0) this.stream.keyframe(dtsMs, nowMs);
    else this.stream.frame(dtsMs, nowMs);
    if (this.#harness.doorbell.interested(this.#camera)) this.#harness.doorbell.ring(this.#camera);
  }

  /** The publisher goes, in order or as in a crash. */
  stop(inOrder = true): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    if (!inOrder) return;
    this.stream.writer.endStream();
    this.#harness.doorbell.ring(this.#camera);
  }
}
