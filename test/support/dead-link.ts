import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A TCP link that can die as a radio link does: bytes stop to pass, and neither side is told. The far side is reached
 * from one address, that of this machine or `localAddress`.
 */
export class DeadLink {
  readonly #server: Server;
  readonly #pairs: Pair[] = [];
  /** Bytes from the far side, by connection in the order in which they were opened. */
  readonly received: Buffer[][] = [];
  /** Monotonic ms at which each connection was opened. */
  readonly openedMs: number[] = [];
  /** Monotonic ms at which bytes passed to the far side last. */
  passedMs = 0;
  port = 0;

  private constructor(to: number, options: DeadLinkOptions) {
    const { localAddress, keep = false } = options;
    this.#server = createServer((near) => {
      const far = connect({ host: '127.0.0.1', port: to, ...(localAddress !== undefined && { localAddress }) });
      const pair: Pair = { near, far, dead: false };
      const kept: Buffer[] = [];
      this.#pairs.push(pair);
      this.received.push(kept);
      this.openedMs.push(performance.now());
      near.on('data', (bytes) => {
        if (pair.dead) return;
        this.passedMs = performance.now();
        far.write(bytes);
      });
      far.on('data', (bytes: Buffer) => {
        if (keep) kept.push(bytes);
        if (!pair.dead) near.write(bytes);
      });
      for (const [from, other] of [
        [near, far],
        [far, near],
      ] as const) {
        from.setNoDelay(true);
        from.on('error', () => undefined);
        from.on('end', () => pair.dead || other.end());
        from.on('close', () => pair.dead || other.destroy());
      }
    });
  }

  /** Listens on a port of its own and leads to `to`. Closed with the test. */
  static async open(
    context: { after(cleanup: () => void): void },
    to: number,
    options: DeadLinkOptions = {},
  ): Promise<DeadLink> {
    const link = new DeadLink(to, options);
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    link.port = (link.#server.address() as { port: number }).port;
    context.after(() => link.#close());
    return link;
  }

  /** From now on nothing passes on the connections that are open, not even their end. Later ones are not concerned. */
  die(): void {
    for (const pair of this.#pairs) pair.dead = true;
  }

  #close(): void {
    this.#server.close();
    for (const { near, far } of this.#pairs) {
      near.destroy();
      far.destroy();
    }
  }
}

export interface DeadLinkOptions {
  /** Address from which the far side is reached. */
  readonly localAddress?: string;
  /** Keep what the far side sends, in `received`. */
  readonly keep?: boolean;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  dead: boolean;
}
