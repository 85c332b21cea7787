import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { hostAndPort } from '../../../src/base/address.ts';
import { until } from '../../support/program.ts';

/** Bytes of what came in that are kept. */
const keptBytes = 256 * 1024;

export interface PeerOptions {
  readonly port: number;
  /** Address to come from. */
  readonly from: string;
  readonly tls?: ConnectionOptions;
  /** Never reads. */
  readonly deaf?: boolean;
}

/** A hostile peer: a socket that writes what it is told to, and notes what comes back. */
export class Peer {
  readonly socket: Socket;
  /** The socket under TLS, null without. */
  readonly below: Socket | null;
  /** Address and port, as the server's log has them. */
  readonly name: string;
  /** That it connected to. */
  readonly port: number;
  /** Lines that the server's log had when it came. */
  firstLine = 0;
  /** The row leaves it in peace: it is not to be closed. */
  bystander = false;
  receivedBytes = 0;
  closed = false;
  readonly #gone: Promise<void>;
  #received: Buffer[] = [];
  #receivedText = '';

  private constructor(socket: Socket, below: Socket | null, port: number) {
    this.port = port;
    this.socket = socket;
    this.below = below;
    const { localAddress, localPort } = below ?? socket;
    this.name = hostAndPort(localAddress ?? '', localPort ?? 0);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    this.#gone = new Promise((resolve) => {
      socket.on('close', () => {
        this.closed = true;
        resolve();
      });
    });
  }

  static async open({ port, from, tls, deaf = false }: PeerOptions): Promise<Peer> {
    const plain = connect({ host: from.includes(':') ? '::1' : '127.0.0.1', port, localAddress: from });
    plain.on('error', () => undefined);
    await once(plain, 'connect');
    const peer = tls === undefined ? new Peer(plain, null, port) : await Peer.#secure(plain, tls, port);
    if (deaf) peer.socket.pause();
    else peer.socket.on('data', (bytes: Buffer) => peer.#onData(bytes));
    return peer;
  }

  static async #secure(plain: Socket, tls: ConnectionOptions, port: number): Promise<Peer> {
    const socket = connectTls({ socket: plain, rejectUnauthorized: false, ...tls });
    socket.on('error', () => undefined);
    const peer = new Peer(socket, plain, port);
    await Promise.race([once(socket, 'secureConnect'), once(socket, 'close')]);
    return peer;
  }

  get tls(): TLSSocket {
    return this.socket as TLSSocket;
  }

  write(bytes: Uint8Array | string): void {
    if (!this.closed && this.socket.writable) this.socket.write(bytes);
  }

  /** Writes, and resolves when the kernel has taken it all or the connection is closed. */
  async send(bytes: Uint8Array | string): Promise<void> {
    if (this.closed || !this.socket.writable) return;
    const taken = new Promise<void>((resolve) => this.socket.write(bytes, () => resolve()));
    await Promise.race([taken, this.#gone]);
  }

  /** Writes a byte at a time until all is written or the connection is closed. */
  async trickle(bytes: Uint8Array, pauseMs: number): Promise<void> {
    for (let i = 0; i < bytes.length && !this.closed; i++) {
      this.write(bytes.subarray(i, i + 1));
      await delay(pauseMs);
    }
  }

  /** What came in, as Latin-1 text, up to a bound. */
  get received(): string {
    if (this.#received.length > 0) {
      this.#receivedText += Buffer.concat(this.#received.splice(0)).toString('latin1');
    }
    return this.#receivedText;
  }

  /** Forgets what came in. */
  forget(): void {
    this.#received = [];
    this.#receivedText = '';
    this.receivedBytes = 0;
  }

  /** Resolves when the text has come in; throws if it does not. */
  async receives(text: string, times = 1): Promise<void> {
    await until(`${text} comes back: ${JSON.stringify(this.received.slice(-300))}`, () => {
      return this.received.split(text).length > times || this.closed;
    });
    if (this.received.split(text).length <= times)
      throw new Error(`closed before ${text} came: ${JSON.stringify(this.received.slice(-300))}`);
  }

  async end(): Promise<void> {
    this.socket.resume();
    await until('it is closed by the server', () => this.closed);
  }

  #onData(bytes: Buffer): void {
    this.receivedBytes += bytes.length;
    if (this.receivedBytes <= keptBytes) this.#received.push(bytes);
  }
}
