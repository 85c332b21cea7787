import { createHash } from 'node:crypto';
import { testCredentials } from '../../support/media-server.ts';
import type { Peer } from './peer.ts';
import type { Scene } from './row.ts';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

/** An RTSP client that says what it should not, with or without a login. */
export class RtspTalk {
  readonly peer: Peer;
  readonly url: string;
  nonce = '';
  session = '';
  cseq = 0;

  constructor(peer: Peer, url: string) {
    this.peer = peer;
    this.url = url;
  }

  /** A connection that knows a nonce. */
  static async open(scene: Scene, path = scene.path): Promise<RtspTalk> {
    const talk = new RtspTalk(await scene.rtsp(), `rtsp://127.0.0.1:${scene.server.ports.rtsp}${path}`);
    await talk.ask('DESCRIBE', talk.url, []);
    return talk;
  }

  /** A connection that has played the camera up to and with SETUP. */
  static async ready(
    scene: Scene,
    transport = 'RTP/AVP/TCP;unicast;interleaved=0-1',
    path = scene.path,
  ): Promise<RtspTalk> {
    const talk = await RtspTalk.open(scene, path);
    await talk.expect(200, 'DESCRIBE', talk.url);
    await talk.expect(200, 'SETUP', `${talk.url}/trackID=0`, [`Transport: ${transport}`]);
    return talk;
  }

  /** The text of a request with a login, or without one while there is no nonce. */
  text(method: string, url = this.url, headers: readonly string[] = []): string {
    const lines = [`${method} ${url} RTSP/1.0`, `CSeq: ${++this.cseq}`, ...headers];
    if (this.session !== '') lines.push(`Session: ${this.session}`);
    if (this.nonce !== '') lines.push(this.authorization(method, url));
    return `${lines.join('\r\n')}\r\n\r\n`;
  }

  authorization(
    method: string,
    url: string,
    changes: { password?: string; nonce?: string; uri?: string } = {},
  ): string {
    const { password = testCredentials.password, nonce = this.nonce, uri = url } = changes;
    const { user } = testCredentials;
    const response = md5(`${md5(`${user}:Skyweir:${password}`)}:${nonce}:${md5(`${method}:${uri}`)}`);
    return `Authorization: Digest username="${user}", realm="Skyweir", nonce="${nonce}", uri="${uri}", response="${response}"`;
  }

  /** Sends a request and returns the status of its answer, 0 when the connection closes instead. */
  async ask(method: string, url = this.url, headers: readonly string[] = []): Promise<number> {
    return this.askText(this.text(method, url, headers), this.cseq);
  }

  /** The same for a text that holds `CSeq: ${cseq}`. */
  async askText(text: string, cseq: number): Promise<number> {
    this.peer.write(text);
    const answer = () =>
      new RegExp(`RTSP/1.0 (\\d+) [^\r]*\r\nCSeq: ${cseq}\r\n[^]*?\r\n\r\n`).exec(this.peer.received);
    const endMs = performance.now() + 40_000;
    while (answer() === null && !this.peer.closed) {
      if (performance.now() > endMs) throw new Error(`no answer to ${text}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const [head = '', status = '0'] = answer() ?? [];
    this.nonce = /nonce="([^"]+)"/.exec(head)?.[1] ?? this.nonce;
    this.session = /Session: ([^;\r]+)/.exec(head)?.[1] ?? this.session;
    return Number(status);
  }

  async expect(status: number, method: string, url = this.url, headers: readonly string[] = []): Promise<void> {
    const got = await this.ask(method, url, headers);
    if (got !== status) throw new Error(`${method} ${url}: ${got}, not ${status}`);
  }

  /** The last answer's text. */
  get lastAnswer(): string {
    return this.peer.received.slice(this.peer.received.lastIndexOf('RTSP/1.0 '));
  }

  /** Shows that the connection is still served. */
  async stillAnswers(): Promise<void> {
    await this.expect(200, 'OPTIONS');
  }
}
