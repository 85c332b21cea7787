/** An RTSP reader over TCP that throws away what it receives: it makes the server deliver. */
import { connect, type Socket } from 'node:net';
import { type Credentials, RtspDialogue } from '../../native-free-bench/system/rtsp-dialogue.ts';

/** Milliseconds before a connection that failed is tried again. */
const retryMs = 1000;

/** Milliseconds between two signs of life; the server asks for one a minute. */
const keepAliveMs = 20_000;

const nothing = Buffer.alloc(0);

/** Plays one camera until it is stopped; comes back when the connection is lost. */
export class Reader {
  readonly #host: string;
  readonly #port: number;
  readonly #path: string;
  readonly #credentials: Credentials;
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  /** Pictures received so far. */
  pictures = 0;

  constructor(host: string, port: number, path: string, credentials: Credentials) {
    this.#host = host;
    this.#port = port;
    this.#path = path;
    this.#credentials = credentials;
  }

  start(): void {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    const dialogue = new RtspDialogue(`rtsp://${host}:${this.#port}${this.#path}`, this.#credentials);
    const input = new InterleavedInput(
      (head, body) => {
        const request = dialogue.onResponse(head, body);
        if (request !== null) socket.write(request);
      },
      () => {
        this.pictures++;
      },
    );
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true });
    this.#socket = socket;
    const keepAlive = setInterval(() => {
      if (dialogue.playing) socket.write(dialogue.keepAlive());
    }, keepAliveMs);
    socket.on('connect', () => socket.write(dialogue.start()));
    socket.on('data', (bytes: Buffer) => {
      try {
        input.receive(bytes);
      } catch {
        // Refused, or not RTSP: tried again like a lost connection.
        socket.destroy();
      }
    });
    // 'close' follows and says everything that matters here.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(keepAlive);
      this.#socket = null;
      if (!this.#stopped) this.#timer = setTimeout(() => this.start(), retryMs);
    });
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#socket?.destroy();
  }
}

/** Takes responses and RTP packets apart (RFC 2326, 10.12). Throws an Error for what is neither. */
export class InterleavedInput {
  readonly #onResponse: (head: string, body: string) => void;
  readonly #onPicture: () => void;
  #rest: Buffer = nothing;

  /** `onPicture` is called for each RTP packet with the marker bit, the last one of a picture. */
  constructor(onResponse: (head: string, body: string) => void, onPicture: () => void) {
    this.#onResponse = onResponse;
    this.#onPicture = onPicture;
  }

  receive(bytes: Buffer): void {
    const input = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    let at = 0;
    for (;;) {
      const taken = input[at] === 0x24 ? this.#packet(input, at) : this.#response(input, at);
      if (taken === 0) break;
      at += taken;
    }
    this.#rest = at === input.length ? nothing : input.subarray(at);
  }

  /** Length of the packet at `at`, 0 if it is not complete. */
  #packet(input: Buffer, at: number): number {
    if (input.length < at + 4) return 0;
    const length = 4 + input.readUInt16BE(at + 2);
    if (input.length < at + length) return 0;
    // Even channels carry RTP, odd ones RTCP.
    if (input[at + 1]! % 2 === 0 && length >= 6 && input[at + 5]! >= 0x80) this.#onPicture();
    return length;
  }

  /** Length of the response at `at`, 0 if it is not complete. */
  #response(input: Buffer, at: number): number {
    const headEnd = input.indexOf('\r\n\r\n', at);
    if (headEnd < 0) {
      if (input.length - at > 65_536) throw new Error('the server does not speak RTSP');
      return 0;
    }
    const head = input.toString('latin1', at, headEnd);
    const bodyEnd = headEnd + 4 + Number(/^content-length:\s*(\d+)/im.exec(head)?.[1] ?? 0);
    if (input.length < bodyEnd) return 0;
    this.#onResponse(head, input.toString('utf8', headEnd + 4, bodyEnd));
    return bodyEnd - at;
  }
}
