import type { MessagePort } from 'node:worker_threads';
import type { ErrorCode } from '../base/errors.ts';
import type { IngestToMain, MainToIngest, Newcomer, Peer } from '../control/messages.ts';
import type { PublisherCounts } from '../status/counts.ts';

/** Who hears of what the ingest workers say. */
export interface IngestListener {
  /** A connection asks for a path for the first time: from now on it has a port of its own. */
  onPublisher(newcomer: Newcomer, port: MessagePort): void;
  /** A connection ended because its path could not be asked for. */
  onMisled(peer: Peer): void;
}

interface Line {
  readonly port: MessagePort;
  readonly newcomers: Map<string, Newcomer>;
}

/**
 * The lines to the ingest workers, one each, and what came over them of connections that have not asked for a path. The close
 * of a line is the death of its worker, and of those connections.
 */
export class IngestLines {
  readonly #counts: PublisherCounts;
  readonly #listener: IngestListener;
  readonly #lines = new Set<Line>();
  /** Why all were told to end; null while the server runs. */
  #ending: ErrorCode | null = null;

  constructor(counts: PublisherCounts, listener: IngestListener) {
    this.#counts = counts;
    this.#listener = listener;
  }

  /** A worker has started. */
  add(port: MessagePort): void {
    const line: Line = { port, newcomers: new Map() };
    this.#lines.add(line);
    port.on('message', (message: IngestToMain) => this.#onMessage(line, message));
    port.on('close', () => this.#onClose(line));
    if (this.#ending !== null) send(line, { type: 'cut', reason: this.#ending });
  }

  /** Connections, about a tenth of a second ago. */
  *newcomers(): Iterable<Newcomer> {
    for (const { newcomers } of this.#lines) yield* newcomers.values();
  }

  /** Ends them, and those that are still to come. */
  cut(reason: ErrorCode): void {
    this.#ending = reason;
    for (const line of this.#lines) send(line, { type: 'cut', reason });
  }

  #onMessage(line: Line, message: IngestToMain): void {
    if (message.type === 'publisher') {
      line.newcomers.delete(message.newcomer.peer.id);
      this.#listener.onPublisher(message.newcomer, message.port);
      return;
    }
    const { accepted, ended, came, left, misled } = message.note;
    for (const [listener, count] of accepted) this.#counts.accepted.add(listener, count);
    for (const [reason, count] of ended) this.#counts.ends.add(reason, count);
    for (const newcomer of came) line.newcomers.set(newcomer.peer.id, newcomer);
    for (const id of left) line.newcomers.delete(id);
    for (const peer of misled) this.#listener.onMisled(peer);
  }

  #onClose(line: Line): void {
    this.#lines.delete(line);
    if (line.newcomers.size > 0) this.#counts.ends.add(this.#ending ?? 'worker_failed', line.newcomers.size);
  }
}

function send({ port }: Line, message: MainToIngest): void {
  port.postMessage(message);
}
