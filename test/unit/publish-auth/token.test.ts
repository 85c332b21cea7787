import assert from 'node:assert/strict';
import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { describe, test } from 'node:test';
import { createLocalJWKSet, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose';
import { limits } from '../../../src/base/limits.ts';
import { JwksCache, parseJwks } from '../../../src/publish-auth/jwks-cache.ts';
import { ReplayMemory } from '../../../src/publish-auth/replay-memory.ts';
import { checkToken, type TokenOptions, tokenAlgorithms } from '../../../src/publish-auth/token-check.ts';
import { camera } from './attempt.ts';

const wallMs = 1_000_000_000_000;
const nowS = wallMs / 1000;
const ec = await generateKeyPair('ES256', { extractable: true });
const rsa = await generateKeyPair('RS256', { extractable: true });
const ecJwk: JWK = { ...(await exportJWK(ec.publicKey)), kid: 'ec', alg: 'ES256' };
const rsaJwk: JWK = { ...(await exportJWK(rsa.publicKey)), kid: 'rsa' };
const set = { keys: [ecJwk, rsaJwk] };
const options: TokenOptions = {
  keyFor: createLocalJWKSet(set),
  algorithms: ['ES256', 'RS256'],
  issuer: '',
  audience: '',
  skewMs: 30_000,
  singleUse: false,
};

const claims = { path: '/gate/north', exp: nowS + 60 };
function token(payload: object = claims, kid = 'ec', key = ec.privateKey, alg = 'ES256'): Promise<string> {
  return new SignJWT({ ...payload }).setProtectedHeader({ alg, kid }).sign(key);
}
async function ask(text: string, changes: Partial<TokenOptions> = {}, which: typeof camera | null = camera) {
  return checkToken({ ...options, ...changes }, text, which, wallMs);
}
async function reasonOf(...args: Parameters<typeof ask>): Promise<string> {
  const verdict = await ask(...args);
  return verdict.type === 'refused' ? verdict.reason : verdict.type;
}

describe('a token', () => {
  for (const [name, payload, expected] of [
    ['that names the path', claims, 'accepted'],
    ['whose time has ended within the skew of clocks', { ...claims, exp: nowS - 29 }, 'accepted'],
    ['that has ended', { ...claims, exp: nowS - 31 }, 'credential_expired'],
    ['that never ends', { path: '/gate/north' }, 'credential_wrong'],
    ['whose end is no number', { ...claims, exp: 'never' }, 'credential_wrong'],
    ['that begins later', { ...claims, nbf: nowS + 31 }, 'credential_early'],
    ['that begins within the skew of clocks', { ...claims, nbf: nowS + 29 }, 'accepted'],
    ['that names no path', { exp: nowS + 60 }, 'credential_wrong'],
    ['that names another path', { ...claims, path: '/gate/south' }, 'credential_wrong'],
    ['that names the beginning of the path', { ...claims, path: '/gate' }, 'credential_wrong'],
    ['that names several paths', { exp: nowS + 60, paths: ['/x', 'GATE/NORTH'] }, 'accepted'],
    ['that names all below a path', { ...claims, path: '/gate/*' }, 'accepted'],
    ['that names all below another one', { ...claims, path: '/gat/*' }, 'credential_wrong'],
    ['that names everything', { ...claims, path: '/*' }, 'accepted'],
    ['whose path is no text', { ...claims, path: { '/gate/north': true } }, 'credential_wrong'],
    ['whose paths are no list', { exp: nowS + 60, paths: '/gate/north' }, 'credential_wrong'],
  ] as const)
    test(`${name}: ${expected}`, async () => assert.equal(await reasonOf(await token(payload)), expected));

  test('is not for a camera that there is not', async () =>
    assert.equal(await reasonOf(await token({ ...claims, path: '/*' }), {}, null), 'credential_wrong'));

  test('issuer and audience must be right where they are set', async () => {
    const text = await token({ ...claims, iss: 'us', aud: ['a', 'b'] });
    assert.equal(await reasonOf(text, { issuer: 'us', audience: 'b' }), 'accepted');
    assert.equal(await reasonOf(text, { issuer: 'them' }), 'credential_wrong');
    assert.equal(await reasonOf(text, { audience: 'c' }), 'credential_wrong');
    assert.equal(await reasonOf(await token(), { issuer: 'us' }), 'credential_wrong');
  });

  test('with another algorithm than those that are allowed is wrong', async () => {
    assert.equal(
      await reasonOf(await token(claims, 'rsa', rsa.privateKey, 'RS256'), { algorithms: ['ES256'] }),
      'credential_wrong',
    );
    assert.equal(await reasonOf(await token(claims, 'rsa', rsa.privateKey, 'RS256')), 'accepted');
    assert.deepEqual(
      tokenAlgorithms.filter((name) => /^(HS|none)/i.test(name)),
      [],
    );
  });

  test('without a signature, or with the public key as its secret, is wrong', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const algorithms of [[...tokenAlgorithms], [...tokenAlgorithms, 'none', 'HS256']]) {
      assert.equal(await reasonOf(`${part({ alg: 'none' })}.${part(claims)}.`, { algorithms }), 'credential_wrong');
      const input = `${part({ alg: 'HS256', kid: 'rsa' })}.${part(claims)}`;
      const mac = createHmac('sha256', await exportSPKI(rsa.publicKey))
        .update(input)
        .digest('base64url');
      assert.equal(await reasonOf(`${input}.${mac}`, { algorithms }), 'credential_wrong');
    }
  });

  describe('where several keys fit what it names', async () => {
    const others = await Promise.all(Array.from({ length: 3 }, () => generateKeyPair('ES256', { extractable: true })));
    const pairs = [...others, ec];
    const jwks = await Promise.all(pairs.map(({ publicKey }) => exportJWK(publicKey)));
    const fitting = (kid?: string) => ({
      keyFor: createLocalJWKSet({ keys: jwks.map((jwk) => (kid === undefined ? jwk : { ...jwk, kid })) }),
    });
    const unnamed = (key: CryptoKey, payload: object = claims) =>
      new SignJWT({ ...payload }).setProtectedHeader({ alg: 'ES256' }).sign(key);

    test('is good with any of them, and with no other', async () => {
      for (const { privateKey } of pairs) {
        assert.equal(await reasonOf(await unnamed(privateKey), fitting()), 'accepted');
        assert.equal(await reasonOf(await token(claims, 'twice', privateKey), fitting('twice')), 'accepted');
      }
      const { privateKey } = await generateKeyPair('ES256');
      const verdict = await ask(await unnamed(privateKey), fitting());
      assert.deepEqual(verdict, {
        type: 'refused',
        reason: 'credential_wrong',
        detail: 'the signature of the token does not fit',
      });
    });

    test('is refused for what it says, whichever of them it is signed with', async () => {
      const late = await unnamed(ec.privateKey, { ...claims, exp: nowS - 31 });
      assert.equal(await reasonOf(late, fitting()), 'credential_expired');
    });

    test('is not compared with more of them than there may be', async () => {
      const { tokenKeys } = limits.publishAuth;
      const many = Array<JWK>(tokenKeys).fill(jwks[0]!);
      const text = await unnamed(ec.privateKey);
      const ours = await exportJWK(ec.publicKey);
      const keyFor = (keys: JWK[]) => ({ keyFor: createLocalJWKSet({ keys }) });
      assert.equal(await reasonOf(text, keyFor([...many.slice(1), ours])), 'accepted');
      assert.equal(await reasonOf(text, keyFor([...many, ours])), 'credential_wrong');
    });
  });

  test('is refused for the keys where they are to blame', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const input = `${part({ alg: 'RS256' })}.${part(claims)}`;
    const short = `${input}.${createSign('sha256').update(input).sign(privateKey).toString('base64url')}`;
    const detailOf = async (text: string, key: JWK) => {
      const verdict = await ask(text, { keyFor: createLocalJWKSet({ keys: [key] }) });
      return verdict.type === 'refused' ? verdict.detail : verdict.type;
    };
    const unusable =
      'the key that the token names cannot be used; it must be a public one, and RSA has 2048 bits or more';
    assert.equal(await detailOf(short, publicKey.export({ format: 'jwk' }) as JWK), unusable);
    assert.equal(await detailOf(await token(), { ...ecJwk, x: 'AAAA' }), unusable);
    assert.equal(await detailOf(await token(), { ...(await exportJWK(ec.privateKey)), kid: 'ec' }), unusable);
    assert.equal(await detailOf(await token(claims, 'other'), ecJwk), 'there is no key such as the token names');
    assert.equal(await detailOf('no.token.atall', ecJwk), 'the token is no valid JWT');
  });

  test('that somebody changed, or that is none, is wrong', async () => {
    const [head, , signature] = (await token()).split('.');
    const other = Buffer.from(JSON.stringify({ ...claims, path: '/*' })).toString('base64url');
    for (const text of [`${head}.${other}.${signature}`, 'x', '..', '', 'a.b.c', `${head}..${signature}`])
      assert.equal(await reasonOf(text), 'credential_wrong');
    assert.equal(
      await reasonOf(`${await token()}${'A'.repeat(limits.publishAuth.tokenCharacters)}`),
      'credential_wrong',
    );
  });

  test('the verdict tells nothing of it', async () => {
    for (const payload of [
      { ...claims, exp: 1 },
      { ...claims, iss: 'secret-issuer' },
      { ...claims, path: '/secret' },
    ]) {
      const text = await token(payload);
      const verdict = JSON.stringify(await ask(text, { issuer: 'us' }));
      for (const part of [...text.split('.'), 'secret']) assert.ok(!verdict.includes(part));
    }
  });

  test('for one use is known again by its jti, else by what is signed, not by its signature', async () => {
    const once = async (text: string) => {
      const verdict = await ask(text, { singleUse: true });
      return verdict.type === 'accepted' ? verdict.once : undefined;
    };
    // ES256 signatures are random, so the same claims have another signature each time.
    const [first, second] = [await token(), await token()];
    assert.notEqual(first, second);
    assert.deepEqual(await once(first), await once(second));
    assert.equal((await once(first))?.untilMs, (nowS + 60) * 1000 + 30_000);
    const [a, b] = [await token({ ...claims, jti: '1', n: 1 }), await token({ ...claims, jti: '1', n: 2 })];
    assert.deepEqual(await once(a), await once(b));
    assert.notDeepEqual(await once(a), await once(await token({ ...claims, jti: '2' })));
    assert.notDeepEqual(await once(a), await once(await token({ ...claims, jti: '1', iss: 'other' })));
  });

  // Python's time.time() + 60 has a fraction. RFC 7519 allows it, and it is compared with whole seconds.
  for (const [exp, skewMs] of [
    [nowS + 60.25, 30_000],
    [nowS + 60, 500],
    [nowS + 0.1, 200],
  ] as const)
    test(`for one use that ends at a fraction of a second (${exp}, ${skewMs} ms) is not taken a second time`, async () => {
      const text = await token({ ...claims, exp });
      const memory = new ReplayMemory();
      const takes: string[] = [];
      for (let atMs = wallMs; ; atMs += 100) {
        const verdict = await checkToken({ ...options, skewMs, singleUse: true }, text, camera, atMs);
        if (verdict.type !== 'accepted') break;
        takes.push(memory.take(verdict.once!.id, verdict.once!.untilMs, atMs));
      }
      assert.deepEqual(takes, ['taken', ...takes.slice(1).fill('used')]);
    });
});

describe('the keys of a key server', () => {
  function cacheOf(answers: (object | Error)[]) {
    const state = { nowMs: 0, asked: 0, failures: [] as string[] };
    const source = async () => {
      const answer = answers[Math.min(state.asked++, answers.length - 1)]!;
      if (answer instanceof Error) throw answer;
      return JSON.stringify(answer);
    };
    const cache = new JwksCache({
      source,
      nowMs: () => state.nowMs,
      onFailure: (problem) => state.failures.push(problem),
    });
    const reason = async (kid = 'ec') => reasonOf(await token(claims, kid), { keyFor: cache.keyFor });
    return { state, reason };
  }
  const none = { keys: [] };
  const { jwksFreshMs, jwksPauseMs, jwksStaleMs } = limits.publishAuth;

  test('are asked for once, and again when they are old', async () => {
    const { state, reason } = cacheOf([set]);
    assert.deepEqual(await Promise.all([reason(), reason(), reason()]), ['accepted', 'accepted', 'accepted']);
    assert.equal(state.asked, 1);
    state.nowMs = jwksFreshMs;
    assert.equal(await reason(), 'accepted');
    assert.equal(state.asked, 2);
  });

  test('are asked for again when a token names another one, once in half a minute at most', async () => {
    const { state, reason } = cacheOf([none, set]);
    // Just asked: whether the key is new cannot be known yet.
    assert.equal(await reason(), 'credential_unavailable');
    assert.equal(state.asked, 1);
    for (let i = 0; i < 50; i++) assert.equal(await reason('invented'), 'credential_unavailable');
    assert.equal(state.asked, 1);
    state.nowMs = jwksPauseMs;
    assert.equal(await reason(), 'accepted');
    assert.equal(state.asked, 2);
    assert.equal(await reason('invented'), 'credential_unavailable');
    state.nowMs += jwksPauseMs;
    assert.equal(await reason('invented'), 'credential_wrong');
    assert.equal(state.asked, 3);
  });

  test('that cannot be had let nobody in', async () => {
    const { state, reason } = cacheOf([new Error('ECONNREFUSED'), set]);
    assert.equal(await reason(), 'credential_unavailable');
    assert.equal(await reason(), 'credential_unavailable');
    assert.equal(state.asked, 1);
    assert.deepEqual(state.failures, ['ECONNREFUSED']);
    state.nowMs = jwksPauseMs;
    assert.equal(await reason(), 'accepted');
  });

  test('serve on for a while when they cannot be renewed, and then no more', async () => {
    const { state, reason } = cacheOf([set, new Error('gone')]);
    assert.equal(await reason(), 'accepted');
    state.nowMs = jwksStaleMs - 1;
    assert.equal(await reason(), 'accepted');
    state.nowMs = jwksStaleMs;
    assert.equal(await reason(), 'credential_unavailable');
  });

  for (const [name, answer] of [
    ['no list', { key: [] }],
    ['too many', { keys: Array(limits.publishAuth.jwksKeys + 1).fill(ecJwk) }],
    ['a shared secret', { keys: [{ kty: 'oct', k: 'AAAA', alg: 'HS256' }] }],
    ['something that is no key', { keys: ['x'] }],
  ] as const)
    test(`are refused whole: ${name}`, async () => {
      assert.throws(() => parseJwks(JSON.stringify(answer)));
      assert.equal(await cacheOf([answer]).reason(), 'credential_unavailable');
    });
});
