import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { AccessControl, type Identity, type LoginFacts } from '../../../src/access/access-control.ts';
import { PasswordHasher, type ScryptCost } from '../../../src/access/password-hash.ts';
import type { TokenList } from '../../../src/access/token-list.ts';
import { formatUsers, parseUsers, type UserList } from '../../../src/access/user-list.ts';
import { limits } from '../../../src/base/limits.ts';
import { AccessError, type AccessProblem } from '../../../src/status/access-source.ts';

const builtIn = { user: 'skyweir', password: 'correct horse battery' };
const password = 'vier grüne Fische';
const client = { address: '192.0.2.7', secure: true };
const cheap: ScryptCost = { logN: 4, r: 1, p: 1 };
const startMs = Date.parse('2026-11-21T12:00:00Z');

class Fixture {
  nowMs = 0;
  users: UserList = [];
  tokens: TokenList = [];
  saved = 0;
  readonly journal: string[] = [];
  readonly control: AccessControl;

  constructor({ auth = true, cost = cheap } = {}) {
    this.control = new AccessControl({
      builtIn: auth ? builtIn : null,
      digestSha256: false,
      sessions: { idleMs: 60_000, lifetimeMs: 600_000 },
      store: {
        loadUsers: async () => this.users,
        changeUsers: async (change) => {
          const after = change(this.users);
          if (after === this.users) return after;
          this.saved++;
          this.users = parseUsers(formatUsers(after));
          return this.users;
        },
        loadTokens: async () => this.tokens,
        saveTokens: async (tokens) => {
          this.tokens = tokens;
        },
      },
      hasher: new PasswordHasher(randomBytes, cost),
      journal: {
        loggedIn: (user, role) => this.journal.push(`in ${user} ${role}`),
        loginFailed: (user) => this.journal.push(`failed ${user}`),
      },
      clock: { nowMs: () => this.nowMs, wallMs: () => startMs + this.nowMs },
      random: randomBytes,
    });
  }

  admit(facts: Partial<LoginFacts> = {}) {
    return this.control.admit({
      ...client,
      method: 'GET',
      target: '/',
      authorization: undefined,
      cookie: undefined,
      anonymousRole: 'viewer',
      ...facts,
    });
  }

  async cookie(user: string, secret: string): Promise<string> {
    const login = await this.control.login(user, secret, client, undefined);
    assert.equal(login.result, 'accepted');
    return `__Host-skyweir=${login.result === 'accepted' ? login.id : ''}`;
  }

  identity(facts: Partial<LoginFacts>): Identity {
    const admission = this.admit(facts);
    assert.equal(admission.result, 'admitted');
    return (admission as { identity: Identity }).identity;
  }

  shown(facts: Partial<LoginFacts>): string {
    const admission = this.admit(facts);
    if (admission.result !== 'admitted') return admission.result;
    const { name, role, via } = admission.identity;
    return `${name} ${role} ${via}`;
  }
}

const basic = (user: string, secret: string) => `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;

function refuses(problem: AccessProblem, act: Promise<unknown>): Promise<void> {
  return assert.rejects(act, (error) => error instanceof AccessError && error.problem === problem);
}

describe('who asks', () => {
  test('is the user of the settings with the password, over Basic and Digest', () => {
    const fixture = new Fixture();
    assert.equal(fixture.shown({ authorization: basic(builtIn.user, builtIn.password) }), 'skyweir admin password');
    assert.equal(fixture.shown({ authorization: basic(builtIn.user, 'wrong') }), 'refused');
    assert.equal(fixture.shown({}), 'refused');
  });

  test('is a user of the list or of the settings with a session, and nobody once it has ended', async () => {
    const fixture = new Fixture();
    await fixture.control.addUser('anna', password, 'operator');
    const cookie = await fixture.cookie('anna', password);
    assert.equal(fixture.shown({ cookie: `a=b; ${cookie}; c` }), 'anna operator session');
    assert.equal(
      fixture.shown({ cookie: await fixture.cookie(builtIn.user, builtIn.password) }),
      'skyweir admin session',
    );
    assert.equal(fixture.shown({ cookie, secure: false }), 'refused');
    assert.equal(fixture.shown({ cookie: cookie.replace('__Host-', '') }), 'refused');
    fixture.control.logout(client, cookie);
    assert.equal(fixture.shown({ cookie }), 'refused');
  });

  test('is a token while it is good', async () => {
    const fixture = new Fixture();
    const notAfter = '2026-11-21T12:01:00Z';
    const { secret, info } = await fixture.control.addToken({ label: 'ci', role: 'viewer', notAfter }, 'anna');
    const authorization = `Bearer ${secret}`;
    assert.equal(fixture.shown({ authorization }), 'token:ci viewer token');
    fixture.nowMs = 60_000;
    assert.equal(fixture.shown({ authorization }), 'refused');
    assert.equal(fixture.control.tokens()[0]!.expired, true);
    fixture.nowMs = 0;
    await fixture.control.removeToken(info.id);
    assert.equal(fixture.shown({ authorization }), 'refused');
    await refuses('unknown', fixture.control.removeToken(info.id));
  });

  test('a token wins over a session, and that over a password that the browser has kept', async () => {
    const fixture = new Fixture();
    await fixture.control.addUser('anna', password, 'viewer');
    const cookie = await fixture.cookie('anna', password);
    const { secret } = await fixture.control.addToken({ label: 'ci', role: 'operator', notAfter: null }, 'anna');
    assert.equal(
      fixture.shown({ cookie, authorization: basic(builtIn.user, builtIn.password) }),
      'anna viewer session',
    );
    assert.equal(fixture.shown({ cookie, authorization: `Bearer ${secret}` }), 'token:ci operator token');
    assert.equal(fixture.shown({ cookie, authorization: 'Bearer wrong' }), 'refused');
  });

  test('a user of the list has no password over Basic', async () => {
    const fixture = new Fixture();
    await fixture.control.addUser('anna', password, 'admin');
    assert.equal(fixture.shown({ authorization: basic('anna', password) }), 'refused');
  });

  test('without a login, where none is asked for, it is anybody, as far as the port allows', async () => {
    const fixture = new Fixture({ auth: false });
    assert.equal(fixture.shown({}), 'anybody viewer none');
    assert.equal(fixture.shown({ anonymousRole: 'admin' }), 'anybody admin none');
    assert.equal(fixture.shown({ authorization: basic('any', 'thing') }), 'anybody viewer none');
    assert.equal(fixture.shown({ authorization: 'Bearer wrong' }), 'refused');
    await fixture.control.addUser('anna', password, 'admin');
    assert.equal(fixture.shown({ cookie: await fixture.cookie('anna', password) }), 'anna admin session');
    await refuses('conflict', fixture.control.removeUser('anna'));
    assert.equal(fixture.control.authentication, 'off');
  });
});

describe('a login', () => {
  test('is refused alike for a wrong password and for a user that there is not', async () => {
    const fixture = new Fixture();
    await fixture.control.addUser('anna', password, 'viewer');
    const attempts: [string, string][] = [
      ['anna', 'wrong'],
      ['nobody', password],
      [builtIn.user, 'wrong'],
      ['ANNA', password],
      ['', ''],
      ['anna', `${password}${'x'.repeat(100_000)}`],
    ];
    for (const [user, secret] of attempts) {
      fixture.nowMs += limits.onvif.forgiveMs;
      assert.deepEqual(await fixture.control.login(user, secret, client, undefined), { result: 'wrong' });
    }
    // A name that is none may be a password in the wrong field.
    const names = ['anna', 'null', builtIn.user, 'null', 'null', 'anna'];
    assert.deepEqual(
      fixture.journal,
      names.map((name) => `failed ${name}`),
    );
  });

  test('gets a new id each time, and ends the session that it replaces', async () => {
    const fixture = new Fixture();
    const first = await fixture.cookie(builtIn.user, builtIn.password);
    const again = await fixture.control.login(builtIn.user, builtIn.password, client, first);
    assert.ok(again.result === 'accepted' && !first.includes(again.id));
    assert.equal(fixture.shown({ cookie: first }), 'refused');
    // Somebody else's id, put there beforehand, is worth nothing after the login.
    const planted = `__Host-skyweir=${'A'.repeat(43)}`;
    await fixture.control.login(builtIn.user, builtIn.password, client, planted);
    assert.equal(fixture.shown({ cookie: planted }), 'refused');
  });

  test('has to wait after some wrong passwords from an address, together with Basic', async () => {
    const fixture = new Fixture();
    const wrong = basic(builtIn.user, 'wrong');
    for (let i = 0; i < limits.onvif.failedLogins - 1; i++) fixture.admit({ authorization: wrong });
    assert.equal((await fixture.control.login('nobody', 'wrong', client, undefined)).result, 'wrong');
    const waits = { result: 'wait', waitMs: limits.onvif.firstWaitMs };
    assert.deepEqual(await fixture.control.login(builtIn.user, builtIn.password, client, undefined), waits);
    assert.deepEqual(fixture.admit({ authorization: basic(builtIn.user, builtIn.password) }), waits);
    const elsewhere = { ...client, address: '192.0.2.8' };
    const other = await fixture.control.login(builtIn.user, builtIn.password, elsewhere, undefined);
    assert.equal(other.result, 'accepted');
    fixture.nowMs = limits.onvif.firstWaitMs;
    await fixture.cookie(builtIn.user, builtIn.password);
  });

  test('of somebody who may do less does not undo the wrong passwords that came for an admin', async () => {
    const fixture = new Fixture();
    await fixture.control.addUser('anna', password, 'viewer');
    const wrong = basic(builtIn.user, 'wrong');
    for (let i = 0; i < limits.onvif.failedLogins; i++) {
      assert.equal(fixture.admit({ authorization: wrong }).result, 'refused');
      if (i < limits.onvif.failedLogins - 1) await fixture.cookie('anna', password);
    }
    assert.equal(fixture.admit({ authorization: wrong }).result, 'wait');
    // Nor does it make anybody wait longer.
    fixture.nowMs = limits.onvif.firstWaitMs;
    await fixture.cookie('anna', password);
    await fixture.cookie(builtIn.user, builtIn.password);
    assert.equal(fixture.admit({ authorization: wrong }).result, 'refused');
    assert.equal(fixture.admit({ authorization: wrong }).result, 'refused');
  });

  test('has to wait after more of them for one name, but not from where that user has logged in', async () => {
    const fixture = new Fixture();
    const { failedLoginsPerName } = limits.access;
    await fixture.cookie(builtIn.user, builtIn.password);
    for (let i = 0; i < failedLoginsPerName; i++) {
      const attacker = { address: `198.51.100.${i}`, secure: true };
      assert.equal((await fixture.control.login(builtIn.user, 'wrong', attacker, undefined)).result, 'wrong');
    }
    const elsewhere = { address: '203.0.113.9', secure: true };
    const login = await fixture.control.login(builtIn.user, builtIn.password, elsewhere, undefined);
    assert.equal(login.result, 'wait');
    await fixture.cookie(builtIn.user, builtIn.password);
  });

  test('many at once are counted before they are looked at', async () => {
    const fixture = new Fixture();
    const attempts = Array.from({ length: limits.access.hashesWaiting }, () =>
      fixture.control.login('nobody', 'wrong', client, undefined),
    );
    const results = (await Promise.all(attempts)).map(({ result }) => result);
    assert.equal(results.filter((result) => result === 'wrong').length, limits.onvif.failedLogins);
  });

  test('renews the hash of a cost that is not that of today, and nobody is logged out by that', async () => {
    const old = new Fixture();
    await old.control.addUser('anna', password, 'viewer');
    const fixture = new Fixture({ cost: { logN: 5, r: 1, p: 1 } });
    fixture.users = old.users;
    await fixture.control.reload();
    const first = await fixture.cookie('anna', password);
    // A change waits for the one before it.
    await fixture.control.addUser('bernd', password, 'viewer');
    assert.match(fixture.users[0]!.password, /^\$scrypt\$ln=5,/);
    assert.equal(fixture.users[0]!.changedAt, old.users[0]!.changedAt);
    assert.equal(fixture.shown({ cookie: first }), 'anna viewer session');
    await fixture.cookie('anna', password);
  });
});

describe('a change of a user', () => {
  const changes: Record<string, (fixture: Fixture) => Promise<unknown>> = {
    password: ({ control }) => control.changeUser('anna', { password: 'fünf blaue Vögel' }),
    role: ({ control }) => control.changeUser('anna', { role: 'operator' }),
    removal: ({ control }) => control.removeUser('anna'),
    'removal beside the server': async (fixture) => {
      fixture.users = fixture.users.filter(({ name }) => name !== 'anna');
      await fixture.control.reload();
    },
    'own password': async ({ control }) => {
      const user = { name: 'anna', role: 'viewer' } as const;
      await control.changeOwnPassword(user, password, 'fünf blaue Vögel', client);
    },
  };
  for (const [what, change] of Object.entries(changes)) {
    test(`(${what}) ends the logins and open answers of that user, and of no other`, async () => {
      const fixture = new Fixture();
      const ended: string[] = [];
      const cookies: string[] = [];
      for (const name of ['anna', 'bernd']) {
        await fixture.control.addUser(name, password, 'viewer');
        cookies.push(await fixture.cookie(name, password));
        for (const part of ['events', 'preview'])
          fixture.control.watch(fixture.identity({ cookie: cookies.at(-1)! }), () => ended.push(`${name} ${part}`));
      }
      await change(fixture);
      assert.deepEqual(ended, ['anna events', 'anna preview']);
      assert.equal(fixture.shown({ cookie: cookies[0]! }), 'refused');
      assert.equal(fixture.shown({ cookie: cookies[1]! }), 'bernd viewer session');
    });
  }

  test('of what cannot be is refused, and nothing is written', async () => {
    const fixture = new Fixture();
    await fixture.control.addUser('anna', password, 'viewer');
    const { saved } = fixture;
    await refuses('invalid', fixture.control.addUser('bernd', 'short', 'viewer'));
    await refuses('invalid', fixture.control.addUser('b/d', password, 'viewer'));
    await refuses('conflict', fixture.control.addUser('anna', password, 'viewer'));
    await refuses('conflict', fixture.control.addUser(builtIn.user, password, 'viewer'));
    await refuses('invalid', fixture.control.changeUser('anna', {}));
    await refuses('invalid', fixture.control.changeUser('anna', { password: 'short' }));
    await refuses('conflict', fixture.control.changeUser(builtIn.user, { role: 'viewer' }));
    await refuses('conflict', fixture.control.removeUser(builtIn.user));
    await refuses('unknown', fixture.control.removeUser('bernd'));
    assert.equal(fixture.saved, saved);
    const wrong = await fixture.control.changeOwnPassword({ name: 'anna', role: 'viewer' }, 'x', password, client);
    assert.equal(wrong.result, 'wrong');
  });

  test('adds to what was written beside the server', async () => {
    const fixture = new Fixture();
    await fixture.control.addUser('anna', password, 'viewer');
    fixture.users = [...fixture.users, { ...fixture.users[0]!, name: 'beside' }];
    await fixture.control.addUser('bernd', password, 'viewer');
    assert.deepEqual(
      fixture.users.map(({ name }) => name),
      ['anna', 'beside', 'bernd'],
    );
    assert.deepEqual(
      fixture.control.users().map(({ name, origin }) => `${name} ${origin}`),
      ['skyweir settings', 'anna list', 'beside list', 'bernd list'],
    );
  });
});

describe('an answer that goes on', () => {
  test('ends with its session, or with its token, and once', async () => {
    const fixture = new Fixture();
    const ended: string[] = [];
    const cookie = await fixture.cookie(builtIn.user, builtIn.password);
    fixture.control.watch(fixture.identity({ cookie }), () => ended.push('session'));
    const closed = fixture.control.watch(fixture.identity({ cookie }), () => ended.push('closed before'));
    closed();
    closed();
    const notAfter = '2026-11-21T12:05:00Z';
    const { secret } = await fixture.control.addToken({ label: 'ci', role: 'viewer', notAfter }, 'anna');
    const authorization = `Bearer ${secret}`;
    fixture.control.watch(fixture.identity({ authorization }), () => ended.push('token'));
    fixture.nowMs = 299_000;
    fixture.control.sweep();
    assert.deepEqual(ended, []);
    fixture.nowMs = 300_000;
    fixture.control.sweep();
    assert.deepEqual(ended, ['token']);
    fixture.nowMs = 600_000;
    fixture.control.sweep();
    fixture.control.sweep();
    assert.deepEqual(ended, ['token', 'session']);
  });

  test('that begins when the leave is over already ends at once', async () => {
    const fixture = new Fixture();
    const cookie = await fixture.cookie(builtIn.user, builtIn.password);
    const identity = fixture.identity({ cookie });
    fixture.control.logout(client, cookie);
    let ended = 0;
    fixture.control.watch(identity, () => ended++);
    assert.equal(ended, 1);
    fixture.control.watch(fixture.identity({ authorization: basic(builtIn.user, builtIn.password) }), () => ended++);
    fixture.control.sweep();
    assert.equal(ended, 1);
  });
});

test('a Digest header is good once', () => {
  const fixture = new Fixture();
  const refused = fixture.admit();
  assert.ok(refused.result === 'refused');
  const nonce = /nonce="([^"]+)"/.exec(refused.challenges[0]!)![1]!;
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const account = md5(`${builtIn.user}:Skyweir:${builtIn.password}`);
  const header = (nc: string, cnonce: string) => {
    const response = md5(`${account}:${nonce}:${nc}:${cnonce}:auth:${md5('GET:/')}`);
    return `Digest username="${builtIn.user}", realm="Skyweir", nonce="${nonce}", uri="/", qop=auth, nc=${nc}, cnonce="${cnonce}", response="${response}"`;
  };
  const once = header('00000001', 'a');
  assert.equal(fixture.admit({ authorization: once }).result, 'admitted');
  const again = fixture.admit({ authorization: once });
  assert.ok(again.result === 'refused' && !again.failed && again.challenges[0]!.includes('stale=true'));
  assert.equal(fixture.admit({ authorization: header('00000002', 'a') }).result, 'admitted');
  // Clients that never count, and those whose requests overtake one another.
  assert.equal(fixture.admit({ authorization: header('00000001', 'b') }).result, 'admitted');
});
