import type { ErrorCode } from '../../../src/base/errors.ts';
import { amf, bytes, fmt0, handshake, message, u32 } from '../../golden/wire.ts';
import { avcc, headerTag, idr, naluTag, pps, sps } from '../../unit/ingest/publisher-rig.ts';
import { Peer, type PeerOptions } from './peer.ts';
import type { LogLine } from './server.ts';

export type Protocol =
  | 'RTMP'
  | 'RTMPS'
  | 'RTSP'
  | 'RTSPS'
  | 'RTSP over HTTP'
  | 'RTP over UDP'
  | 'RTMP over IPv6'
  | 'RTSP over IPv6'
  | 'ONVIF'
  | 'ONVIF over HTTPS'
  | 'WS-Discovery'
  | 'HTTP'
  | 'HTTP over TLS';

/** When the connection is over, by the server's clock. The test waits generously. */
export type Deadline =
  | 'at once'
  | 'handshake timeout'
  | 'publish timeout'
  | 'video timeout'
  | 'session timeout'
  | 'write stall'
  | 'head timeout'
  | 'request timeout'
  | 'never';

/** What comes of a connection to an ONVIF port or to the operator's, where reasons are words. */
export interface StatusEnd {
  /** Status of the last answer, one of several, or null for none: a peer that goes on sending may lose it. */
  readonly status: number | readonly (number | null)[] | null;
  /** Whether the connection is closed then; null is either. */
  readonly closed: boolean | null;
  /** What the log says, or how it begins; null for no line. */
  readonly reason: string | null;
}

/** One thing that a hostile or broken peer does, and what has to come of it. */
export interface Row {
  /** Stable; documentation and comparisons refer to it. */
  readonly id: string;
  readonly protocol: Protocol;
  /** What the peer does, as the predicate of a sentence. */
  readonly attack: string;
  /**
   * The reason with which every connection of the row ends, or one of several; `tolerated`: it goes on, and ends as any
   * other when the peer leaves; `refused`: it is closed before it is served, and counted under the reason `refusal`. Ports
   * for HTTP have a {@link StatusEnd}.
   */
  readonly ends: ErrorCode | readonly ErrorCode[] | 'tolerated' | 'refused' | StatusEnd;
  readonly refusal?: ErrorCode;
  /** Default: at once, and never for what is tolerated. */
  readonly when?: Deadline;
  /** Number among the fourteen checks of the RTMP Push Driver's own security script. */
  readonly driver?: number;
  /** Needs the server's limits for itself. */
  readonly alone?: boolean;
  /** Plays on the third server; see {@link GatePorts}. */
  readonly gate?: boolean;
  play(scene: Scene): Promise<void>;
}

/**
 * Ports of the third server: it listens on IPv4 and IPv6, lets publishers take paths over, keeps an address range out, and
 * has many ONVIF devices without a certificate.
 */
export interface GatePorts {
  readonly rtmp: number;
  readonly rtsp: number;
  /** RTMP port of its one camera that has a port of its own, `/elsewhere`. */
  readonly elsewhere: number;
  /** Camera `/streamN` is one of device N modulo their number. */
  readonly onvif: readonly number[];
  readonly discovery: number;
  /** ONVIF ports of the server with a certificate, 16 cameras each. */
  readonly secureOnvif: readonly number[];
  /** The operator's HTTP port, and that of the server with a certificate. */
  readonly http?: number;
  readonly secureHttp?: number;
}

/** What rows need to know of the server that they attack. */
export interface Attacked {
  readonly ports: {
    readonly rtmp: number;
    readonly rtsp: number;
    readonly rtmps: number;
    readonly secureRtsp: number;
    readonly gate?: GatePorts;
  };
  readonly lines: readonly LogLine[];
  /** What its log says about how a peer ended. */
  endings(peer: Peer): readonly LogLine[];
}

/** What peers say in `connect` unless the row is about that. Other servers than ours cannot do without. */
export const dialogue = { app: '', tcUrl: '' };

/** What a row plays on: the server, and an address and a camera that no other row has. */
export class Scene {
  readonly server: Attacked;
  readonly index: number;
  readonly address: string;
  /** Stream path of the row's camera, and its name. */
  readonly path: string;
  readonly streamName: string;
  readonly peers: Peer[] = [];
  /** Ends with the row. */
  readonly cleanups: (() => void)[] = [];

  /** `round` counts from 0: a limit that looks back has an address of its own in each. */
  constructor(server: Attacked, index: number, round = 0) {
    this.server = server;
    this.index = index;
    this.address = `127.1.${(index >> 8) + 16 * (round % 16)}.${index & 255}`;
    this.streamName = `stream${index}`;
    this.path = `/${this.streamName}`;
  }

  /** Name of a further camera; rows that use one say so by `alone`, or take turns. */
  spareName(number: number): string {
    return `stream${200 - number}`;
  }

  /** An address of the row, beside its main one. */
  otherAddress(number: number): string {
    return this.address.replace(/^127\.1\./, `127.${number + 1}.`);
  }

  async open(options: Partial<PeerOptions> & { readonly port: number }): Promise<Peer> {
    const firstLine = this.server.lines.length;
    const peer = await Peer.open({ from: this.address, ...options });
    peer.firstLine = firstLine;
    this.peers.push(peer);
    return peer;
  }

  rtmp(options: Partial<PeerOptions> = {}): Promise<Peer> {
    return this.open({ port: this.server.ports.rtmp, ...options });
  }

  rtmps(options: Partial<PeerOptions> = {}): Promise<Peer> {
    return this.open({ port: this.server.ports.rtmps, ...options });
  }

  rtsp(options: Partial<PeerOptions> = {}): Promise<Peer> {
    return this.open({ port: this.server.ports.rtsp, ...options });
  }

  get gate(): GatePorts {
    return this.server.ports.gate!;
  }

  /** The row's own ONVIF device on the third server. */
  get onvifPort(): number {
    const { onvif } = this.gate;
    return onvif[this.index % onvif.length]!;
  }

  /** The ONVIF device of the row after it. */
  get otherOnvifPort(): number {
    const { onvif } = this.gate;
    return onvif[(this.index + 1) % onvif.length]!;
  }

  /** An ONVIF device of the server that has a certificate; rows side by side have one each. */
  get secureOnvif(): { readonly port: number; readonly path: string } {
    const device = 13 + (this.index % 5);
    return { port: this.gate.secureOnvif[device]!, path: `/stream${16 * device + 1 + (this.index % 16)}` };
  }

  onvif(options: Partial<PeerOptions> = {}): Promise<Peer> {
    return this.open({ port: this.onvifPort, ...options });
  }

  onvifs(options: Partial<PeerOptions> = {}): Promise<Peer> {
    return this.open({ port: this.secureOnvif.port, ...options });
  }

  /** The operator's HTTP port of the third server. */
  http(options: Partial<PeerOptions> = {}): Promise<Peer> {
    return this.open({ port: this.gate.http!, ...options });
  }

  /** That of the server that has a certificate. */
  https(options: Partial<PeerOptions> = {}): Promise<Peer> {
    return this.open({ port: this.gate.secureHttp!, ...options });
  }

  /** The RTSP port of the server that has a certificate. */
  rtsps(options: Partial<PeerOptions> = {}): Promise<Peer> {
    return this.open({ port: this.server.ports.secureRtsp, ...options });
  }

  /** A peer that is past the handshake and has sent `parts`. */
  async greeted(...parts: Uint8Array[]): Promise<Peer> {
    const peer = await this.rtmp();
    peer.write(bytes(handshake(), ...parts));
    return peer;
  }

  /** A peer that publishes to the row's camera. */
  async publisher(options: Partial<PeerOptions> = {}): Promise<Peer> {
    const peer = await this.rtmp(options);
    await this.publish(peer);
    return peer;
  }

  async publish(peer: Peer): Promise<void> {
    peer.write(opening(this.streamName));
    await peer.receives('NetStream.Publish.Start');
  }

  /** Shows that a publisher is still served: it gets an answer to a ping. */
  async answersPing(peer: Peer): Promise<void> {
    peer.forget();
    peer.write(message(2, 4, 0, 0, bytes([0, 6], 'c0ffee42')));
    await peer.receives('\u00c0\u00ff\u00ee\u0042');
  }

  /** Sends parameter sets and a keyframe, which is what keeps a publisher alive, then a ping that is answered. */
  async stillPublishes(peer: Peer, timeMs = 1000): Promise<void> {
    peer.write(bytes(video(timeMs, headerTag([sps], [pps])), video(timeMs, keyframe())));
    await this.answersPing(peer);
  }
}

// ---- RTMP messages ---------------------------------------------------------------------------------------------------

/** A command with its transaction and values, as the body of a message. */
export function commandBody(name: string, transaction: number, ...values: Uint8Array[]): Buffer {
  return bytes(amf.string(name), amf.number(transaction), ...values);
}

export function command(name: string, transaction: number, ...values: Uint8Array[]): Buffer {
  return message(3, 20, 0, 0, commandBody(name, transaction, ...values));
}

export function connect(values: Record<string, Buffer> = {}): Buffer {
  const { app, tcUrl } = dialogue;
  const usual = { app: amf.string(app), ...(tcUrl !== '' && { tcUrl: amf.string(tcUrl) }) };
  return command('connect', 1, amf.object({ ...usual, ...values }));
}

export function publish(name: Buffer | string): Buffer {
  const value = typeof name === 'string' ? amf.string(name) : name;
  return message(4, 20, 1, 0, commandBody('publish', 5, amf.null, value, amf.string('live')));
}

/** Everything from the first byte to the publish command. */
export function opening(name: string): Buffer {
  return bytes(handshake(), connect(), command('createStream', 4, amf.null), publish(name));
}

export function setChunkSize(value: number): Buffer {
  return message(2, 1, 0, 0, u32(value));
}

/** A video message of one chunk size or several of 128 bytes. */
export function video(timeMs: number, content: Uint8Array, chunkSize = 128): Buffer {
  return message(6, 9, 1, timeMs, content, chunkSize);
}

export function keyframe(length = 60): Buffer {
  return naluTag(avcc(idr(length)), { key: true });
}

/** The header of a message that announces `length` bytes, with none of them. */
export function announce(length: number, type = 9, csid = 6): Buffer {
  return fmt0(csid, 0, length, type);
}

/** The same bytes again and again. */
export function repeat(part: Uint8Array, times: number): Buffer {
  return Buffer.concat(Array<Uint8Array>(times).fill(part));
}
