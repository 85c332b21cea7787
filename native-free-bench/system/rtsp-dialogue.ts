/** The client side of an RTSP conversation up to PLAY, over TCP or UDP, with Digest authentication; bytes in and out as text. */
import { createHash } from 'node:crypto';

/** User name and password of the target, or null if it asks for none. */
export type Credentials = { readonly user: string; readonly password: string } | null;

const describeStep = 0;
const setupStep = 1;
const playStep = 2;
const playingStep = 3;

/** Says what to send next for each response; DESCRIBE, SETUP, PLAY, then keep-alives. */
export class RtspDialogue {
  readonly #url: string;
  readonly #credentials: Credentials;
  readonly #udpPorts: () => readonly [number, number] | null;
  #step = describeStep;
  #sequence = 0;
  #session = '';
  #control = '';
  #base: string;
  #challenge: Map<string, string> | null = null;
  #nonceCount = 0;
  #retried = false;
  #timeoutSeconds = 60;

  /** `udpPorts` tells at SETUP where RTP and RTCP shall go; null, as without it, is over this connection. */
  constructor(url: string, credentials: Credentials, udpPorts: () => readonly [number, number] | null = () => null) {
    this.#url = url;
    this.#base = url;
    this.#credentials = credentials;
    this.#udpPorts = udpPorts;
  }

  /** PLAY has been answered with 200. */
  get playing(): boolean {
    return this.#step === playingStep;
  }

  /** Seconds after which the server ends a silent session. */
  get timeoutSeconds(): number {
    return this.#timeoutSeconds;
  }

  /** The first request. */
  start(): string {
    return this.#request('DESCRIBE', this.#url, 'Accept: application/sdp\r\n');
  }

  /** A request that only keeps the session alive. */
  keepAlive(): string {
    return this.#request('OPTIONS', this.#base, `Session: ${this.#session}\r\n`);
  }

  /** The end of the session. */
  teardown(): string {
    return this.#request('TEARDOWN', this.#base, `Session: ${this.#session}\r\n`);
  }

  /** The next request, or null if there is nothing to say. Throws an Error when the server refuses. */
  onResponse(head: string, body: string): string | null {
    const status = Number(/^RTSP\/1\.0 (\d+)/.exec(head)?.[1] ?? 0);
    if (status === 401 && this.#credentials !== null && !this.#retried) {
      this.#challenge = parseChallenge(head);
      this.#retried = true;
      return this.#repeat();
    }
    if (this.#step === playingStep) return null;
    if (status !== 200) throw new Error(`the server answered ${head.split('\r\n')[0]} to ${this.#stepName()}`);
    this.#retried = false;
    if (this.#step === describeStep) {
      this.#base = header(head, 'content-base') ?? this.#url;
      this.#control = resolveControl(this.#base, videoControl(body));
      this.#step = setupStep;
    } else if (this.#step === setupStep) {
      const session = header(head, 'session') ?? '';
      this.#session = session.split(';')[0]!.trim();
      this.#timeoutSeconds = Number(/timeout=(\d+)/.exec(session)?.[1] ?? 60);
      this.#step = playStep;
    } else {
      this.#step = playingStep;
      return null;
    }
    return this.#repeat();
  }

  #stepName(): string {
    return ['DESCRIBE', 'SETUP', 'PLAY', 'a keep-alive'][this.#step]!;
  }

  /** The request of the present step. */
  #repeat(): string {
    if (this.#step === describeStep) return this.start();
    if (this.#step === setupStep) {
      const ports = this.#udpPorts();
      const how = ports === null ? '/TCP;unicast;interleaved=0-1' : `;unicast;client_port=${ports[0]}-${ports[1]}`;
      return this.#request('SETUP', this.#control, `Transport: RTP/AVP${how}\r\n`);
    }
    if (this.#step === playStep)
      return this.#request('PLAY', this.#base, `Session: ${this.#session}\r\nRange: npt=0.000-\r\n`);
    return this.keepAlive();
  }

  #request(method: string, url: string, headers: string): string {
    this.#sequence++;
    const authorization = this.#authorization(method, url);
    return `${method} ${url} RTSP/1.0\r\nCSeq: ${this.#sequence}\r\nUser-Agent: bench\r\n${authorization}${headers}\r\n`;
  }

  /** Digest answer (RFC 7616) or Basic, or nothing without a challenge. */
  #authorization(method: string, uri: string): string {
    const challenge = this.#challenge;
    const credentials = this.#credentials;
    if (challenge === null || credentials === null) return '';
    const { user, password } = credentials;
    if (challenge.get('') === 'basic')
      return `Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}\r\n`;
    const realm = challenge.get('realm') ?? '';
    const nonce = challenge.get('nonce') ?? '';
    const algorithm = challenge.get('algorithm') ?? 'MD5';
    const hash = (text: string) =>
      createHash(algorithm.toUpperCase().startsWith('SHA-256') ? 'sha256' : 'md5')
        .update(text)
        .digest('hex');
    const first = hash(`${user}:${realm}:${password}`);
    const second = hash(`${method}:${uri}`);
    let fields = `username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}"`;
    if (challenge.has('qop')) {
      const count = (++this.#nonceCount).toString(16).padStart(8, '0');
      fields += `, response="${hash(`${first}:${nonce}:${count}:bench:auth:${second}`)}", qop=auth, nc=${count}, cnonce="bench"`;
    } else fields += `, response="${hash(`${first}:${nonce}:${second}`)}"`;
    if (challenge.has('algorithm')) fields += `, algorithm=${algorithm}`;
    if (challenge.has('opaque')) fields += `, opaque="${challenge.get('opaque')}"`;
    return `Authorization: Digest ${fields}\r\n`;
  }
}

/** The parameters of the best challenge of a 401: the first Digest with MD5, else any Digest, else Basic (key '' = 'basic'). */
function parseChallenge(head: string): Map<string, string> {
  const challenges = [...head.matchAll(/^www-authenticate:\s*(\w+)\s+(.*)$/gim)].map((match) => {
    const fields = new Map([['', match[1]!.toLowerCase()]]);
    for (const field of match[2]!.matchAll(/(\w+)=(?:"([^"]*)"|([^,\s]+))/g))
      fields.set(field[1]!.toLowerCase(), field[2] ?? field[3] ?? '');
    return fields;
  });
  const digests = challenges.filter((fields) => fields.get('') === 'digest');
  const chosen =
    digests.find((fields) => /^md5$/i.test(fields.get('algorithm') ?? 'MD5')) ?? digests[0] ?? challenges[0];
  if (chosen === undefined) throw new Error('the server asks for authentication without a challenge');
  return chosen;
}

function header(head: string, name: string): string | null {
  return new RegExp(`^${name}:\\s*(.*)$`, 'im').exec(head)?.[1]?.trim() ?? null;
}

/** The control attribute of the first video track. */
function videoControl(sdp: string): string {
  const video = /(?:^|\n)m=video[\s\S]*?(?=\nm=|$)/.exec(sdp)?.[0] ?? '';
  if (video === '') throw new Error('the session description has no video');
  return /(?:^|\n)a=control:(\S+)/.exec(video)?.[1] ?? '*';
}

function resolveControl(base: string, control: string): string {
  if (control === '*') return base;
  if (/^rtsp:/i.test(control)) return control;
  return base.endsWith('/') ? base + control : `${base}/${control}`;
}
