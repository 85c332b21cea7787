import { createHash, randomBytes } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, isIPv6, type Socket } from 'node:net';
import { type ConnectionOptions, connect as tlsConnect } from 'node:tls';
import { decodeRtp, depacketize, type RtpPacket } from './h264-depacketizer.ts';

/** An access unit as the reader got it. */
export interface ReceivedUnit {
  readonly rtpTime: number;
  /** Sequence number of its first packet. */
  readonly sequence: number;
  readonly ssrc: number;
  readonly units: readonly Buffer[];
  /** Monotonic ms of its last packet. */
  readonly receivedMs: number;
}

/** A sender report as the reader got it. */
export interface ReceivedReport {
  readonly ssrc: number;
  /** Wall clock, milliseconds since 1970. */
  readonly wallMs: number;
  readonly rtpTime: number;
  readonly packets: number;
  readonly octets: number;
  /** Access units that had come before it. */
  readonly afterUnits: number;
}

export interface RtspResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export interface RtspClientOptions {
  readonly port: number;
  readonly path: string;
  readonly host?: string;
  readonly transport?: 'tcp' | 'udp';
  /** Speaks RTSPS. */
  readonly tls?: ConnectionOptions;
  readonly credentials?: { readonly user: string; readonly password: string };
  /** Receives without looking inside: for load. */
  readonly countOnly?: boolean;
}

/** A small RTSP reader for tests: one connection, one video track, over TCP, TLS or UDP, with MD5 digest. */
export class RtspClient {
  readonly units: ReceivedUnit[] = [];
  readonly reports: ReceivedReport[] = [];
  /** Numbers of missing RTP packets, counted at every jump. */
  lostPackets = 0;
  bytes = 0;
  saidBye = false;
  closed = false;
  readonly url: string;
  readonly socket: Socket;
  readonly #options: RtspClientOptions;
  #input: Buffer = Buffer.alloc(0);
  #waiting: ((response: RtspResponse) => void)[] = [];
  #cseq = 0;
  #session = '';
  #challenge: { realm: string; nonce: string } | null = null;
  #packets: RtpPacket[] = [];
  #nextSequence = -1;
  #damaged = false;
  #rtp: UdpSocket | null = null;
  #rtcp: UdpSocket | null = null;
  #serverPorts: [number, number] = [0, 0];
  #changed: (() => void)[] = [];

  private constructor(options: RtspClientOptions, socket: Socket) {
    this.#options = options;
    this.socket = socket;
    const host = options.host ?? '127.0.0.1';
    const scheme = options.tls === undefined ? 'rtsp' : 'rtsps';
    this.url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${options.port}${options.path}`;
    socket.on('data', (bytes: Buffer) => this.#onData(bytes));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      for (const resolve of this.#waiting.splice(0)) resolve({ status: 0, headers: new Map(), body: '' });
      this.#notify();
    });
  }

  static async connect(options: RtspClientOptions): Promise<RtspClient> {
    const { tls, port, host = '127.0.0.1' } = options;
    const socket = tls === undefined ? connect({ host, port }) : tlsConnect({ host, port, ...tls });
    await once(socket, tls === undefined ? 'connect' : 'secureConnect');
    return new RtspClient(options, socket);
  }

  /** Connects and plays. Throws when a request is refused. */
  static async play(options: RtspClientOptions): Promise<RtspClient> {
    const client = await RtspClient.connect(options);
    const steps = [() => client.describe(), () => client.setup(), () => client.request('PLAY', client.url)];
    for (const step of steps) {
      const { status } = await step();
      if (status !== 200) throw new Error(`RTSP ${status} from ${client.url}`);
    }
    return client;
  }

  describe(): Promise<RtspResponse> {
    return this.request('DESCRIBE', this.url, ['Accept: application/sdp']);
  }

  async setup(): Promise<RtspResponse> {
    const response = await this.request('SETUP', `${this.url}/trackID=0`, [`Transport: ${await this.#transport()}`]);
    this.#session = response.headers.get('session')?.split(';')[0] ?? '';
    const ports = /server_port=(\d+)-(\d+)/.exec(response.headers.get('transport') ?? '');
    if (ports) this.#serverPorts = [Number(ports[1]), Number(ports[2])];
    return response;
  }

  /** Sends a request, and once more with credentials when it is answered with 401. */
  async request(method: string, url: string, headers: readonly string[] = []): Promise<RtspResponse> {
    const response = await this.#send(method, url, headers);
    if (response.status !== 401 || this.#options.credentials === undefined) return response;
    const challenge = /realm="([^"]*)", nonce="([^"]*)"/.exec(response.headers.get('www-authenticate') ?? '');
    if (challenge === null) return response;
    this.#challenge = { realm: challenge[1]!, nonce: challenge[2]! };
    return this.#send(method, url, headers);
  }

  /** Sends an empty receiver report, which is a sign of life. */
  sendReceiverReport(): void {
    const report = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 7]);
    if (this.#rtcp !== null) this.#rtcp.send(report, this.#serverPorts[1], this.#options.host ?? '127.0.0.1');
    else this.socket.write(Buffer.concat([Buffer.from([0x24, 1, 0, report.length]), report]));
  }

  /** Resolves when `condition` holds; throws after `timeoutMs` or when the connection closes without it. */
  async until(condition: (client: RtspClient) => boolean, timeoutMs = 30_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!condition(this)) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`timed out with ${this.units.length} access units from ${this.url}`);
      if (this.closed) throw new Error(`closed after ${this.units.length} access units from ${this.url}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#changed.push(resolve);
      const timer = setTimeout(resolve, left);
      await promise;
      clearTimeout(timer);
    }
  }

  close(): void {
    this.socket.destroy();
    this.#rtp?.close();
    this.#rtcp?.close();
    this.#rtp = null;
    this.#rtcp = null;
  }

  async #transport(): Promise<string> {
    if (this.#options.transport !== 'udp') return 'RTP/AVP/TCP;unicast;interleaved=0-1';
    [this.#rtp, this.#rtcp] = await openPair(this.#options.host ?? '127.0.0.1');
    this.#rtp.on('message', (bytes) => this.#onRtp(bytes));
    this.#rtcp.on('message', (bytes) => this.#onRtcp(bytes));
    return `RTP/AVP;unicast;client_port=${this.#rtp.address().port}-${this.#rtcp.address().port}`;
  }

  #send(method: string, url: string, headers: readonly string[]): Promise<RtspResponse> {
    const lines = [`${method} ${url} RTSP/1.0`, `CSeq: ${++this.#cseq}`, 'User-Agent: skyweir-test', ...headers];
    if (this.#session !== '') lines.push(`Session: ${this.#session}`);
    if (this.#challenge !== null) lines.push(`Authorization: ${this.#authorization(method, url)}`);
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #authorization(method: string, url: string): string {
    const { user, password } = this.#options.credentials!;
    const { realm, nonce } = this.#challenge!;
    const response = md5(`${md5(`${user}:${realm}:${password}`)}:${nonce}:${md5(`${method}:${url}`)}`);
    return `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${url}", response="${response}"`;
  }

  // ---- what comes in ------------------------------------------------------------------------------------------------

  #onData(bytes: Buffer): void {
    this.bytes += bytes.length;
    if (this.#options.countOnly && this.#waiting.length === 0) return;
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes]);
    while (this.#takeFrame() || this.#takeResponse());
    this.#notify();
  }

  #takeFrame(): boolean {
    const input = this.#input;
    if (input.length < 4 || input[0] !== 0x24) return false;
    const end = 4 + input.readUInt16BE(2);
    if (input.length < end) return false;
    this.#input = input.subarray(end);
    const payload = input.subarray(4, end);
    if (this.#options.countOnly) return true;
    if (input[1] === 0) this.#onRtp(payload);
    else this.#onRtcp(payload);
    return true;
  }

  #takeResponse(): boolean {
    const input = this.#input;
    if (input.length === 0 || input[0] === 0x24) return false;
    const end = input.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [statusLine, ...lines] = input.toString('latin1', 0, end).split('\r\n');
    if (!statusLine!.startsWith('RTSP/1.0 ')) throw new Error(`not an RTSP response: ${statusLine}`);
    const headers = new Map(
      lines.map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const bodyEnd = end + 4 + Number(headers.get('content-length') ?? 0);
    if (input.length < bodyEnd) return false;
    this.#input = input.subarray(bodyEnd);
    const body = input.toString('utf8', end + 4, bodyEnd);
    this.#waiting.shift()?.({ status: Number(statusLine!.split(' ')[1]), headers, body });
    return true;
  }

  #onRtp(bytes: Buffer): void {
    const packet = decodeRtp(bytes);
    if (this.#nextSequence >= 0 && packet.sequence !== this.#nextSequence) {
      this.lostPackets += (packet.sequence - this.#nextSequence) & 0xffff;
      this.#damaged = true;
    }
    this.#nextSequence = (packet.sequence + 1) & 0xffff;
    this.#packets.push(packet);
    if (!packet.marker) return;
    const packets = this.#packets;
    this.#packets = [];
    if (!this.#damaged) this.#keepUnit(packets);
    this.#damaged = false;
    this.#notify();
  }

  #keepUnit(packets: readonly RtpPacket[]): void {
    const { timestamp, sequence, ssrc } = packets[0]!;
    const units = depacketize(packets);
    this.units.push({ rtpTime: timestamp, sequence, ssrc, units, receivedMs: performance.now() });
  }

  #onRtcp(bytes: Buffer): void {
    for (let at = 0; at + 8 <= bytes.length; at += 4 + 4 * bytes.readUInt16BE(at + 2)) {
      const type = bytes[at + 1];
      if (type === 203) this.saidBye = true;
      if (type !== 200) continue;
      this.reports.push({
        ssrc: bytes.readUInt32BE(at + 4),
        wallMs: (bytes.readUInt32BE(at + 8) - 2_208_988_800 + bytes.readUInt32BE(at + 12) / 2 ** 32) * 1000,
        rtpTime: bytes.readUInt32BE(at + 16),
        packets: bytes.readUInt32BE(at + 20),
        octets: bytes.readUInt32BE(at + 24),
        afterUnits: this.units.length,
      });
    }
    this.#notify();
  }

  #notify(): void {
    for (const resolve of this.#changed.splice(0)) resolve();
  }
}

/** A pair on the loopback address of the same kind as `host`. */
async function openPair(host: string): Promise<[UdpSocket, UdpSocket]> {
  const type = isIPv6(host) ? 'udp6' : 'udp4';
  for (let attempt = 0; attempt < 100; attempt++) {
    const first = 20_000 + 2 * (randomBytes(2).readUInt16BE() % 10_000);
    const pair = [createSocket(type), createSocket(type)] as const;
    try {
      for (const [index, socket] of pair.entries()) {
        socket.bind(first + index, type === 'udp6' ? '::1' : '127.0.0.1');
        await once(socket, 'listening');
      }
      return [...pair];
    } catch {
      for (const socket of pair) socket.close();
    }
  }
  throw new Error('no pair of UDP ports is free');
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
