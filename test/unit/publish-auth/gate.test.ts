import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { LoginThrottle } from '../../../src/onvif/login-throttle.ts';
import { Callback } from '../../../src/publish-auth/callback.ts';
import { KeysUnavailable } from '../../../src/publish-auth/jwks-cache.ts';
import { KeyBook, type KeyRecord } from '../../../src/publish-auth/key-book.ts';
import { hashChosenSecret, KeyCheck } from '../../../src/publish-auth/key-check.ts';
import { type GateMethods, PublishGate } from '../../../src/publish-auth/publish-gate.ts';
import { signedText, signText } from '../../../src/publish-auth/signed-url.ts';
import { hashStreamKey, newStreamKey } from '../../../src/publish-auth/stream-key.ts';
import { type MethodVerdict, type PublishAttempt, refused } from '../../../src/publish-auth/verdict.ts';
import { attemptOf, never } from './attempt.ts';

const key = newStreamKey();
const expiredKey = newStreamKey();
const salt = '00'.repeat(32);
const signSecret = 'a-secret-of-at-least-32-characters';
const chosen = 'correct-horse-battery';
const urls = { secrets: [signSecret], skewMs: 0, singleUse: false, inRange: () => false };

function record(id: string, secret: string, changes: Partial<KeyRecord> = {}): KeyRecord {
  const hash = hashStreamKey(secret).toString('hex');
  const dates = { createdMs: 0, notBeforeMs: null, notAfterMs: null };
  return { id, camera: '/gate/north', label: '', kind: 'random', hash, ...dates, ...changes };
}

async function gateOf(methods: Partial<GateMethods> = {}, callbackStatus?: number | Error) {
  const clock = { now: 1000, nowMs: () => clock.now, wallMs: () => clock.now };
  const hash = (await hashChosenSecret(salt, '/gate/north', chosen)).toString('hex');
  const book = new KeyBook(salt)
    .add(record('aaaaaaaa', key))
    .add(record('bbbbbbbb', expiredKey, { notAfterMs: 1 }))
    .add(record('cccccccc', '', { kind: 'chosen', hash }));
  let asked = 0;
  const callback =
    callbackStatus === undefined
      ? null
      : new Callback({
          post: async () => {
            asked++;
            if (callbackStatus instanceof Error) throw callbackStatus;
            return callbackStatus;
          },
          secret: null,
          nowMs: clock.nowMs,
          wallMs: clock.wallMs,
          onFailure: () => {},
        });
  const all = { keys: new KeyCheck(book), signedUrls: null, tokens: null, callback, ...methods };
  const gate = new PublishGate(all, new LoginThrottle(), clock);
  const ask = async (changes: Partial<PublishAttempt> = {}, signal = never) => {
    const verdict = await gate.check(attemptOf(changes), signal);
    return verdict.type === 'refused' ? verdict.reason : verdict.method;
  };
  return { clock, ask, asked: () => asked };
}

const signed = (expires: number) =>
  `expires=${expires}&sign=${signText(signSecret, signedText('/gate/north', String(expires))).toString('hex')}`;

describe('one method that accepts is enough', () => {
  test('a key in the query, or at the end of the path', async () => {
    const { ask } = await gateOf();
    assert.equal(await ask({ query: `key=${key}` }), 'keys');
    assert.equal(await ask({ pathKey: key }), 'keys');
    assert.equal(await ask({ pathKey: key, query: 'key=wrong-key-of-somebody' }), 'keys');
  });

  test('a signature beside a wrong key', async () => {
    const { ask } = await gateOf({ signedUrls: urls });
    assert.equal(await ask({ query: `key=${newStreamKey()}&${signed(10)}` }), 'signed-url');
  });

  test('the callback is asked last, also for publishers who give nothing', async () => {
    const { ask, asked } = await gateOf({}, 200);
    assert.equal(await ask({ query: `key=${key}` }), 'keys');
    assert.equal(asked(), 0);
    assert.equal(await ask({ query: `key=${newStreamKey()}` }), 'callback');
    assert.equal(await ask(), 'callback');
  });
});

describe('of several refusals the most telling is given', () => {
  test('nothing was given', async () =>
    assert.equal(await (await gateOf({ signedUrls: urls })).ask(), 'credential_missing'));
  test('an empty key is no key', async () =>
    assert.equal(await (await gateOf()).ask({ query: 'key=' }), 'credential_missing'));
  test('a key that has ended beside a signature that is wrong', async () => {
    const { ask } = await gateOf({ signedUrls: urls });
    assert.equal(await ask({ query: `key=${expiredKey}&expires=1&sign=${'0'.repeat(64)}` }), 'credential_expired');
  });
  test('a wrong key, and a callback that does not answer: it may have been good', async () => {
    const { ask } = await gateOf({}, new Error('ECONNREFUSED'));
    assert.equal(await ask({ query: `key=${newStreamKey()}` }), 'credential_unavailable');
  });
  test('a method that is off is not there', async () => {
    const { ask } = await gateOf();
    assert.equal(await ask({ query: signed(10) }), 'credential_missing');
    assert.equal(await ask({ query: 'token=a.b.c' }), 'credential_missing');
  });
  test('a query that is not acceptable', async () => {
    assert.equal(await (await gateOf({}, 200)).ask({ query: 'a=1&a=2' }), 'credential_wrong');
  });
});

describe('a path that there is not', () => {
  test('is checked like one that there is, with the same outcome for the same credential', async () => {
    const unknown = { camera: null, path: '/gate/north' };
    for (const methods of [{}, { signedUrls: urls }]) {
      const { ask } = await gateOf(methods);
      assert.equal(await ask(unknown), 'credential_missing');
      assert.equal(await ask({ ...unknown, query: `key=${key}` }), 'credential_wrong');
    }
    const { ask, asked } = await gateOf({}, new Error('gone'));
    assert.equal(await ask(unknown), 'credential_unavailable');
    assert.equal(asked(), 1);
  });
});

describe('an address that gave wrong credentials', () => {
  async function throttled() {
    const rig = await gateOf({ signedUrls: urls });
    for (let i = 0; i < limits.onvif.failedLogins; i++)
      assert.equal(await rig.ask({ query: `key=${newStreamKey()}` }), 'credential_wrong');
    return rig;
  }

  test('has to wait, and others do not', async () => {
    const { ask } = await throttled();
    assert.equal(await ask({ query: `key=${newStreamKey()}` }), 'credential_throttled');
    assert.equal(await ask({ query: `key=${newStreamKey()}`, address: '192.0.2.8' }), 'credential_wrong');
  });

  test('gets in with what cannot be guessed, for many drones share one address', async () => {
    const { ask } = await throttled();
    assert.equal(await ask({ query: `key=${key}` }), 'keys');
    assert.equal(await ask({ query: signed(10) }), 'signed-url');
    assert.equal(await ask({ query: `key=${expiredKey}` }), 'credential_expired');
  });

  test('does not get in with a secret that can be guessed, until it has waited', async () => {
    const { ask, clock } = await throttled();
    assert.equal(await ask({ query: `key=${chosen}` }), 'credential_throttled');
    clock.now += limits.onvif.firstWaitMs;
    assert.equal(await ask({ query: `key=${chosen}` }), 'keys');
  });

  test('is not made to wait longer by what it tries meanwhile', async () => {
    const { ask, clock } = await throttled();
    for (let i = 0; i < 50; i++) await ask({ query: `key=${newStreamKey()}` });
    clock.now += limits.onvif.firstWaitMs;
    assert.equal(await ask({ query: `key=${newStreamKey()}` }), 'credential_wrong');
  });

  test('is one that guesses beside what makes another reason more telling', async () => {
    const keyFor = () => Promise.reject(new KeysUnavailable('gone'));
    const tokens = { keyFor, algorithms: ['ES256'], issuer: '', audience: '', skewMs: 0, singleUse: false };
    const unavailable = 'token=eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.e30.AA';
    for (const beside of [unavailable, signed(1)]) {
      const { ask } = await gateOf({ tokens: beside === unavailable ? tokens : null, signedUrls: urls });
      for (let i = 0; i < limits.onvif.failedLogins; i++) {
        const reason = await ask({ query: `key=${newStreamKey()}&${beside}` });
        assert.equal(reason, beside === unavailable ? 'credential_unavailable' : 'credential_expired');
      }
      assert.equal(await ask({ query: `key=${chosen}` }), 'credential_throttled');
    }
  });

  test('is one that guesses and does not wait for the answer', async () => {
    const { promise: answer, resolve } = Promise.withResolvers<MethodVerdict>();
    const slow = { check: () => answer } as unknown as Callback;
    const { ask } = await gateOf({ callback: slow });
    for (let i = 0; i < limits.onvif.failedLogins; i++)
      assert.equal(await ask({ query: `key=${newStreamKey()}` }, AbortSignal.abort()), 'credential_unavailable');
    resolve(refused('credential_wrong'));
    await new Promise(setImmediate);
    assert.equal(await ask({ query: `key=${chosen}` }), 'credential_throttled');
  });

  test('is not one that gave nothing, what has ended, or what only the callback refuses', async () => {
    const { ask } = await gateOf({ signedUrls: urls }, 403);
    for (let i = 0; i < 3 * limits.onvif.failedLogins; i++) {
      assert.equal(await ask(), 'credential_wrong');
      assert.equal(await ask({ query: `n=${i}` }), 'credential_wrong');
      assert.equal(await ask({ query: `key=${expiredKey}` }), 'credential_expired');
    }
  });
});

test('without an answer in time nothing is known', async () => {
  const hanging = { check: () => new Promise(() => {}) } as unknown as Callback;
  const { ask } = await gateOf({ callback: hanging });
  const deadline = new AbortController();
  const asked = ask({}, deadline.signal);
  deadline.abort();
  assert.equal(await asked, 'credential_unavailable');
  assert.equal(await ask({}, AbortSignal.abort()), 'credential_unavailable');
});

test('an error of ours lets nobody in', async () => {
  const broken = { check: () => Promise.reject(new TypeError('ours')) } as unknown as Callback;
  assert.equal(await (await gateOf({ callback: broken })).ask(), 'credential_unavailable');
});
