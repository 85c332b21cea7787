import { createServer, type Server, type Socket } from 'node:net';
import { limits } from '../base/limits.ts';
import { listen } from './listen.ts';

/** A port to listen on. */
export interface WantedPort {
  /** One that is open under this key stays open. */
  readonly key: string;
  /** What an operator chooses this port with, for messages. */
  readonly flag: string;
  /** 0 is any free one. */
  readonly port: number;
}

/** The open ports of a thread, and their change from one set to the next. */
export class Listeners {
  readonly #host: string;
  readonly #onSocket: (key: string, socket: Socket) => void;
  #open = new Map<string, Server>();
  #closed = false;

  /** `onSocket` gets each new socket, unread and paused, with the key of its port. */
  constructor(host: string, onSocket: (key: string, socket: Socket) => void) {
    this.#host = host;
    this.#onSocket = onSocket;
  }

  /**
   * Opens what is missing, then closes what is not wanted any more. Returns the port numbers by key. If a port cannot be
   * opened all stays as it was, and `ListenError` is thrown. None are left, and none returned, if they were closed meanwhile.
   */
  async change(wanted: readonly WantedPort[]): Promise<Map<string, number>> {
    const next = new Map<string, Server>();
    try {
      for (const port of wanted) next.set(port.key, this.#open.get(port.key) ?? (await this.#listen(port)));
    } catch (error) {
      for (const [key, server] of next) if (!this.#open.has(key)) server.close();
      throw error;
    }
    for (const [key, server] of this.#open) if (!next.has(key)) server.close();
    this.#open = next;
    if (this.#closed) this.close();
    return new Map([...this.#open].map(([key, server]) => [key, (server.address() as { port: number }).port]));
  }

  /** Sockets that were handed on are not concerned. */
  close(): void {
    this.#closed = true;
    for (const server of this.#open.values()) server.close();
    this.#open.clear();
  }

  async #listen({ key, flag, port }: WantedPort): Promise<Server> {
    // Only a socket that nothing has been read from can move to another thread.
    const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#onSocket(key, socket));
    await listen(server, { host: this.#host, port, flag, backlog: limits.sockets.backlog });
    // What goes wrong from now on is one connection that could not be accepted.
    server.on('error', () => {});
    return server;
  }
}
