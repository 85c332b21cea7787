import type { ErrorCode } from '../base/errors.ts';

/** How often each of something happened. */
export class Counts<K> {
  readonly #counts = new Map<K, number>();

  add(key: K, amount = 1): void {
    this.#counts.set(key, this.of(key) + amount);
  }

  of(key: K): number {
    return this.#counts.get(key) ?? 0;
  }

  /** What happened at least once. */
  get all(): ReadonlyMap<K, number> {
    return this.#counts;
  }
}

/** What the connections of all publishers came to, since the process started. */
export class PublisherCounts {
  /** Connections that were let in, by the key of their listener. */
  readonly accepted = new Counts<string>();
  /** Connections that have ended, by reason. */
  readonly ends = new Counts<ErrorCode>();
  /** Publications that were asked for, granted, and refused by reason. */
  requested = 0;
  granted = 0;
  readonly refused = new Counts<ErrorCode>();
}

/** What the HTTP port has counted. */
export interface HttpCounts {
  /** Now. */
  connections: number;
  eventClients: number;
  /** Viewers of live previews. */
  previews: number;
  /** Answers by status. */
  readonly answers: Counts<number>;
  authFailures: number;
  /** Connections that were no HTTP, too many, or too slow. */
  refused: number;
  /** Times that frames were left out for a viewer who was too slow. */
  previewRestarts: number;
}

export function newHttpCounts(): HttpCounts {
  return {
    connections: 0,
    eventClients: 0,
    previews: 0,
    answers: new Counts(),
    authFailures: 0,
    refused: 0,
    previewRestarts: 0,
  };
}
