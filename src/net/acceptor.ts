import { createServer, type Server, type Socket } from 'node:net';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { plainAddress } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type {
  AcceptorBoot,
  AcceptorToMain,
  ConsumerToAcceptor,
  IngestResult,
  IngestTask,
  MainToAcceptor,
  Peer,
} from '../control/messages.ts';
import { youngHeapMb } from '../control/thread-entry.ts';
import { Admission } from '../ingest/admission.ts';

/** Connections the kernel may hold for us: with Node's default of 511 a burst of 1000 drones pays a one-second SYN retry. */
const backlog = 4096;

/** More tasks than one worker can ever be given, so that the balancer alone decides. */
const tasksPerWorker = 65_536;

/** Megabytes. Connections need little heap; a worker that passes this has gone wrong and is replaced. */
const workerHeapMb = 512;

/**
 * Owns the listeners. Each publisher's socket becomes one task of the ingest pool, whose least-busy balancer chooses the
 * worker; each reader's socket goes to the consumer with the fewest. No byte of a connection is read here.
 */
export class Acceptor {
  readonly #boot: AcceptorBoot;
  readonly #toMain: (message: AcceptorToMain, transfer?: MessagePort[]) => void;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #admission: Admission;
  readonly #pool: Piscina<IngestTask, IngestResult>;
  readonly #consumers = new Map<number, ConsumerLink>();
  readonly #rejections = new Map<ErrorCode, number>();
  readonly #listeners: Server[] = [];
  #connections = 0;
  #readers = 0;
  #stopping = false;

  constructor(
    boot: AcceptorBoot,
    toMain: (message: AcceptorToMain, transfer?: MessagePort[]) => void,
    clock: Clock,
    logger: Logger,
  ) {
    this.#boot = boot;
    this.#toMain = toMain;
    this.#clock = clock;
    this.#logger = logger;
    this.#admission = new Admission(boot.admission);
    this.#pool = new Piscina({
      filename: boot.ingestEntry,
      name: 'serve',
      workerData: boot.ingest,
      minThreads: boot.ingestWorkers,
      maxThreads: boot.ingestWorkers,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: tasksPerWorker,
      maxQueue: Number.POSITIVE_INFINITY,
      // Piscina's wait on Atomics would block the thread, and with it every socket of the worker.
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: workerHeapMb, maxYoungGenerationSizeMb: youngHeapMb },
    });
    this.#pool.on('error', (error: Error) => {
      this.#logger.error({ err: error }, 'an ingest worker failed; its connections are closed and it is replaced');
    });
    setInterval(() => this.#reportRejections(), 1000).unref();
  }

  async listen(): Promise<void> {
    try {
      const { rtmpTls, rtmpsPort: secondPort } = this.#boot;
      const rtmpPort = await this.#listen('--rtmp-port', this.#boot.rtmpPort, (socket) =>
        this.#onPublisher(socket, rtmpTls),
      );
      const rtmpsPort =
        secondPort === null
          ? null
          : await this.#listen('--rtmps-port', secondPort, (socket) => this.#onPublisher(socket, true));
      const rtspPort = await this.#listen('--rtsp-port', this.#boot.rtspPort, (socket) => this.#onReader(socket));
      this.#toMain({ type: 'listening', rtmpPort, rtmpsPort, rtspPort });
    } catch (error) {
      const { flag, port, code } = error as ListenError;
      this.#toMain({ type: 'listen_failed', flag, port, code });
    }
  }

  onMain(message: MainToAcceptor): void {
    if (message.type === 'consumer') this.#linkConsumer(message.index, message.port);
    else if (message.type === 'admission') this.#admission.options = message.admission;
    else void this.#stop();
  }

  #listen(flag: string, port: number, onSocket: (socket: Socket) => void): Promise<number> {
    return new Promise((resolve, reject) => {
      // Only a socket that nothing has been read from can move to another thread.
      const server = createServer({ pauseOnConnect: true, noDelay: true }, onSocket);
      let { host } = this.#boot;
      server.on('error', ({ code }: NodeJS.ErrnoException) => {
        if (host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) {
          // The default means every address; this machine has no IPv6.
          host = '0.0.0.0';
          server.listen({ host, port, backlog });
        } else reject(new ListenError(flag, port, code ?? 'UNKNOWN'));
      });
      server.listen({ host, port, backlog });
      server.on('listening', () => {
        this.#listeners.push(server);
        resolve((server.address() as { port: number }).port);
      });
    });
  }

  // ---- publishers ------------------------------------------------------------------------------------------------------

  #onPublisher(socket: Socket, tls: boolean): void {
    const address = socket.remoteAddress;
    if (address === undefined || this.#stopping) {
      socket.destroy();
      return;
    }
    const nowMs = this.#clock.nowMs();
    const refused = this.#admission.admit(address, nowMs);
    if (refused !== null) {
      this.#rejections.set(refused, (this.#rejections.get(refused) ?? 0) + 1);
      socket.destroy();
      return;
    }
    const peer: Peer = { id: `r${++this.#connections}`, address: plainAddress(address), port: socket.remotePort ?? 0 };
    void this.#handOver(socket, peer, nowMs, tls);
  }

  async #handOver(socket: Socket, peer: Peer, acceptedMs: number, tls: boolean): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    this.#toMain({ type: 'connection', peer, port: port2 }, [port2]);
    try {
      // Node's types do not know yet that a socket can be transferred.
      const transferList = [socket, port1] as unknown as MessagePort[];
      await this.#pool.run({ socket, port: port1, peer, tls, acceptedMs }, { transferList: transferList as never });
    } catch (error) {
      // The worker died with the connection, or the socket was closed before it could move: main sees the port close.
      port1.close();
      socket.destroy();
      if (!this.#stopping) this.#logger.warn({ conn: peer.id, reason: 'worker_failed', err: error }, 'connection lost');
    } finally {
      this.#admission.release(peer.address);
    }
  }

  #reportRejections(): void {
    for (const [reason, count] of this.#rejections) {
      this.#logger.warn({ reason, count }, `${count} new connection(s) refused in the last second: ${reason}`);
    }
    this.#rejections.clear();
  }

  // ---- readers ---------------------------------------------------------------------------------------------------------

  #onReader(socket: Socket): void {
    const address = socket.remoteAddress;
    const link = this.#leastLoadedConsumer();
    if (address === undefined || link === null || this.#stopping || this.#readers >= limits.rtsp.connections) {
      socket.destroy();
      return;
    }
    const peer: Peer = { id: `s${++this.#connections}`, address: plainAddress(address), port: socket.remotePort ?? 0 };
    try {
      link.port.postMessage({ type: 'reader', socket, peer }, [socket as unknown as MessagePort]);
      link.readers.add(peer.id);
      this.#readers++;
    } catch (error) {
      this.#logger.debug({ conn: peer.id, err: error }, 'a reader left before it could be served');
      socket.destroy();
    }
  }

  #leastLoadedConsumer(): ConsumerLink | null {
    let best: ConsumerLink | null = null;
    for (const link of this.#consumers.values()) {
      if (best === null || link.readers.size < best.readers.size) best = link;
    }
    return best;
  }

  #linkConsumer(index: number, port: MessagePort): void {
    const link: ConsumerLink = { port, readers: new Set() };
    this.#consumers.set(index, link);
    port.on('message', (message: ConsumerToAcceptor) => {
      if (link.readers.delete(message.id)) this.#readers--;
    });
    port.on('close', () => {
      this.#readers -= link.readers.size;
      link.readers.clear();
      if (this.#consumers.get(index) === link) this.#consumers.delete(index);
    });
  }

  // ---- the end -----------------------------------------------------------------------------------------------------------

  async #stop(): Promise<void> {
    this.#stopping = true;
    for (const server of this.#listeners) server.close();
    for (const link of this.#consumers.values()) link.port.close();
    await this.#pool.close();
    this.#toMain({ type: 'stopped' });
  }
}

interface ConsumerLink {
  readonly port: MessagePort;
  readonly readers: Set<string>;
}

class ListenError extends Error {
  readonly flag: string;
  readonly port: number;
  readonly code: string;

  constructor(flag: string, port: number, code: string) {
    super(`${flag} ${port}: ${code}`);
    this.flag = flag;
    this.port = port;
    this.code = code;
  }
}
