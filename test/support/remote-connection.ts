import type { ErrorCode } from '../../src/base/errors.ts';
import type { ConnectionToMain, MainToConnection, PathClaim } from '../../src/control/messages.ts';
import type { Publishers } from '../../src/server/publishers.ts';

/** A publisher's connection as main sees it, in a worker of its own or in that of another one. */
export class RemoteConnection {
  /** What main sent to it. */
  readonly sent: MainToConnection[] = [];
  readonly #publishers: Publishers;
  readonly #id: string;
  readonly #onSent: (id: string, message: MainToConnection) => void;

  /** Makes it known to `publishers`. */
  constructor(
    publishers: Publishers,
    id: string,
    acceptedMs = 0,
    onSent: (id: string, message: MainToConnection) => void = () => {},
    neighbour?: RemoteConnection,
  ) {
    this.#publishers = publishers;
    this.#id = id;
    this.#onSent = onSent;
    const newcomer = { peer: { id, address: '10.0.0.1', port: 1000 }, listener: '1935', acceptedMs };
    publishers.add(newcomer, neighbour ?? this);
  }

  /** For main. */
  send(id: string, message: MainToConnection): void {
    this.sent.push(message);
    this.#onSent(id, message);
  }

  says(message: ConnectionToMain): void {
    this.#publishers.hear(this.#id, message);
  }

  claims(path: string, more: Partial<PathClaim> = {}): void {
    const open = { query: '', pathKey: null, tls: false, deadlineMs: 10_000 };
    this.says({ type: 'claim', path, decodedPath: path, ...open, ...more });
  }

  /** It ends in order. */
  ends(reason: ErrorCode): void {
    this.says({ type: 'ended', reason, detail: undefined });
  }

  /** Its worker dies. */
  dies(): void {
    this.#publishers.lose(this);
  }
}
