import type { Clock } from '../base/clock.ts';
import { LoginThrottle } from '../onvif/login-throttle.ts';
import type { TokenInfo, UserInfo } from '../status/access-source.ts';
import { AccessError, type AccessSource, type LoginResult, type PasswordResult } from '../status/access-source.ts';
import { HttpLogin } from '../status/http-login.ts';
import type { Role, RouteClient, RouteUser } from '../status/route.ts';
import { bearerToken, sessionIds } from '../status/session-cookie.ts';
import { OpenStreams } from './open-streams.ts';
import type { PasswordHasher, RandomBytes } from './password-hash.ts';
import { type LoginJournal, PasswordLogin } from './password-login.ts';
import { describePasswordProblem } from './password-rule.ts';
import { Sessions, type SessionTimes } from './sessions.ts';
import { addToken, findToken, isOver, makeToken, removeToken, type StoredToken, type TokenList } from './token-list.ts';
import { addUser, changedUsers, changeUser, findUser, removeUser, type UserList } from './user-list.ts';

/** Who asks, and what the leave to ask hangs on. */
export interface Identity extends RouteUser {
  readonly via: 'none' | 'password' | 'session' | 'token';
  /** Of `via`: the key of the session, or the id of the token; else empty. */
  readonly key: string;
}

/** What of a request tells who asks. */
export interface LoginFacts extends RouteClient {
  readonly method: string;
  readonly target: string;
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  /** What may be done without a login, where none is asked for. */
  readonly anonymousRole: Role;
}

/** `failed`: something was given, and it was wrong. `challenges`: values for WWW-Authenticate. */
export type Admission =
  | { readonly result: 'admitted'; readonly identity: Identity }
  | { readonly result: 'refused'; readonly failed: boolean; readonly challenges: readonly string[] }
  | { readonly result: 'wait'; readonly waitMs: number };

/** Where users and tokens are kept. */
export interface AccessStore {
  loadUsers(): Promise<UserList>;
  /** Puts what `change` makes of the list in its place, unless that is the same, and returns it. Programs wait for one another. */
  changeUsers(change: (users: UserList) => UserList): Promise<UserList>;
  loadTokens(): Promise<TokenList>;
  saveTokens(tokens: TokenList): Promise<void>;
}

/** What {@link AccessControl} is made with. */
export interface AccessControlOptions {
  /** The user of the settings, who is an admin; null: nobody has to log in. Never to be logged. */
  readonly builtIn: { readonly user: string; readonly password: string } | null;
  /** Offer SHA-256 beside MD5 for Digest. */
  readonly digestSha256: boolean;
  readonly sessions: SessionTimes;
  readonly store: AccessStore;
  readonly hasher: PasswordHasher;
  readonly journal: LoginJournal;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

const realm = 'Skyweir';

/** Who may do what at the HTTP port: the user of the settings, users of the list, their sessions, and tokens. */
export class AccessControl implements AccessSource {
  readonly #options: AccessControlOptions;
  readonly #login: HttpLogin | null;
  readonly #passwords: PasswordLogin;
  readonly #sessions: Sessions;
  readonly #streams = new OpenStreams();
  #users: UserList = [];
  #tokens: TokenList = [];
  #changing: Promise<unknown> = Promise.resolve();

  constructor(options: AccessControlOptions) {
    const { builtIn, digestSha256: sha256, random, sessions } = options;
    this.#options = options;
    // Passwords that are given in different ways are counted together.
    const throttle = new LoginThrottle();
    this.#login = builtIn === null ? null : new HttpLogin({ ...builtIn, realm, sha256, key: random(32), throttle });
    this.#passwords = new PasswordLogin({ ...options, throttle, find: (name) => findUser(this.#users, name) });
    this.#sessions = new Sessions(sessions, random, ({ key }) => this.#streams.end(`session ${key}`));
  }

  get authentication(): 'on' | 'off' {
    return this.#login === null ? 'off' : 'on';
  }

  // ---- who asks ----------------------------------------------------------------------------------------------------------

  /**
   * Finds out who asks. A token wins over a session, and that over a password: browsers send a password that they have kept
   * with every request, also after another user has logged in on the page.
   */
  admit(facts: LoginFacts): Admission {
    const { clock } = this.#options;
    const bearer = bearerToken(facts.authorization);
    if (bearer !== null) {
      const token = findToken(this.#tokens, bearer, clock.wallMs());
      if (token !== null) return admitted(`token:${token.label}`, token.role, 'token', token.id);
      return { result: 'refused', failed: true, challenges: [`Bearer realm="${realm}", error="invalid_token"`] };
    }
    const nowMs = clock.nowMs();
    for (const id of sessionIds(facts.cookie, facts.secure)) {
      const session = this.#sessions.use(id, facts.secure, nowMs);
      const role = session === null ? null : this.#roleOf(session.user);
      if (session !== null && role !== null) return admitted(session.user, role, 'session', session.key);
    }
    if (this.#login === null) return admitted('anybody', facts.anonymousRole, 'none', '');
    const { authorization, method, target, address } = facts;
    const login = this.#login.check(authorization, method, target, address, nowMs);
    if (login.result === 'accepted') return admitted(this.#options.builtIn!.user, 'admin', 'password', '');
    if (login.result === 'wait') return login;
    return { result: 'refused', failed: login.failed, challenges: [...login.challenges, `Bearer realm="${realm}"`] };
  }

  /**
   * Says that an answer to `identity` goes on for long. `end` is called, once, when the leave for it is over: logged out, too
   * old, password or role changed, user removed, token revoked. Returns what to call when the answer has ended by itself.
   */
  watch({ via, key }: Identity, end: () => void): () => void {
    if (via !== 'session' && via !== 'token') return () => {};
    const isGone = via === 'session' ? !this.#sessions.has(key) : !this.#tokens.some(({ id }) => id === key);
    if (isGone) {
      end();
      return () => {};
    }
    const { clock } = this.#options;
    if (via === 'session') this.#sessions.stream(key, true, clock.nowMs());
    const forget = this.#streams.add(`${via} ${key}`, end);
    return () => {
      if (forget() && via === 'session') this.#sessions.stream(key, false, clock.nowMs());
    };
  }

  /** Ends what is too old. To be called now and then. */
  sweep(): void {
    const { clock } = this.#options;
    this.#sessions.sweep(clock.nowMs());
    const wallMs = clock.wallMs();
    for (const token of this.#tokens) if (isOver(token, wallMs)) this.#streams.end(`token ${token.id}`);
  }

  // ---- sessions ----------------------------------------------------------------------------------------------------------

  async login(user: string, password: string, client: RouteClient, cookie: string | undefined): Promise<LoginResult> {
    const checked = await this.#check(user, password, client);
    if (checked.result !== 'right') return checked;
    // Whoever knew the old id, or had put it there, has nothing of the new one.
    this.logout(client, cookie);
    const id = this.#sessions.start(user, client.secure, this.#options.clock.nowMs());
    this.#options.journal.loggedIn(user, checked.role, client);
    return { result: 'accepted', id };
  }

  logout({ secure }: RouteClient, cookie: string | undefined): void {
    for (const id of sessionIds(cookie, secure)) {
      const session = this.#sessions.use(id, secure, this.#options.clock.nowMs());
      if (session !== null) this.#sessions.end(session.key);
    }
  }

  async changeOwnPassword(
    user: RouteUser,
    current: string,
    password: string,
    client: RouteClient,
  ): Promise<{ readonly result: 'accepted' } | PasswordResult> {
    this.#assertOfList(user.name);
    if (findUser(this.#users, user.name) === null)
      throw new AccessError('conflict', 'this is no login of a user of the list, so there is no password to change');
    const checked = await this.#check(user.name, current, client);
    if (checked.result !== 'right') return checked;
    await this.changeUser(user.name, { password });
    return { result: 'accepted' };
  }

  async #check(
    user: string,
    password: string,
    client: RouteClient,
  ): Promise<{ readonly result: 'right'; readonly role: Role } | PasswordResult> {
    const checked = await this.#passwords.check(user, password, client);
    if (checked.result !== 'right') return checked;
    const { stored } = checked;
    if (stored === null) return { result: 'right', role: 'admin' };
    if (this.#options.hasher.isOutdated(stored.password)) void this.#renewHash(user, password, stored.password);
    return { result: 'right', role: stored.role };
  }

  /** The same password, at the cost of today: nobody's login ends for that. */
  async #renewHash(user: string, password: string, old: string): Promise<void> {
    try {
      const hash = await this.#options.hasher.hash(password);
      await this.#changeUsers((users) => {
        if (findUser(users, user)?.password !== old) return users;
        const renewed = changeUser(users, user, { password: hash }, true);
        this.#users = this.#users.map((known) => (known.name === user ? { ...known, password: hash } : known));
        return renewed;
      });
    } catch {
      // It stays as it was, and is tried again at the next login.
    }
  }

  // ---- users -------------------------------------------------------------------------------------------------------------

  /** Reads what is kept anew. Logins and streams of users and tokens that have changed end. Throws what the store throws. */
  reload(): Promise<void> {
    return this.#inTurn(async () => {
      const { store } = this.#options;
      const [users, tokens] = [await store.loadUsers(), await store.loadTokens()];
      this.#takeUsers(users);
      this.#takeTokens(tokens);
    });
  }

  users(): readonly UserInfo[] {
    const { builtIn } = this.#options;
    const own = this.#users.filter(({ name }) => name !== builtIn?.user).map((user) => this.#userInfo(user));
    if (builtIn === null) return own;
    const { user: name } = builtIn;
    const sessions = this.#sessions.countOf(name);
    return [{ name, role: 'admin', origin: 'settings', createdAt: null, changedAt: null, sessions }, ...own];
  }

  async addUser(name: string, password: string, role: Role): Promise<UserInfo> {
    const { builtIn } = this.#options;
    const wished = { name, role, password: '', createdAt: this.#now(), changedAt: this.#now() };
    // What is wrong with the name is told before a password is hashed for it.
    addUser(this.#users, wished, builtIn?.user ?? null);
    const hash = await this.#hashNew(password, name);
    const users = await this.#changeUsers((list) =>
      addUser(list, { ...wished, password: hash }, builtIn?.user ?? null),
    );
    return this.#userInfo(findUser(users, name)!);
  }

  async changeUser(name: string, change: { readonly password?: string; readonly role?: Role }): Promise<UserInfo> {
    this.#assertOfList(name);
    const { password, role } = change;
    if (password === undefined && role === undefined)
      throw new AccessError('invalid', 'nothing is changed: give a password, a role, or both');
    const otherAdmin = this.#options.builtIn !== null;
    const wished = { ...(role !== undefined && { role }), changedAt: this.#now() };
    changeUser(this.#users, name, wished, otherAdmin);
    const hash = password === undefined ? {} : { password: await this.#hashNew(password, name) };
    const users = await this.#changeUsers((list) => changeUser(list, name, { ...wished, ...hash }, otherAdmin));
    return this.#userInfo(findUser(users, name)!);
  }

  async removeUser(name: string): Promise<void> {
    this.#assertOfList(name);
    await this.#changeUsers((users) => removeUser(users, name, this.#options.builtIn !== null));
  }

  #assertOfList(name: string): void {
    if (name === this.#options.builtIn?.user)
      throw new AccessError(
        'conflict',
        `${name} is the user of --user, whose password comes from --password-file, SKYWEIR_PASSWORD or the state folder`,
      );
  }

  #hashNew(password: string, user: string): Promise<string> {
    const problem = describePasswordProblem(password, user);
    if (problem !== null) throw new AccessError('invalid', problem);
    return this.#options.hasher.hash(password);
  }

  /** What is kept is read first: it may have been changed beside the server. */
  #changeUsers(change: (users: UserList) => UserList): Promise<UserList> {
    return this.#inTurn(async () => {
      const after = await this.#options.store.changeUsers(change);
      this.#takeUsers(after);
      return after;
    });
  }

  #takeUsers(users: UserList): void {
    const changed = changedUsers(this.#users, users);
    this.#users = users;
    for (const name of changed) if (name !== this.#options.builtIn?.user) this.#sessions.endUser(name);
  }

  #roleOf(user: string): Role | null {
    if (user === this.#options.builtIn?.user) return 'admin';
    return findUser(this.#users, user)?.role ?? null;
  }

  #userInfo({ name, role, createdAt, changedAt }: UserList[number]): UserInfo {
    return { name, role, origin: 'list', createdAt, changedAt, sessions: this.#sessions.countOf(name) };
  }

  // ---- tokens ------------------------------------------------------------------------------------------------------------

  tokens(): readonly TokenInfo[] {
    return this.#tokens.map((token) => this.#tokenInfo(token));
  }

  async addToken(
    wish: { readonly label: string; readonly role: Role; readonly notAfter: string | null },
    createdBy: string,
  ): Promise<{ readonly info: TokenInfo; readonly secret: string }> {
    const { stored, secret } = makeToken({ ...wish, createdBy, createdAt: this.#now() }, this.#options.random);
    await this.#changeTokens((tokens) => addToken(tokens, stored));
    return { info: this.#tokenInfo(stored), secret };
  }

  async removeToken(id: string): Promise<void> {
    await this.#changeTokens((tokens) => removeToken(tokens, id));
  }

  #changeTokens(change: (tokens: TokenList) => TokenList): Promise<void> {
    return this.#inTurn(async () => {
      const { store } = this.#options;
      const after = change(await store.loadTokens());
      await store.saveTokens(after);
      this.#takeTokens(after);
    });
  }

  #takeTokens(tokens: TokenList): void {
    const good = new Set(tokens.map(({ id, role, sha256 }) => `${id} ${role} ${sha256}`));
    const gone = this.#tokens.filter(({ id, role, sha256 }) => !good.has(`${id} ${role} ${sha256}`));
    this.#tokens = tokens;
    for (const { id } of gone) this.#streams.end(`token ${id}`);
  }

  #tokenInfo(token: StoredToken): TokenInfo {
    const { sha256: _, ...shown } = token;
    return { ...shown, expired: isOver(token, this.#options.clock.wallMs()) };
  }

  // ---- helpers -----------------------------------------------------------------------------------------------------------

  #now(): string {
    return new Date(this.#options.clock.wallMs()).toISOString();
  }

  /** One change after the other. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#changing.then(act);
    this.#changing = result.catch(() => undefined);
    return result;
  }
}

function admitted(name: string, role: Role, via: Identity['via'], key: string): Admission {
  return { result: 'admitted', identity: { name, role, via, key } };
}
