import { createServer, type Server, type Socket } from 'node:net';

/** Connections the kernel may hold for us: with Node's default of 511 a burst of 1000 drones pays a one-second SYN retry. */
const backlog = 4096;

/** A port to listen on. */
export interface WantedPort {
  /** One that is open under this key stays open. */
  readonly key: string;
  /** What an operator chooses this port with, for messages. */
  readonly flag: string;
  /** 0 is any free one. */
  readonly port: number;
}

/** A port that could not be opened. */
export class ListenError extends Error {
  readonly flag: string;
  readonly port: number;
  /** Of the system, such as EADDRINUSE. */
  readonly code: string;

  constructor(flag: string, port: number, code: string) {
    super(`${flag} ${port}: ${code}`);
    this.flag = flag;
    this.port = port;
    this.code = code;
  }
}

/** The open ports of a thread, and their change from one set to the next. */
export class Listeners {
  readonly #host: string;
  readonly #onSocket: (key: string, socket: Socket) => void;
  #open = new Map<string, Server>();

  /** `onSocket` gets each new socket, unread and paused, with the key of its port. */
  constructor(host: string, onSocket: (key: string, socket: Socket) => void) {
    this.#host = host;
    this.#onSocket = onSocket;
  }

  /**
   * Opens what is missing, then closes what is not wanted any more. Returns the port numbers by key. If a port cannot be
   * opened all stays as it was, and {@link ListenError} is thrown.
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
    return new Map([...next].map(([key, server]) => [key, (server.address() as { port: number }).port]));
  }

  /** Sockets that were handed on are not concerned. */
  close(): void {
    for (const server of this.#open.values()) server.close();
    this.#open.clear();
  }

  #listen({ key, flag, port }: WantedPort): Promise<Server> {
    return new Promise((resolve, reject) => {
      // Only a socket that nothing has been read from can move to another thread.
      const server = createServer({ pauseOnConnect: true, noDelay: true }, (socket) => this.#onSocket(key, socket));
      let host = this.#host;
      server.on('error', ({ code }: NodeJS.ErrnoException) => {
        if (host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) {
          // The default means every address; this machine has no IPv6.
          host = '0.0.0.0';
          server.listen({ host, port, backlog });
        } else reject(new ListenError(flag, port, code ?? 'UNKNOWN'));
      });
      server.on('listening', () => resolve(server));
      server.listen({ host, port, backlog });
    });
  }
}
