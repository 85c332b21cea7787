import type { Clock } from '../base/clock.ts';
import { forgetOldest } from '../base/forget-oldest.ts';
import { limits } from '../base/limits.ts';
import { isSameText } from '../base/same-text.ts';
import { LoginThrottle } from '../onvif/login-throttle.ts';
import { AccessError, type PasswordResult } from '../status/access-source.ts';
import type { Role, RouteClient } from '../status/route.ts';
import type { PasswordHasher } from './password-hash.ts';
import { isUserName, type StoredUser } from './user-list.ts';

/** What is told of logins, for the log. */
export interface LoginJournal {
  loggedIn(user: string, role: Role, client: RouteClient): void;
  /** `user` is null unless there is one of that name: people type passwords into the wrong field. */
  loginFailed(user: string | null, client: RouteClient): void;
}

/** What {@link PasswordLogin} is made with. */
export interface PasswordLoginOptions {
  /** The user of the settings; null is none. */
  readonly builtIn: { readonly user: string; readonly password: string } | null;
  /** The user of the list of that name at this moment. */
  readonly find: (name: string) => StoredUser | null;
  readonly hasher: PasswordHasher;
  readonly journal: LoginJournal;
  readonly clock: Clock;
  /** Of addresses. */
  readonly throttle: LoginThrottle;
}

/** `stored` is null of the user of the settings. */
export type PasswordCheck = { readonly result: 'right'; readonly stored: StoredUser | null } | PasswordResult;

/** Looks at user names and passwords, with a brake on guessing: by address, and by name. */
export class PasswordLogin {
  readonly #options: PasswordLoginOptions;
  readonly #names = new LoginThrottle(limits.access.failedLoginsPerName);
  /** `name address` of logins; the oldest comes first. */
  readonly #knownPlaces = new Set<string>();

  constructor(options: PasswordLoginOptions) {
    this.#options = options;
  }

  /**
   * Takes the same time whether or not there is such a user. Throws {@link AccessError}, `busy`, where too many wait.
   */
  async check(user: string, password: string, client: RouteClient): Promise<PasswordCheck> {
    const { builtIn, find, hasher, clock, journal, throttle } = this.#options;
    const { address } = client;
    const nowMs = clock.nowMs();
    const isBuiltIn = builtIn !== null && user === builtIn.user;
    const stored = isBuiltIn ? null : find(user);
    const known = isBuiltIn || stored !== null ? user : null;
    const place = `${user} ${address}`;
    const waitMs = Math.max(throttle.waitMs(address, nowMs), this.#nameWaitMs(user, place, nowMs));
    if (waitMs > 0) {
      journal.loginFailed(known, client);
      return { result: 'wait', waitMs };
    }
    if (hasher.busy) throw new AccessError('busy', 'too many logins at once; try again in a moment');
    // Counted before it is looked at: else many at once would all be looked at.
    throttle.failed(address, nowMs);
    if (known !== null || isUserName(user)) this.#names.failed(user, nowMs);
    const isShort = password.length <= limits.access.longestPassword * 2;
    const matches = await hasher.verify(isShort ? password : '', stored?.password ?? null);
    // The list may have changed meanwhile.
    const now = stored === null ? null : find(user);
    const right = isBuiltIn ? isSameText(password, builtIn.password) : matches && now?.password === stored?.password;
    if (!right) {
      journal.loginFailed(known, client);
      return { result: 'wrong' };
    }
    // Who may do less could else go on guessing the password of an admin for ever, with a login in between.
    if (isBuiltIn || now?.role === 'admin') throttle.succeeded(address);
    else throttle.takeBack(address);
    this.#names.succeeded(user);
    this.#remember(place);
    return { result: 'right', stored: now };
  }

  /** An attack on a name must not keep its owner out, where that is known to log in from. */
  #nameWaitMs(user: string, place: string, nowMs: number): number {
    return this.#knownPlaces.has(place) ? 0 : this.#names.waitMs(user, nowMs);
  }

  #remember(place: string): void {
    this.#knownPlaces.delete(place);
    this.#knownPlaces.add(place);
    forgetOldest(this.#knownPlaces, limits.access.knownPlaces);
  }
}
