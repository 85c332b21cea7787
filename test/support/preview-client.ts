import { once } from 'node:events';
import { type ClientOptions, WebSocket } from 'ws';
import { testCredentials } from './media-server.ts';
import { until } from './program.ts';

/** What a preview said in text. */
export interface PreviewText {
  readonly type: 'codec' | 'state' | 'clock';
  readonly mime?: string;
  readonly width?: number;
  readonly height?: number;
  readonly live?: boolean;
  readonly mediaMs?: number;
  readonly arrivalWallMs?: number;
  readonly nowWallMs?: number;
}

/** One stream of a preview, from one initialisation segment to the next. */
export interface PreviewPart {
  readonly codec: PreviewText;
  readonly init: Buffer;
  readonly fragments: Buffer[];
}

const { user, password } = testCredentials;
const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** A viewer as the page is one, which keeps everything and checks the order of what comes. */
export class PreviewClient {
  readonly socket: WebSocket;
  readonly texts: PreviewText[] = [];
  readonly parts: PreviewPart[] = [];
  /** What came out of order. */
  readonly faults: string[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;
  #codec: PreviewText | null = null;

  private constructor(url: string, options: ClientOptions) {
    this.socket = new WebSocket(url, options);
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.#onBytes(data);
      else this.#onText(JSON.parse(data.toString()) as PreviewText);
    });
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    this.socket.on('error', () => {});
  }

  /** Resolves when the WebSocket is open, at a `url` of its own if there is one. Closed with the test. */
  static async open(
    t: { after(cleanup: () => void): void },
    port: number,
    camera: number,
    { url, ...options }: ClientOptions & { readonly url?: string } = {},
  ): Promise<PreviewClient> {
    const client = new PreviewClient(url ?? `ws://127.0.0.1:${port}/api/v1/streams/${camera}/preview`, {
      headers: { Authorization: authorization },
      ...options,
    });
    t.after(() => client.socket.terminate());
    await once(client.socket, 'open');
    return client;
  }

  /** What `live` was said to be, in order. */
  get states(): (boolean | undefined)[] {
    return this.texts.filter(({ type }) => type === 'state').map(({ live }) => live);
  }

  /** Heights of the streams that came, in order. */
  get heights(): (number | undefined)[] {
    return this.parts.map(({ codec }) => codec.height);
  }

  get fragments(): number {
    return this.parts.reduce((sum, { fragments }) => sum + fragments.length, 0);
  }

  /** The newest stream as a file. */
  file(part = this.parts.at(-1)!): Buffer {
    return Buffer.concat([part.init, ...part.fragments]);
  }

  /** Resolves when so many more fragments have come. */
  more(fragments: number): Promise<void> {
    const enough = this.fragments + fragments;
    return until(`${fragments} more fragments have come`, () => this.fragments >= enough);
  }

  async end(): Promise<{ readonly code: number; readonly reason: string }> {
    await until('the preview is closed', () => this.closed !== null);
    return this.closed!;
  }

  #onText(text: PreviewText): void {
    this.texts.push(text);
    if (this.texts.length === 1 && text.type !== 'state') this.faults.push(`${text.type} before any state`);
    if (this.#codec !== null) this.faults.push(`${text.type} between codec and init segment`);
    if (text.type === 'codec') this.#codec = text;
  }

  #onBytes(data: Buffer): void {
    const type = data.toString('latin1', 4, 8);
    const codec = this.#codec;
    if (type === 'ftyp') {
      if (codec === null) this.faults.push('an init segment without codec');
      else this.parts.push({ codec, init: data, fragments: [] });
      this.#codec = null;
    } else if (type !== 'moof' || codec !== null || this.parts.length === 0) this.faults.push(`${type} out of place`);
    else this.parts.at(-1)!.fragments.push(data);
  }
}
