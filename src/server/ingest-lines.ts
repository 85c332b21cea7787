import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../base/errors.ts';
import type {
  ConnectionToMain,
  IngestToMain,
  MainToConnection,
  MainToIngest,
  Newcomer,
  NewcomersNote,
  Peer,
} from '../control/messages.ts';
import type { PublisherCounts } from '../status/counts.ts';

/** Who hears of what the ingest workers say. */
export interface IngestListener {
  /** A connection is about to ask for a path, for the first time. */
  onPublisher(newcomer: Newcomer, line: WorkerLine): void;
  /** What a publisher said; `id` is that of its peer. */
  onMessage(id: string, message: ConnectionToMain): void;
  /** A worker died, and with it all its connections. */
  onLost(line: WorkerLine): void;
  /** A connection ended because its path could not be asked for. */
  onMisled(peer: Peer): void;
}

/** The line to one ingest worker. */
export class WorkerLine {
  readonly newcomers = new Map<string, Newcomer>();
  readonly #port: MessagePort;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** To a publisher; lost if it has ended. */
  send(id: string, message: MainToConnection): void {
    this.post({ type: 'connection', id, message });
  }

  post(message: MainToIngest): void {
    this.#port.postMessage(message);
  }
}

/**
 * The lines to the ingest workers, one each, and what came over them of connections that have not asked for a path. The close
 * of a line is the death of its worker, and of all its connections.
 */
export class IngestLines {
  readonly #counts: PublisherCounts;
  readonly #listener: IngestListener;
  readonly #lines = new Set<WorkerLine>();
  /** Why all were told to end; null while the server runs. */
  #ending: ErrorCode | null = null;

  constructor(counts: PublisherCounts, listener: IngestListener) {
    this.#counts = counts;
    this.#listener = listener;
  }

  /** A worker has started. */
  add(port: MessagePort): void {
    const line = new WorkerLine(port);
    this.#lines.add(line);
    port.on('message', (message: IngestToMain) => this.#onMessage(line, message));
    port.on('close', () => this.#onClose(line));
    if (this.#ending !== null) line.post({ type: 'cut', reason: this.#ending });
  }

  /** Connections, about a tenth of a second ago. */
  *newcomers(): Iterable<Newcomer> {
    for (const { newcomers } of this.#lines) yield* newcomers.values();
  }

  /** Ends them, and those that are still to come. */
  cut(reason: ErrorCode): void {
    this.#ending = reason;
    for (const line of this.#lines) line.post({ type: 'cut', reason });
  }

  #onMessage(line: WorkerLine, message: IngestToMain): void {
    if (message.type === 'connection') this.#listener.onMessage(message.id, message.message);
    else if (message.type === 'newcomers') this.#onNote(line, message.note);
    else {
      line.newcomers.delete(message.newcomer.peer.id);
      this.#listener.onPublisher(message.newcomer, line);
    }
  }

  #onNote(line: WorkerLine, { accepted, ended, came, left, misled }: NewcomersNote): void {
    for (const [listener, count] of accepted) this.#counts.accepted.add(listener, count);
    for (const [reason, count] of ended) this.#counts.ends.add(reason, count);
    for (const newcomer of came) line.newcomers.set(newcomer.peer.id, newcomer);
    for (const id of left) line.newcomers.delete(id);
    for (const peer of misled) this.#listener.onMisled(peer);
  }

  #onClose(line: WorkerLine): void {
    this.#lines.delete(line);
    if (line.newcomers.size > 0) this.#counts.ends.add(this.#ending ?? 'worker_failed', line.newcomers.size);
    this.#listener.onLost(line);
  }
}
