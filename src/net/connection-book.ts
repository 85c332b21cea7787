import type { Socket } from 'node:net';
import { addressKey } from '../base/address.ts';

/** How many connections a port takes, in all and from one address; an IPv6 network (/64) is one. */
export interface ConnectionBounds {
  readonly connections: number;
  readonly connectionsPerAddress: number;
}

/** The open connections of a port. */
export class ConnectionBook {
  readonly #bounds: ConnectionBounds;
  readonly #counts: { connections: number };
  readonly #sockets = new Set<Socket>();
  readonly #perAddress = new Map<string, number>();

  /** `counts` is kept up to date, and may be shared with other ports. */
  constructor(bounds: ConnectionBounds, counts: { connections: number }) {
    this.#bounds = bounds;
    this.#counts = counts;
  }

  /** Writes a connection down until it closes. False: it would be one too many. */
  enter(socket: Socket, address: string): boolean {
    const { connections, connectionsPerAddress } = this.#bounds;
    const key = addressKey(address);
    const count = this.#perAddress.get(key) ?? 0;
    if (this.#sockets.size >= connections || count >= connectionsPerAddress) return false;
    this.#sockets.add(socket);
    this.#perAddress.set(key, count + 1);
    this.#counts.connections++;
    socket.once('close', () => this.#leave(socket, key));
    return true;
  }

  /** Ends all of them. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #leave(socket: Socket, key: string): void {
    this.#sockets.delete(socket);
    this.#counts.connections--;
    const left = this.#perAddress.get(key)! - 1;
    if (left === 0) this.#perAddress.delete(key);
    else this.#perAddress.set(key, left);
  }
}
