import { createHash } from 'node:crypto';
import { limits } from '../base/limits.ts';
import type { RandomBytes } from './password-hash.ts';

/** A login of a browser. */
export interface Session {
  /** Names the session to this program; the id itself is kept nowhere. */
  readonly key: string;
  readonly user: string;
  /** It began over TLS, and is good over TLS only. */
  readonly secure: boolean;
  readonly startedMs: number;
}

interface KeptSession extends Session {
  usedMs: number;
  /** Answers that go on, such as events; while there are any it is in use. */
  streams: number;
}

/** How long a session lives, in milliseconds: without a request, and at most. */
export interface SessionTimes {
  readonly idleMs: number;
  readonly lifetimeMs: number;
}

/** Random bytes of a session's id, which is all that its cookie shows: nobody finds one by trying. */
const idBytes = 32;
const idShape = /^[A-Za-z0-9_-]{43}$/;

/** The sessions of all browsers, in memory: they end with the process. */
export class Sessions {
  readonly #times: SessionTimes;
  readonly #random: RandomBytes;
  readonly #onEnd: (session: Session) => void;
  /** By the hash of its id; the one that was used longest ago comes first. */
  readonly #sessions = new Map<string, KeptSession>();

  /** `onEnd` hears of every session that ends, for whatever reason. */
  constructor(times: SessionTimes, random: RandomBytes, onEnd: (session: Session) => void) {
    this.#times = times;
    this.#random = random;
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Sessions of a user at this moment. */
  countOf(user: string): number {
    return this.#ofUser(user).length;
  }

  has(key: string): boolean {
    return this.#sessions.has(key);
  }

  /** Begins a session. Returns its id, which the browser alone keeps. The oldest give way where there are too many. */
  start(user: string, secure: boolean, nowMs: number): string {
    const own = this.#ofUser(user);
    if (own.length >= limits.access.sessionsPerUser) this.#end(own[0]!);
    if (this.#sessions.size >= limits.access.sessions)
      for (const oldest of this.#sessions.values()) {
        this.#end(oldest);
        break;
      }
    const id = Buffer.from(this.#random(idBytes)).toString('base64url');
    const key = keyOf(id);
    this.#sessions.set(key, { key, user, secure, startedMs: nowMs, usedMs: nowMs, streams: 0 });
    return id;
  }

  /** The session of an id, which counts as used with that; null if there is none, or no more. */
  use(id: string, secure: boolean, nowMs: number): Session | null {
    if (!idShape.test(id)) return null;
    const session = this.#sessions.get(keyOf(id));
    if (session === undefined || session.secure !== secure) return null;
    if (this.#isOver(session, nowMs)) {
      this.#end(session);
      return null;
    }
    session.usedMs = nowMs;
    this.#sessions.delete(session.key);
    this.#sessions.set(session.key, session);
    return session;
  }

  /** An answer that goes on has begun, or has ended. */
  stream(key: string, begun: boolean, nowMs: number): void {
    const session = this.#sessions.get(key);
    if (session === undefined) return;
    session.streams += begun ? 1 : -1;
    session.usedMs = nowMs;
  }

  end(key: string): void {
    const session = this.#sessions.get(key);
    if (session !== undefined) this.#end(session);
  }

  /** Ends all of a user. Returns how many those were. */
  endUser(user: string): number {
    const own = this.#ofUser(user);
    for (const session of own) this.#end(session);
    return own.length;
  }

  /** Ends those whose time has passed. */
  sweep(nowMs: number): void {
    for (const session of [...this.#sessions.values()]) if (this.#isOver(session, nowMs)) this.#end(session);
  }

  #isOver({ startedMs, usedMs, streams }: KeptSession, nowMs: number): boolean {
    const { idleMs, lifetimeMs } = this.#times;
    return nowMs - startedMs >= lifetimeMs || (streams === 0 && nowMs - usedMs >= idleMs);
  }

  #ofUser(user: string): KeptSession[] {
    return [...this.#sessions.values()].filter((session) => session.user === user);
  }

  #end(session: KeptSession): void {
    this.#sessions.delete(session.key);
    this.#onEnd(session);
  }
}

function keyOf(id: string): string {
  return createHash('sha256').update(id).digest('base64url');
}
