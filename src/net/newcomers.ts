import type { ErrorCode } from '../base/errors.ts';
import type { IngestTask, Newcomer, NewcomersNote, Peer } from '../control/messages.ts';

/**
 * Connections of an ingest worker that have not asked for a path. Main hears of them a few times a second: floods consist of
 * them, and most have gone before the next note, in which they are figures only.
 */
export class Newcomers {
  #accepted = new Map<string, number>();
  #ended = new Map<ErrorCode, number>();
  /** Not in a note yet. */
  #came = new Map<string, Newcomer>();
  /** In an earlier note. */
  readonly #known = new Set<string>();
  #left: string[] = [];
  #misled: Peer[] = [];

  add({ peer, listener, acceptedMs }: IngestTask): void {
    this.#accepted.set(listener, (this.#accepted.get(listener) ?? 0) + 1);
    this.#came.set(peer.id, { peer, listener, acceptedMs });
  }

  /** It asks for a path, and main hears of it by itself. */
  promote({ id }: Peer): void {
    if (!this.#came.delete(id)) this.#known.delete(id);
  }

  ended(peer: Peer, reason: ErrorCode): void {
    this.#ended.set(reason, (this.#ended.get(reason) ?? 0) + 1);
    // Its path is one that could not even be asked for: the operator should hear of that as of any other refusal.
    if (reason === 'path_invalid') this.#misled.push(peer);
    if (!this.#came.delete(peer.id) && this.#known.delete(peer.id)) this.#left.push(peer.id);
  }

  /** What has happened since the last note; null if nothing has. */
  take(): NewcomersNote | null {
    if (this.#accepted.size === 0 && this.#ended.size === 0) return null;
    const came = [...this.#came.values()];
    for (const { peer } of came) this.#known.add(peer.id);
    const note = {
      accepted: [...this.#accepted],
      ended: [...this.#ended],
      came,
      left: this.#left,
      misled: this.#misled,
    };
    this.#accepted = new Map();
    this.#ended = new Map();
    this.#came = new Map();
    this.#left = [];
    this.#misled = [];
    return note;
  }
}
