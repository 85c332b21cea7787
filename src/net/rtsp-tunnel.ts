import { BroadcastChannel } from 'node:worker_threads';
import { ConnectionError, type ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Peer } from '../control/messages.ts';
import {
  isTunnel,
  TunnelDecoder,
  TunnelHead,
  type TunnelRequest,
  tunnelRefusal,
  tunnelResponse,
} from '../rtsp/http-tunnel.ts';

/** Milliseconds in which another thread has to answer for the GET that a POST names. */
const joinMs = 5000;

/** Bytes of base64 that are decoded at once; a multiple of four. */
const decodedAtOnce = 16 * 1024;
/** Reused for every POST of the thread: what is decoded is parsed before the next bytes come. */
const decoded = Buffer.alloc((decodedAtOnce / 4) * 3 + 3);

/** A connection that may turn out to be half of a tunnel. */
export interface TunnelHalf {
  readonly peer: Peer;
  /** It has logged in. Of a GET only: a POST has no session of its own. */
  readonly trusted: boolean;
  /** Takes bytes of RTSP: its own, or those that came over the POST of its tunnel. Ends itself when they are no good. */
  receiveRequests(bytes: Buffer, start: number, end: number): void;
  /** Sends bytes to the peer. */
  write(bytes: string): void;
  /** The GET of this POST has logged in: so has this. */
  trust(): void;
  /** The other half has ended. */
  endTunnel(reason: ErrorCode): void;
}

/** What the threads tell each other; every thread hears everything. */
type TunnelMessage =
  /** Decoded bytes of a POST whose GET is not in its thread; first of all, none. */
  | {
      readonly type: 'requests';
      readonly post: string;
      readonly cookie: string;
      readonly address: string;
      readonly bytes: Uint8Array;
    }
  /** The GET of that POST is here, and has had so many bytes more; `trusted`: it has logged in. */
  | { readonly type: 'taken'; readonly post: string; readonly length: number; readonly trusted: boolean }
  /** The GET has ended. */
  | { readonly type: 'closed'; readonly cookie: string; readonly address: string };

/**
 * Joins the two connections of RTSP over HTTP. Both may be in this thread; with several consumers the acceptor, which reads
 * nothing, may have given them to different ones. Then the requests travel from the thread of the POST to that of the GET,
 * which has the session and sends the media:
 *
 *     client ──POST──► consumer 1 ──decoded requests──► consumer 0 ──GET──► client
 *
 * Halves only join when they come from the same address, so that a cookie that leaks is of no use elsewhere.
 */
export class Tunnels {
  readonly #gets = new Map<string, TunnelHalf>();
  readonly #posts = new Map<string, Set<TunnelPost>>();
  readonly #channel: BroadcastChannel | null;

  /** `channel` is the name under which the consumers of one server talk; null when there is only one. */
  constructor(channel: string | null) {
    this.#channel = channel === null ? null : new BroadcastChannel(channel);
    if (this.#channel !== null) this.#channel.onmessage = (event) => this.#onMessage(event.data as TunnelMessage);
  }

  /** Returns false when the cookie is taken. */
  openGet(cookie: string, half: TunnelHalf): boolean {
    const key = keyOf(cookie, half.peer.address);
    if (this.#gets.has(key)) return false;
    this.#gets.set(key, half);
    return true;
  }

  closeGet(cookie: string, half: TunnelHalf): void {
    const { address } = half.peer;
    if (!this.#gets.delete(keyOf(cookie, address))) return;
    this.#closePosts(cookie, address);
    this.#tell({ type: 'closed', cookie, address });
  }

  /** Joins a POST with its GET, or throws {@link ConnectionError} when there is no such GET. */
  openPost(cookie: string, half: TunnelHalf, nowMs: number): TunnelPost {
    const { address } = half.peer;
    const key = keyOf(cookie, address);
    const get = this.#gets.get(key);
    const here = get !== undefined;
    if (!here && this.#channel === null) throw new ConnectionError('rtsp_malformed', 'a POST without its GET');
    const post = new TunnelPost(this, cookie, half, here ? Number.POSITIVE_INFINITY : nowMs + joinMs);
    const posts = this.#posts.get(key) ?? new Set();
    this.#posts.set(key, posts.add(post));
    if (!here) this.#tell({ type: 'requests', post: half.peer.id, cookie, address, bytes: new Uint8Array(0) });
    else if (get.trusted) half.trust();
    return post;
  }

  closePost(post: TunnelPost): void {
    const key = keyOf(post.cookie, post.half.peer.address);
    const posts = this.#posts.get(key);
    if (posts?.delete(post) && posts.size === 0) this.#posts.delete(key);
  }

  /** Takes `bytes[0, end)` of requests to the GET, wherever that is. Returns whether it has had them already. */
  forward(post: TunnelPost, bytes: Buffer, end: number): boolean {
    const { cookie, half } = post;
    const { id, address } = half.peer;
    const get = this.#gets.get(keyOf(cookie, address));
    if (get !== undefined) {
      get.receiveRequests(bytes, 0, end);
      if (get.trusted) half.trust();
    } else this.#tell({ type: 'requests', post: id, cookie, address, bytes: new Uint8Array(bytes.subarray(0, end)) });
    return get !== undefined;
  }

  /** The thread ends. */
  close(): void {
    this.#channel?.close();
  }

  #tell(message: TunnelMessage): void {
    this.#channel?.postMessage(message);
  }

  #onMessage(message: TunnelMessage): void {
    if (message.type === 'closed') this.#closePosts(message.cookie, message.address);
    else if (message.type === 'requests') this.#onRequests(message);
    else for (const posts of this.#posts.values()) for (const post of posts) post.onTaken(message);
  }

  #onRequests(message: Extract<TunnelMessage, { type: 'requests' }>): void {
    const get = this.#gets.get(keyOf(message.cookie, message.address));
    if (get === undefined) return;
    const { buffer, byteOffset, byteLength } = message.bytes;
    get.receiveRequests(Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength), 0, byteLength);
    this.#tell({ type: 'taken', post: message.post, length: byteLength, trusted: get.trusted });
  }

  #closePosts(cookie: string, address: string): void {
    for (const post of this.#posts.get(keyOf(cookie, address)) ?? []) post.half.endTunnel('teardown');
  }
}

/** The POST of a tunnel. */
export class TunnelPost {
  readonly cookie: string;
  readonly half: TunnelHalf;
  readonly #tunnels: Tunnels;
  readonly #decoder = new TunnelDecoder();
  #joinByMs: number;
  /** Bytes that are on their way to another thread. */
  #underWay = 0;

  constructor(tunnels: Tunnels, cookie: string, half: TunnelHalf, joinByMs: number) {
    this.#tunnels = tunnels;
    this.cookie = cookie;
    this.half = half;
    this.#joinByMs = joinByMs;
  }

  /** Throws {@link ConnectionError} for what is not base64, and for more than another thread takes. */
  receive(bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end; at += decodedAtOnce) {
      try {
        this.#decoder.decode(bytes, at, Math.min(end, at + decodedAtOnce), decoded);
      } finally {
        // Requests in front of what is not base64 count, however the bytes were cut into reads.
        this.#forward(this.#decoder.written);
      }
    }
  }

  #forward(length: number): void {
    if (length === 0 || this.#tunnels.forward(this, decoded, length)) return;
    this.#underWay += length;
    if (this.#underWay > limits.rtsp.tunnelBytes) throw new ConnectionError('rtsp_too_large', 'tunnelled requests');
  }

  /** The GET of the POST with that id is in another thread, which has had so many bytes more. */
  onTaken({ post, length, trusted }: Extract<TunnelMessage, { type: 'taken' }>): void {
    if (post !== this.half.peer.id) return;
    this.#joinByMs = Number.POSITIVE_INFINITY;
    this.#underWay -= length;
    if (trusted) this.half.trust();
  }

  /** No thread has its GET. */
  expired(nowMs: number): boolean {
    return nowMs >= this.#joinByMs;
  }
}

/**
 * The start of a connection on the RTSP port: finds out whether it is plain RTSP or half of a tunnel, and what comes after
 * that for a half.
 */
export class TunnelEntry {
  readonly #tunnels: Tunnels;
  readonly #half: TunnelHalf;
  /** First bytes that could be of either. */
  #undecided: Buffer = Buffer.alloc(0);
  #head: TunnelHead | null = null;
  #cookie: string | null = null;
  #post: TunnelPost | null = null;

  constructor(tunnels: Tunnels, half: TunnelHalf) {
    this.#tunnels = tunnels;
    this.#half = half;
  }

  /** It is the POST of a tunnel, which has no session of its own. */
  get isPost(): boolean {
    return this.#post !== null;
  }

  /**
   * Takes what comes first. Returns the bytes from the start when the connection speaks RTSP and needs this object no more;
   * null otherwise. Throws {@link ConnectionError} when it is neither, behind the answer.
   */
  receive(bytes: Buffer, nowMs: number): Buffer | null {
    if (this.#head !== null) {
      this.#receiveHalf(this.#head, bytes, nowMs);
      return null;
    }
    const all = this.#undecided.length === 0 ? bytes : Buffer.concat([this.#undecided, bytes]);
    const tunnel = isTunnel(all, 0, all.length);
    if (tunnel === false) return all;
    if (tunnel === null) this.#undecided = all;
    else {
      this.#head = new TunnelHead();
      this.#receiveHalf(this.#head, all, nowMs);
    }
    return null;
  }

  /** The connection ends. */
  close(): void {
    if (this.#post !== null) this.#tunnels.closePost(this.#post);
    else if (this.#cookie !== null) this.#tunnels.closeGet(this.#cookie, this.#half);
  }

  /** The reason for which a half has to end that waits for the other, or null. */
  expired(nowMs: number): ErrorCode | null {
    if (!this.#post?.expired(nowMs)) return null;
    this.#half.write(tunnelRefusal);
    return 'rtsp_malformed';
  }

  /** What the client sends on the GET behind its head is ignored: there everything goes to the client. */
  #receiveHalf(head: TunnelHead, bytes: Buffer, nowMs: number): void {
    const at = head.request === null ? this.#receiveHead(head, bytes, nowMs) : 0;
    this.#post?.receive(bytes, at, bytes.length);
  }

  /** Returns the offset after the head. */
  #receiveHead(head: TunnelHead, bytes: Buffer, nowMs: number): number {
    try {
      const at = head.receive(bytes, 0, bytes.length);
      if (head.request !== null) this.#open(head.request, nowMs);
      return at;
    } catch (error) {
      this.#half.write(tunnelRefusal);
      throw error;
    }
  }

  #open({ method, cookie }: TunnelRequest, nowMs: number): void {
    if (method === 'POST') this.#post = this.#tunnels.openPost(cookie, this.#half, nowMs);
    else if (this.#tunnels.openGet(cookie, this.#half)) {
      this.#cookie = cookie;
      this.#half.write(tunnelResponse);
    } else throw new ConnectionError('rtsp_malformed', 'a second GET of one tunnel');
  }
}

/** The client's choice of a cookie, and who it is; the address has no line feed. */
function keyOf(cookie: string, address: string): string {
  return `${address}\n${cookie}`;
}
