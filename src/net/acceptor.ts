import type { Socket } from 'node:net';
import type { MessagePort } from 'node:worker_threads';
import { plainAddress } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type {
  AcceptorBoot,
  AcceptorToMain,
  ConsumerToAcceptor,
  IngestTask,
  ListenerOptions,
  ListenOptions,
  MainToAcceptor,
  Peer,
  Rejections,
} from '../control/messages.ts';
import { Admission } from '../ingest/admission.ts';
import { WorkerLoads } from '../shm/worker-load.ts';
import { AddressFilter } from './address-filter.ts';
import { HandOvers } from './hand-overs.ts';
import { IngestPool } from './ingest-pool.ts';
import type { ListenError } from './listen.ts';
import { Listeners, type WantedPort } from './listeners.ts';
import { hasSpareDescriptors } from './spare-descriptors.ts';

/**
 * Owns the listeners. Each publisher's socket becomes one task of the ingest pool, which chooses the worker; each reader's
 * socket goes to the consumer with the fewest. No byte of a connection is read here.
 */
export class Acceptor {
  readonly #toMain: (message: AcceptorToMain, transfer?: MessagePort[]) => void;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #pool: IngestPool;
  readonly #consumers = new Map<number, ConsumerLink>();
  /** Of the last second, by listener and reason. */
  #rejections = new Map<string, Refused>();
  readonly #listeners: Listeners;
  readonly #handOvers: HandOvers;
  #listen: ListenOptions;
  #filter: AddressFilter;
  /** By the key of the port that a publisher comes to. */
  #entrances = new Map<string, Entrance>();
  /** Changes follow one another: the next waits for the ports of the last. */
  #changing: Promise<void> = Promise.resolve();
  readonly #loads: WorkerLoads;
  #readers = 0;
  /** In the last second somebody was refused because no file could be opened. */
  #outOfFiles = false;
  /** Readers that wait to be handed over. */
  #comingReaders = 0;
  #stopping = false;

  constructor(
    boot: AcceptorBoot,
    toMain: (message: AcceptorToMain, transfer?: MessagePort[]) => void,
    clock: Clock,
    logger: Logger,
  ) {
    this.#toMain = toMain;
    this.#clock = clock;
    this.#logger = logger;
    this.#handOvers = new HandOvers(clock);
    this.#listen = boot.listen;
    this.#filter = new AddressFilter(boot.listen.allowIp, boot.listen.denyIp);
    this.#listeners = new Listeners(boot.host, (key, socket) => this.#onSocket(key, socket));
    this.#loads = new WorkerLoads(boot.ingest.loads);
    this.#pool = new IngestPool(boot, clock, logger, {
      onLine: (port) => toMain({ type: 'ingest', port }, [port]),
      onFailed: () => toMain({ type: 'worker_failed' }),
    });
    setInterval(() => this.#reportRejections(), 1000).unref();
  }

  /** Listens as told at the start. */
  listen(): Promise<void> {
    return this.#change(this.#listen);
  }

  onMain(message: MainToAcceptor): void {
    if (message.type === 'consumer') this.#linkConsumer(message.index, message.port);
    else if (message.type === 'listen') void this.#change(message.listen);
    else void this.#stop();
  }

  #change(listen: ListenOptions): Promise<void> {
    this.#changing = this.#changing.then(() => this.#changeNow(listen));
    return this.#changing;
  }

  async #changeNow(listen: ListenOptions): Promise<void> {
    if (this.#stopping) return;
    const before = this.#entrances;
    const entrances = this.#entrancesOf(listen);
    try {
      // Both: a publisher may come to a new port before the last one is open.
      this.#entrances = new Map([...entrances, ...before]);
      const ports = await this.#listeners.change(wantedPorts(listen));
      if (this.#stopping) return this.#listeners.close();
      this.#listen = listen;
      this.#filter = new AddressFilter(listen.allowIp, listen.denyIp);
      this.#entrances = entrances;
      for (const { key, admission } of listen.listeners) entrances.get(rtmpKey(key))!.admission.options = admission;
      const listeners = listen.listeners.map(({ key, rtmps }) => {
        return { key, rtmp: ports.get(rtmpKey(key))!, rtmps: rtmps === null ? null : ports.get(rtmpsKey(rtmps.key))! };
      });
      this.#toMain({ type: 'listening', listeners, rtspPort: ports.get(rtspKey(listen.rtsp.key))! });
    } catch (error) {
      this.#entrances = before;
      const { flag, port, code } = error as ListenError;
      this.#toMain({ type: 'listen_failed', flag, port, code });
    }
  }

  /** Who is connected goes on counting for the limits of a listener that stays. */
  #entrancesOf({ listeners }: ListenOptions): Map<string, Entrance> {
    const entrances = new Map<string, Entrance>();
    for (const { key, tls, rtmps, admission: options } of listeners) {
      const admission = this.#entrances.get(rtmpKey(key))?.admission ?? new Admission(options);
      entrances.set(rtmpKey(key), { listener: key, tls, admission });
      if (rtmps !== null) entrances.set(rtmpsKey(rtmps.key), { listener: key, tls: true, admission });
    }
    return entrances;
  }

  #onSocket(key: string, socket: Socket): void {
    const entrance = this.#entrances.get(key);
    if (entrance === undefined) this.#onReader(socket);
    else this.#onPublisher(socket, entrance);
  }

  // ---- publishers ------------------------------------------------------------------------------------------------------

  #onPublisher(socket: Socket, entrance: Entrance): void {
    const address = socket.remoteAddress;
    if (address === undefined || this.#stopping) {
      socket.destroy();
      return;
    }
    const nowMs = this.#clock.nowMs();
    const refused = this.#filter.admits(address)
      ? entrance.admission.admit(address, nowMs, this.#pool.overloaded)
      : 'ip_denied';
    if (refused !== null) {
      this.#reject(socket, entrance.listener, refused, address);
      return;
    }
    const peer = this.#peerOf(socket, address, 'r');
    this.#handOvers.add(peer.address, socket, () => void this.#handOver(socket, peer, nowMs, entrance));
  }

  async #handOver(socket: Socket, peer: Peer, acceptedMs: number, entrance: Entrance): Promise<void> {
    if (this.#stopping) {
      socket.destroy();
      return;
    }
    const { listener, tls } = entrance;
    const { timeouts } = this.#listen;
    if (!hasSpareDescriptors()) {
      entrance.admission.release(peer.address);
      this.#rejectForFiles(socket, listener, peer.address);
      return;
    }
    try {
      const task: IngestTask = { socket, peer, listener, acceptedMs, tls, timeouts };
      await this.#pool.serve(task, socket);
    } catch (error) {
      // The worker died with the connection, or the socket was closed before it could move.
      socket.destroy();
      if (!this.#stopping) this.#logger.warn({ conn: peer.id, reason: 'worker_failed', err: error }, 'connection lost');
    } finally {
      entrance.admission.release(peer.address);
    }
  }

  /** The peer of a socket, with an id that begins with `kind`. */
  #peerOf(socket: Socket, address: string, kind: 'r' | 's'): Peer {
    const id = `${kind}${++this.#loads.accepted}`;
    return { id, address: plainAddress(address), port: socket.remotePort ?? 0 };
  }

  #reject(socket: Socket, listener: string | null, reason: ErrorCode, address: string): void {
    const key = `${listener} ${reason}`;
    let known = this.#rejections.get(key);
    if (known === undefined) {
      known = { listener, reason, count: 0, addresses: new Map() };
      this.#rejections.set(key, known);
    }
    known.count++;
    const plain = plainAddress(address);
    const before = known.addresses.get(plain) ?? 0;
    if (before > 0 || known.addresses.size < limits.events.rejectedAddresses) known.addresses.set(plain, before + 1);
    socket.destroy();
  }

  #rejectForFiles(socket: Socket, listener: string | null, address: string): void {
    this.#outOfFiles = true;
    this.#reject(socket, listener, 'connections_exceeded', address);
  }

  #reportRejections(): void {
    if (this.#rejections.size === 0) return;
    if (this.#outOfFiles) {
      this.#outOfFiles = false;
      this.#logger.warn(
        {},
        'connections are refused because the process may open no more files: raise its limit, such as with ulimit -n',
      );
    }
    const rejections = [...this.#rejections.values()].map((refused): Rejections => {
      return { ...refused, addresses: [...refused.addresses] };
    });
    this.#rejections = new Map();
    this.#toMain({ type: 'rejected', rejections });
    for (const { listener, reason, count } of rejections) {
      const fields = { listener: listener ?? 'rtsp', reason, count };
      this.#logger.warn(fields, `${count} new connection(s) refused in the last second: ${reason}`);
    }
  }

  // ---- readers ---------------------------------------------------------------------------------------------------------

  #onReader(socket: Socket): void {
    const address = socket.remoteAddress;
    if (address === undefined || this.#stopping) {
      socket.destroy();
      return;
    }
    if (this.#readers + this.#comingReaders >= limits.rtsp.connections) {
      this.#reject(socket, null, 'connections_exceeded', address);
      return;
    }
    const peer = this.#peerOf(socket, address, 's');
    this.#comingReaders++;
    this.#handOvers.add(peer.address, socket, () => this.#handOverReader(socket, peer));
  }

  #handOverReader(socket: Socket, peer: Peer): void {
    this.#comingReaders--;
    if (this.#stopping) {
      socket.destroy();
      return;
    }
    const link = this.#leastLoadedConsumer();
    if (link === null) {
      this.#reject(socket, null, 'worker_failed', peer.address);
      return;
    }
    if (!hasSpareDescriptors()) {
      this.#rejectForFiles(socket, null, peer.address);
      return;
    }
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
      if (message.type === 'kept') {
        for (const id of message.ids) link.readers.add(id);
        this.#readers += message.ids.length;
      } else if (link.readers.delete(message.id)) this.#readers--;
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
    this.#listeners.close();
    for (const link of this.#consumers.values()) link.port.close();
    await this.#pool.close();
    this.#toMain({ type: 'stopped' });
  }
}

/** What a listener refused for one reason in the last second. */
interface Refused {
  readonly listener: string | null;
  readonly reason: ErrorCode;
  count: number;
  readonly addresses: Map<string, number>;
}

interface ConsumerLink {
  readonly port: MessagePort;
  readonly readers: Set<string>;
}

/** How publishers come in at one port. */
interface Entrance {
  /** Key of the listener. */
  readonly listener: string;
  readonly tls: boolean;
  /** One for both ports of a listener. */
  readonly admission: Admission;
}

function wantedPorts({ listeners, rtsp }: ListenOptions): WantedPort[] {
  const wanted = listeners.flatMap((listener) => wantedByListener(listener));
  return [...wanted, { key: rtspKey(rtsp.key), flag: '--rtsp-port', port: rtsp.port }];
}

function wantedByListener({ key, port, rtmps }: ListenerOptions): WantedPort[] {
  const first = { key: rtmpKey(key), flag: '--rtmp-port', port };
  return rtmps === null ? [first] : [first, { key: rtmpsKey(rtmps.key), flag: '--rtmps-port', port: rtmps.port }];
}

function rtmpKey(key: string): string {
  return `rtmp ${key}`;
}

function rtmpsKey(key: string): string {
  return `rtmps ${key}`;
}

function rtspKey(key: string): string {
  return `rtsp ${key}`;
}
