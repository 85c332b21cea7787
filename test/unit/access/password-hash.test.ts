import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { isPasswordHash, PasswordHasher } from '../../../src/access/password-hash.ts';
import { limits } from '../../../src/base/limits.ts';
import { AccessError } from '../../../src/status/access-source.ts';

/** Costs next to nothing. */
const cheap = { logN: 4, r: 1, p: 1 };
const newHasher = (cost = cheap) => new PasswordHasher(randomBytes, cost);

describe('PasswordHasher', () => {
  test('knows the password of a hash, and no other', async () => {
    const hasher = newHasher();
    const hash = await hasher.hash('vier grüne Fische');
    assert.match(hash, /^\$scrypt\$ln=4,r=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.equal(await hasher.verify('vier grüne Fische', hash), true);
    for (const wrong of ['', 'vier grüne Fisch', 'Vier grüne Fische', 'vier grüne Fische '])
      assert.equal(await hasher.verify(wrong, hash), false, wrong);
    assert.notEqual(await hasher.hash('vier grüne Fische'), hash, 'each has a salt of its own');
  });

  test('is scrypt as other programs have it', async () => {
    // python3: hashlib.scrypt(b'password', salt=b'SodiumChlorideSo', n=1024, r=8, p=16, dklen=32)
    const hash = '$scrypt$ln=10,r=8,p=16$U29kaXVtQ2hsb3JpZGVTbw$3a+6WFKoNdqvSlqw3K42SN0hmXXQ3fOXjr/iXmu6z2g';
    assert.equal(await newHasher().verify('password', hash), true);
  });

  test('takes an accent however a keyboard makes it', async () => {
    const hasher = newHasher();
    const hash = await hasher.hash('caf\u00e9 au lait noir');
    assert.equal(await hasher.verify('cafe\u0301 au lait noir', hash), true);
  });

  test('a hash names its own cost, and another cost than that of today is outdated', async () => {
    const old = await newHasher().hash('vier grüne Fische');
    const now = newHasher({ logN: 5, r: 1, p: 1 });
    assert.equal(await now.verify('vier grüne Fische', old), true);
    assert.equal(now.isOutdated(old), true);
    assert.equal(now.isOutdated(await now.hash('vier grüne Fische')), false);
  });

  test('nobody has no password, and costs as much as somebody', async () => {
    let derived = 0;
    const random = (bytes: number) => {
      derived++;
      return randomBytes(bytes);
    };
    const hasher = new PasswordHasher(random, cheap);
    assert.equal(derived, 2, 'there is a hash for nobody from the start');
    assert.equal(await hasher.verify('vier grüne Fische', null), false);
    assert.equal(await hasher.verify('vier grüne Fische', 'no hash'), false);
  });

  test('only some wait; further ones are refused, and all that wait are served', async () => {
    const hasher = newHasher();
    const room = limits.access.hashesAtOnce + limits.access.hashesWaiting;
    const all = Array.from({ length: room }, () => hasher.hash('vier grüne Fische'));
    assert.equal(hasher.busy, true);
    await assert.rejects(hasher.hash('one more'), (error) => error instanceof AccessError && error.problem === 'busy');
    assert.equal(new Set(await Promise.all(all)).size, room);
    assert.equal(hasher.busy, false);
    assert.match(await hasher.hash('and again'), /^\$scrypt/);
  });
});

test('a hash with a cost that nobody can pay is none', () => {
  const salt = 'A'.repeat(22);
  const key = 'A'.repeat(43);
  assert.equal(isPasswordHash(`$scrypt$ln=15,r=8,p=3$${salt}$${key}`), true);
  for (const bad of [
    '',
    'geheim',
    `$scrypt$ln=0,r=8,p=1$${salt}$${key}`,
    `$scrypt$ln=25,r=8,p=1$${salt}$${key}`,
    `$scrypt$ln=20,r=32,p=1$${salt}$${key}`,
    `$scrypt$ln=15,r=8,p=99$${salt}$${key}`,
    `$scrypt$ln=15,r=8,p=1$${salt}$`,
    `$scrypt$ln=15,r=8,p=1$${salt}$${key}\n`,
    `$argon2id$v=19$m=65536,t=3,p=4$${salt}$${key}`,
  ])
    assert.equal(isPasswordHash(bad), false, bad);
});
