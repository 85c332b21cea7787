import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** The part of a socket that a connection uses, without a network: the test is the peer and the kernel. */
export class FakeSocket extends Duplex {
  readonly localAddress = '192.0.2.1';
  readonly localPort = 8554;
  /** Everything that was written, in order. */
  readonly written: Buffer[] = [];
  /** While true the kernel takes nothing. */
  full = false;
  #held: (() => void)[] = [];

  constructor() {
    super({ allowHalfOpen: false, autoDestroy: true });
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  destroySoon(): void {
    this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.written.push(Buffer.from(bytes));
    if (this.full) this.#held.push(done);
    else done();
  }

  /** The kernel takes what waits, and all that comes. */
  release(): void {
    this.full = false;
    for (const done of this.#held.splice(0)) done();
  }

  /** What was written since the last call, as text. */
  takeText(): string {
    return Buffer.concat(this.written.splice(0)).toString('latin1');
  }

  /** As a parameter of what takes a real socket. */
  get socket(): Socket {
    return this as unknown as Socket;
  }
}
