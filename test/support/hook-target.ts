import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { freePorts } from '../../native-free-bench/system/free-port.ts';
import { until } from './program.ts';

/** What a hook sent. */
export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The fields of a message that tests look at. */
export interface HookMessage {
  readonly id: string;
  readonly event: string;
  readonly camera: { readonly name: string } | null;
  readonly reason: string | null;
}

/** A target of hooks over HTTP, which can go away and come back on the same port. */
export class HookTarget {
  readonly received: Received[] = [];
  /** What requests are answered with. */
  answer: { status: number; headers?: Record<string, string>; body?: string } = { status: 204 };
  port = 0;
  readonly #tls: { cert: string; key: string } | null;
  #server: Server | null = null;

  private constructor(tls: { cert: string; key: string } | null) {
    this.#tls = tls;
  }

  static async open(
    t: { after(cleanup: () => void): void },
    tls: { cert: string; key: string } | null = null,
  ): Promise<HookTarget> {
    const target = new HookTarget(tls);
    t.after(() => target.close());
    await target.open();
    return target;
  }

  /** `http://127.0.0.1:<port>/hook`; TLS by the name that test certificates have. */
  get url(): string {
    return this.#tls === null ? `http://127.0.0.1:${this.port}/hook` : `https://localhost:${this.port}/hook`;
  }

  /** The messages so far, where they are JSON. */
  get messages(): HookMessage[] {
    return this.received.map(({ body }) => JSON.parse(body));
  }

  /** Such as `started Stream 1`. */
  get events(): string[] {
    return this.messages.map(({ event, camera }) => `${event} ${camera?.name}`);
  }

  async open(): Promise<void> {
    const server = this.#tls === null ? createServer() : (createTlsServer(this.#tls) as unknown as Server);
    this.#server = server;
    server.on('request', async (request, response) => {
      const pieces: Buffer[] = await request.toArray();
      const { url: path = '', headers } = request;
      this.received.push({ path, headers, body: Buffer.concat(pieces).toString() });
      const { status, headers: answered = {}, body = '' } = this.answer;
      response.writeHead(status, answered).end(body);
    });
    // No connection takes it while nobody listens.
    this.port ||= await freePorts();
    server.listen(this.port, this.#tls === null ? '127.0.0.1' : 'localhost');
    await once(server, 'listening');
  }

  /** Nobody listens any more, and who was connected is cut off. */
  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  async has(count: number, timeoutMs?: number): Promise<void> {
    await until(`${count} messages came, not ${this.received.length}`, () => this.received.length >= count, timeoutMs);
  }
}
