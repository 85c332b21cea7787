import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Camera, ConnectionToMain, MainToConnection, Newcomer, PathClaim, Peer } from '../control/messages.ts';
import { withoutKeys } from '../rtmp/stream-path.ts';
import { PublisherCounts } from '../status/counts.ts';
import type { PublisherInfo } from '../status/status-source.ts';
import { IngestLines, type WorkerLine } from './ingest-lines.ts';
import type { PathRegistry } from './path-registry.ts';
import type { Admission, PublishAuth } from './publish-auth.ts';
import type { RingStore } from './ring-store.ts';
import type { StreamEvents } from './stream-events.ts';

/** One publisher's connection as the main thread sees it: the way to it, and the camera it publishes to. */
interface Connection extends Newcomer {
  readonly id: string;
  readonly address: string;
  /** To its worker. */
  readonly line: Pick<WorkerLine, 'send'>;
  camera: Camera | null;
  /** Ends the check of its credentials; null while there is none. */
  checking: AbortController | null;
  /** Id of the stream key that it was let in with; null with none. */
  keyId: string | null;
}

/** The path that a publisher asks for, without a key in it. */
type ClaimedPath = Pick<PathClaim, 'path' | 'decodedPath'>;

/** Who decides about publishers, and what it wants to know: the ports of listeners by their keys. */
export interface PublisherDoor {
  readonly auth: Pick<PublishAuth, 'check'>;
  readonly listenerPort: (listener: string) => number;
}

/**
 * The connections of all publishers. Answers their claims from the path registry, hands out the rings, and takes the close
 * of a worker's line for the death of its connections, so that a crashed worker frees its paths at once. A connection is here
 * from its first claim on; those before that are with {@link ingest}.
 */
export class Publishers {
  readonly counts = new PublisherCounts();
  /** The lines to the ingest workers. */
  readonly ingest: IngestLines;
  /** Whether a publisher from this address must still wait, because it broke a rule of the camera with this index. */
  holdsOff: (camera: number, address: string) => boolean = () => false;
  readonly #registry: PathRegistry;
  readonly #rings: RingStore;
  readonly #events: StreamEvents;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** Null: the path is the key, and all who know it may publish. */
  readonly #door: PublisherDoor | null;
  readonly #connections = new Map<string, Connection>();
  #allGone: (() => void) | null = null;
  /** Why all connections were told to end; null while the server runs. */
  #ending: ErrorCode | null = null;

  constructor(
    registry: PathRegistry,
    rings: RingStore,
    events: StreamEvents,
    clock: Clock,
    logger: Logger,
    door: PublisherDoor | null = null,
  ) {
    this.#registry = registry;
    this.#rings = rings;
    this.#events = events;
    this.#clock = clock;
    this.#logger = logger;
    this.#door = door;
    this.ingest = new IngestLines(this.counts, {
      onPublisher: (newcomer, line) => this.add(newcomer, line),
      onMessage: (id, message) => this.hear(id, message),
      onLost: (line) => this.lose(line),
      onMisled: (peer) => this.#refused(peer, 'path_invalid', null),
    });
  }

  get count(): number {
    let count = 0;
    for (const _ of this.#all()) count++;
    return count;
  }

  /** Connections to each listener, by its key. */
  get perListener(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { listener } of this.#all()) counts.set(listener, (counts.get(listener) ?? 0) + 1);
    return counts;
  }

  /** Who is connected. `listenerPorts` are the ports of the listeners, by their keys. */
  list(listenerPorts: ReadonlyMap<string, number>): PublisherInfo[] {
    return [...this.#all()].map(({ peer, listener, acceptedMs, camera = null }) => {
      const listenerPort = listenerPorts.get(listener) ?? 0;
      const { id: connection, address, port } = peer;
      return { connection, address, port, listenerPort, acceptedMs, camera: camera?.index ?? null };
    });
  }

  /** Ends the connection of a camera's publisher. Returns its name; null if nobody publishes. */
  kick(camera: number, reason: ErrorCode = 'kicked', detail?: string): string | null {
    for (const connection of this.#connections.values()) {
      if (connection.camera?.index !== camera) continue;
      send(connection, { type: 'cut', reason, ...(detail !== undefined && { detail }) });
      return connection.id;
    }
    return null;
  }

  /** Ids of the stream keys that somebody publishes with. */
  get runningKeys(): Set<string> {
    const ids = [...this.#connections.values()].map(({ keyId }) => keyId);
    return new Set(ids.filter((id) => id !== null));
  }

  /** Ends the connections that publish with this stream key. */
  revoke(keyId: string): void {
    for (const connection of this.#connections.values())
      if (connection.keyId === keyId) this.#cut(connection.id, 'key_revoked');
  }

  /** Indexes of the cameras that somebody publishes to. */
  get cameras(): Set<number> {
    const connections = [...this.#connections.values()];
    return new Set(connections.flatMap(({ camera }) => (camera === null ? [] : [camera.index])));
  }

  /** A connection is about to claim a path. */
  add({ peer, listener, acceptedMs }: Newcomer, line: Pick<WorkerLine, 'send'>): void {
    const { id, address } = peer;
    const connection: Connection = {
      id,
      address,
      listener,
      peer,
      line,
      acceptedMs,
      camera: null,
      checking: null,
      keyId: null,
    };
    this.#connections.set(peer.id, connection);
    // It was on its way when the others were told.
    if (this.#ending !== null) send(connection, { type: 'cut', reason: this.#ending });
  }

  /** What a connection says. */
  hear(id: string, message: ConnectionToMain): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    if (message.type === 'claim') this.#claim(connection, message);
    else if (message.type === 'release') this.#release(connection, message.reason);
    else if (message.type === 'ended') this.#end(connection, message.reason);
    else if (connection.camera !== null)
      this.#events.emit('notice', { camera: connection.camera, publisher: connection.peer, notice: message.event });
  }

  /** A worker has ended without a word of its connections: it died, or was terminated because it did not end in time. */
  lose(line: Pick<WorkerLine, 'send'>): void {
    const lost = [...this.#connections.values()].filter((connection) => connection.line === line);
    for (const connection of lost) this.#stopWaiting(connection);
    for (const connection of lost) this.#end(connection, this.#ending ?? 'worker_failed');
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
    this.ingest.cut(reason);
    for (const { id } of this.#connections.values()) this.#cut(id, reason);
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#allGone = resolve;
    });
  }

  /** Those without a camera as well. */
  *#all(): Iterable<Newcomer & { readonly camera?: Camera | null }> {
    yield* this.ingest.newcomers();
    yield* this.#connections.values();
  }

  /** Checks the credentials first, where some are asked for; the answer may come later. */
  #claim(connection: Connection, claim: PathClaim): void {
    // It was on its way when it was told to end.
    if (this.#ending !== null) return;
    this.counts.requested++;
    const { listener, peer } = connection;
    const { pathKey, query, tls, deadlineMs } = claim;
    const whole = this.#registry.find(listener, claim.path, claim.decodedPath);
    // A camera may have a path that looks as if it ended with a key.
    const usesKey = whole === null && pathKey !== null;
    const { path, decodedPath } = usesKey ? pathKey : claim;
    const claimed = { path, decodedPath };
    const camera = usesKey ? this.#registry.find(listener, path, decodedPath) : whole;
    const key = usesKey ? pathKey.key : null;
    const checking = new AbortController();
    const listenerPort = this.#door?.listenerPort(listener) ?? 0;
    const request = { camera, path, query, pathKey: key, peer, listenerPort, tls, deadlineMs };
    const admission = this.#door?.auth.check(request, checking.signal) ?? null;
    if (admission === null) {
      this.#take(connection, claimed);
      return;
    }
    connection.checking = checking;
    void admission.then((answer) => {
      // It has gone, or is being cut off.
      if (connection.checking !== checking) return;
      connection.checking = null;
      const now = this.#registry.find(listener, path, decodedPath);
      const isSame = now?.index === camera?.index && now?.rtspPath === camera?.rtspPath;
      if (!isSame) this.#refuse(connection, 'credential_unavailable', claimed, 'the cameras were changed meanwhile');
      else if (answer.type === 'admitted') this.#admit(connection, answer, claimed);
      // That the path leads nowhere is the better reason; the publisher is told the same.
      else if (camera === null && !answer.passing) this.#take(connection, claimed);
      else this.#refuse(connection, answer.reason, claimed, answer.detail);
    });
  }

  /** Its credentials are good. */
  #admit(connection: Connection, admission: Admission & { type: 'admitted' }, claimed: ClaimedPath): void {
    const { detail, keyId } = admission;
    const used = admission.use();
    if (used !== null) {
      this.#refuse(connection, used, claimed, detail);
      return;
    }
    connection.keyId = keyId;
    if (this.#take(connection, claimed)) {
      if (detail !== '')
        this.#logger.info(
          { conn: connection.id, path: withoutKeys(claimed.path), by: detail },
          'the publisher may publish',
        );
      return;
    }
    connection.keyId = null;
    admission.giveBack();
  }

  /** Takes the path from the registry. False if that refuses it. */
  #take(connection: Connection, claimed: ClaimedPath): boolean {
    const { path, decodedPath } = claimed;
    const camera = this.#registry.find(connection.listener, path, decodedPath);
    if (camera !== null && this.holdsOff(camera.index, connection.address)) {
      this.#refuse(connection, 'rule_hold_off', claimed);
      return false;
    }
    const answer = this.#registry.claim(connection, path, decodedPath, this.#clock.nowMs());
    if (answer.type === 'granted') this.#grant(connection, answer.camera);
    else if (answer.type === 'refused') {
      this.#refuse(connection, answer.reason, claimed);
      return false;
    } else {
      this.#cut(answer.holder.id, 'taken_over');
      if (answer.displaced !== null) this.#cut(answer.displaced.id, 'path_flapping');
      this.#logger.info({ conn: connection.id, holder: answer.holder.id }, 'a new publisher takes the path over');
    }
    return true;
  }

  #refuse(connection: Connection, reason: ErrorCode, { path, decodedPath }: ClaimedPath, detail?: string): void {
    this.counts.refused.add(reason);
    const camera = this.#registry.find(connection.listener, path, decodedPath);
    this.#refused(connection.peer, reason, camera, path);
    send(connection, detail === undefined ? { type: 'refused', reason } : { type: 'refused', reason, detail });
  }

  #refused(peer: Peer, reason: ErrorCode, camera: Camera | null, path?: string): void {
    const publisher = { camera, publisher: peer, address: peer.address, reason, count: 1 };
    this.#events.emit('refused', path === undefined ? publisher : { ...publisher, path: withoutKeys(path) });
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
    const released = this.#registry.release(connection, this.#clock.nowMs());
    const { camera } = connection;
    connection.camera = null;
    connection.keyId = null;
    // Of a camera that was removed the registry knows nothing any more, but its stream ends all the same.
    if (camera !== null) this.#events.emit('stopped', { camera, publisher: connection.peer, reason });
    if (released === null) return;
    const next = released.next === null ? undefined : this.#connections.get(released.next.id);
    if (next !== undefined) this.#grant(next, released.camera);
  }

  #cut(id: string, reason: ErrorCode): void {
    const connection = this.#connections.get(id);
    if (connection === undefined) return;
    this.#stopChecking(connection);
    this.#stopWaiting(connection);
    send(connection, { type: 'cut', reason });
  }

  /** It does not get the path that it waits for, if it does, once the holder lets go of that. */
  #stopWaiting(connection: Connection): void {
    if (connection.camera === null) this.#registry.release(connection, this.#clock.nowMs());
  }

  #stopChecking(connection: Connection): void {
    connection.checking?.abort();
    connection.checking = null;
  }

  #end(connection: Connection, reason: ErrorCode): void {
    this.#connections.delete(connection.id);
    this.#stopChecking(connection);
    this.counts.ends.add(reason);
    // A path that its own thread could not accept.
    if (reason === 'path_invalid') this.#refused(connection.peer, reason, null);
    this.#release(connection, reason);
    if (this.#connections.size === 0) this.#allGone?.();
  }
}

function send({ id, line }: Connection, message: MainToConnection): void {
  line.send(id, message);
}
