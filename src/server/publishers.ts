import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Camera, ConnectionToMain, MainToConnection, Peer } from '../control/messages.ts';
import { PublisherCounts } from '../status/counts.ts';
import type { PublisherInfo } from '../status/status-source.ts';
import type { PathRegistry } from './path-registry.ts';
import type { RingStore } from './ring-store.ts';
import type { StreamEvents } from './stream-events.ts';

/** One publisher's connection as the main thread sees it: its port, and the camera it publishes to. */
interface Connection {
  readonly id: string;
  readonly address: string;
  /** Key of the listener that it came to. */
  readonly listener: string;
  readonly peer: Peer;
  readonly port: MessagePort;
  /** Monotonic ms. */
  readonly acceptedMs: number;
  camera: Camera | null;
  /** The reason it gave; a port that closes without one belonged to a worker that died. */
  reason: ErrorCode | null;
}

/**
 * The connections of all publishers. Answers their claims from the path registry, hands out the rings, and takes the close
 * of a port for the death of its connection, so that a crashed worker frees its paths at once.
 */
export class Publishers {
  readonly counts = new PublisherCounts();
  readonly #registry: PathRegistry;
  readonly #rings: RingStore;
  readonly #events: StreamEvents;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #connections = new Map<string, Connection>();
  #allGone: (() => void) | null = null;
  /** Why all connections were told to end; null while the server runs. */
  #ending: ErrorCode | null = null;

  constructor(registry: PathRegistry, rings: RingStore, events: StreamEvents, clock: Clock, logger: Logger) {
    this.#registry = registry;
    this.#rings = rings;
    this.#events = events;
    this.#clock = clock;
    this.#logger = logger;
  }

  get count(): number {
    return this.#connections.size;
  }

  /** Connections to each listener, by its key. */
  get perListener(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { listener } of this.#connections.values()) counts.set(listener, (counts.get(listener) ?? 0) + 1);
    return counts;
  }

  /** Who is connected. `listenerPorts` are the ports of the listeners, by their keys. */
  list(listenerPorts: ReadonlyMap<string, number>): PublisherInfo[] {
    return [...this.#connections.values()].map(({ peer, listener, acceptedMs, camera }) => {
      const listenerPort = listenerPorts.get(listener) ?? 0;
      const { id: connection, address, port } = peer;
      return { connection, address, port, listenerPort, acceptedMs, camera: camera?.index ?? null };
    });
  }

  /** Ends the connection of a camera's publisher. Returns its name; null if nobody publishes. */
  kick(camera: number): string | null {
    for (const connection of this.#connections.values()) {
      if (connection.camera?.index !== camera) continue;
      send(connection, { type: 'cut', reason: 'kicked' });
      return connection.id;
    }
    return null;
  }

  /** Indexes of the cameras that somebody publishes to. */
  get cameras(): Set<number> {
    const connections = [...this.#connections.values()];
    return new Set(connections.flatMap(({ camera }) => (camera === null ? [] : [camera.index])));
  }

  /** A connection was handed to a worker. */
  add(peer: Peer, listener: string, port: MessagePort): void {
    const { id, address } = peer;
    const connection: Connection = {
      id,
      address,
      listener,
      peer,
      port,
      acceptedMs: this.#clock.nowMs(),
      camera: null,
      reason: null,
    };
    this.counts.accepted.add(listener);
    this.#connections.set(peer.id, connection);
    port.on('message', (message: ConnectionToMain) => this.#onMessage(connection, message));
    port.on('close', () => this.#onClose(connection));
    // It was on its way when the others were told.
    if (this.#ending !== null) send(connection, { type: 'cut', reason: this.#ending });
  }

  /** The cameras from now on. Who publishes to one that is gone is cut off, and nobody else. */
  replaceCameras(cameras: readonly Camera[]): void {
    for (const { id } of this.#registry.replace(cameras)) this.#cut(id, 'camera_removed');
    const byIndex = new Map(cameras.map((camera) => [camera.index, camera]));
    for (const connection of this.#connections.values()) {
      if (connection.camera !== null) connection.camera = byIndex.get(connection.camera.index) ?? connection.camera;
    }
  }

  /** Ends every connection; resolves when all are gone. */
  cutAll(reason: ErrorCode): Promise<void> {
    this.#ending = reason;
    for (const connection of this.#connections.values()) send(connection, { type: 'cut', reason });
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#allGone = resolve;
    });
  }

  #onMessage(connection: Connection, message: ConnectionToMain): void {
    if (message.type === 'claim') this.#claim(connection, message.path, message.decodedPath);
    else if (message.type === 'release') this.#release(connection, message.reason);
    else if (message.type === 'ended') connection.reason = message.reason;
    else if (connection.camera !== null) {
      this.#events.emit('notice', { camera: connection.camera, publisher: connection.peer, notice: message.event });
    }
  }

  #claim(connection: Connection, path: string, decodedPath: string): void {
    this.counts.requested++;
    const answer = this.#registry.claim(connection, path, decodedPath, this.#clock.nowMs());
    if (answer.type === 'granted') this.#grant(connection, answer.camera);
    else if (answer.type === 'refused') {
      this.counts.refused.add(answer.reason);
      send(connection, answer);
    } else {
      this.#cut(answer.holder.id, 'taken_over');
      if (answer.displaced !== null) this.#cut(answer.displaced.id, 'path_flapping');
      this.#logger.info({ conn: connection.id, holder: answer.holder.id }, 'a new publisher takes the path over');
    }
  }

  #grant(connection: Connection, camera: Camera): void {
    this.counts.granted++;
    connection.camera = camera;
    const ring = this.#rings.acquire(camera);
    // First of all: who listens can still see what the publisher before left in the counters.
    this.#events.emit('started', { camera, publisher: connection.peer });
    send(connection, { type: 'granted', camera: camera.index, ring });
  }

  #release(connection: Connection, reason: ErrorCode): void {
    const released = this.#registry.release(connection);
    const { camera } = connection;
    connection.camera = null;
    // Of a camera that was removed the registry knows nothing any more, but its stream ends all the same.
    if (camera !== null) this.#events.emit('stopped', { camera, publisher: connection.peer, reason });
    if (released === null) return;
    const next = released.next === null ? undefined : this.#connections.get(released.next.id);
    if (next !== undefined) this.#grant(next, released.camera);
  }

  #cut(id: string, reason: ErrorCode): void {
    const connection = this.#connections.get(id);
    if (connection !== undefined) send(connection, { type: 'cut', reason });
  }

  #onClose(connection: Connection): void {
    this.#connections.delete(connection.id);
    // A worker that was terminated because it did not end in time gives no reason either.
    const reason = connection.reason ?? this.#ending ?? 'worker_failed';
    this.counts.ends.add(reason);
    this.#release(connection, reason);
    if (this.#connections.size === 0) this.#allGone?.();
  }
}

function send(connection: Connection, message: MainToConnection): void {
  connection.port.postMessage(message);
}
