import type { Socket } from 'node:net';
import { limits } from '../base/limits.ts';

/**
 * Serves a few requests of each HTTP connection in one turn of the event loop, and the rest in later ones, so that others come
 * between: Node hands over all requests that came in one piece at once, which may be hundreds. A connection is not read on while
 * requests of it wait.
 */
export class RequestTurns {
  /** Requests that were served in this turn. */
  readonly #served = new Map<Socket, number>();
  readonly #waiting = new Map<Socket, (() => void)[]>();
  #scheduled = false;

  /** Serves a request now or later; in the end not at all if its connection has closed by then. */
  take(socket: Socket, serve: () => void): void {
    const waiting = this.#waiting.get(socket);
    if (waiting !== undefined) {
      waiting.push(serve);
      return;
    }
    this.#schedule();
    const served = this.#served.get(socket) ?? 0;
    if (served < limits.turns.requests) {
      this.#served.set(socket, served + 1);
      serve();
      return;
    }
    this.#waiting.set(socket, [serve]);
    // Node resumes connections by itself, for the body of a request or when an answer has gone.
    socket.on('resume', pause);
    socket.pause();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#nextTurn());
  }

  #nextTurn(): void {
    this.#scheduled = false;
    this.#served.clear();
    for (const [socket, waiting] of this.#waiting) {
      const now = waiting.splice(0, limits.turns.requests);
      this.#served.set(socket, now.length);
      if (waiting.length === 0 || socket.destroyed) {
        this.#waiting.delete(socket);
        socket.off('resume', pause);
        socket.resume();
      }
      for (const serve of now) if (!socket.destroyed) serve();
    }
    if (this.#served.size > 0) this.#schedule();
  }
}

function pause(this: Socket): void {
  this.pause();
}
