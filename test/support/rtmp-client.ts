import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { ClientSession } from '../../src/rtmp/client-session.ts';

export interface RtmpClientOptions {
  readonly port: number;
  /** Stream path; its last part is the stream name, what is before it the app. */
  readonly path: string;
  /** Of what is sent, in bytes. */
  readonly chunkSize?: number;
  /** Address to connect from. */
  readonly localAddress?: string;
  /** Speak RTMPS, with these options. */
  readonly tls?: ConnectionOptions;
}

/** A publishing RTMP client on a real socket. */
export class RtmpClient {
  readonly socket: Socket;
  readonly session: ClientSession;
  /** Resolves when the server accepts the publication, with false when it refuses or closes the connection instead. */
  readonly accepted: Promise<boolean>;
  /** Resolves when the connection is closed, by whomever. */
  readonly ended: Promise<void>;
  /** Status code with which the server refused, '' if it has not. */
  rejection = '';
  closed = false;

  private constructor(options: RtmpClientOptions, socket: Socket) {
    const slash = options.path.lastIndexOf('/');
    const app = options.path.slice(1, Math.max(1, slash));
    const answer = Promise.withResolvers<boolean>();
    const handler = {
      onOutput: (bytes: Uint8Array) => {
        socket.write(bytes);
      },
      onPublishing: () => answer.resolve(true),
      onRejected: (code: string) => {
        this.rejection = code;
        answer.resolve(false);
      },
    };
    this.socket = socket;
    this.accepted = answer.promise;
    this.session = new ClientSession(handler, {
      app,
      streamName: options.path.slice(slash + 1),
      tcUrl: `rtmp://127.0.0.1:${options.port}/${app}`,
      chunkSize: options.chunkSize ?? 4096,
      nowMs: performance.now(),
      random: (into) => randomFillSync(into),
    });
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => this.session.receive(bytes, 0, bytes.length, performance.now()));
    this.ended = new Promise((resolve) => {
      socket.on('close', () => {
        this.closed = true;
        answer.resolve(false);
        resolve();
      });
    });
    this.session.start();
  }

  /** Connects and starts the dialogue; await `accepted` before sending media. */
  static async connect(options: RtmpClientOptions): Promise<RtmpClient> {
    const { port, localAddress, tls } = options;
    const host = localAddress?.includes(':') ? '::1' : '127.0.0.1';
    const address = { host, port, ...(localAddress !== undefined && { localAddress }) };
    const socket = tls === undefined ? connect(address) : connectTls({ ...address, ...tls });
    await once(socket, tls === undefined ? 'connect' : 'secureConnect');
    return new RtmpClient(options, socket);
  }

  /** Connects and publishes. Throws when that is refused. */
  static async publish(options: RtmpClientOptions): Promise<RtmpClient> {
    const client = await RtmpClient.connect(options);
    if (!(await client.accepted)) throw new Error(`publishing to ${options.path} was refused: ${client.rejection}`);
    return client;
  }

  /** One video message; `body` is an FLV video tag body. */
  send(timestampMs: number, body: Uint8Array): void {
    this.session.sendVideo(timestampMs, body);
  }

  /** Ends the stream and the connection in order. */
  stop(): void {
    this.session.stop();
    this.socket.end();
  }

  /** Goes without a word, as a program that is killed. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Goes with a TCP reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }
}
