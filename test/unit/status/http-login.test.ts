import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { HttpLogin } from '../../../src/status/http-login.ts';

const account = { user: 'operator', password: 'päss: word' };
const address = '192.0.2.7';

function newLogin(sha256 = false): HttpLogin {
  return new HttpLogin({ ...account, realm: 'Skyweir', sha256, key: Buffer.alloc(32, 1) });
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

describe('HttpLogin', () => {
  test('takes Basic with the right name and password only', () => {
    const login = newLogin();
    const check = (header: string | undefined) => login.check(header, 'GET', '/metrics', address, 0).result;
    assert.equal(check(basic(account.user, account.password)), 'accepted');
    for (const header of [
      undefined,
      '',
      'Basic',
      'Basic !!!',
      'Bearer abc',
      basic(account.user, 'other'),
      basic('other', account.password),
      `Basic ${'A'.repeat(100_000)}`,
    ])
      assert.equal(check(header), 'challenged', String(header).slice(0, 40));
  });

  test('takes Digest, and asks anew when a nonce is old', () => {
    const login = newLogin();
    const first = login.check(undefined, 'GET', '/metrics', address, 1000);
    assert.ok(first.result === 'challenged' && !first.failed);
    assert.deepEqual(
      first.challenges.map((challenge) => challenge.split(' ', 1)[0]),
      ['Digest', 'Basic'],
    );
    const nonce = /nonce="([^"]+)"/.exec(first.challenges[0]!)![1]!;
    const md5 = (text: string) => createHash('md5').update(text).digest('hex');
    const [a, b] = [md5(`${account.user}:Skyweir:${account.password}`), md5('GET:/metrics')];
    const response = md5(`${a}:${nonce}:00000001:cn:auth:${b}`);
    const header = `Digest username="${account.user}", realm="Skyweir", nonce="${nonce}", uri="/metrics", qop=auth, nc=00000001, cnonce="cn", response="${response}"`;
    assert.equal(login.check(header, 'GET', '/metrics', address, 2000).result, 'accepted');
    assert.equal(login.check(header, 'POST', '/metrics', address, 2000).result, 'challenged');
    assert.equal(login.check(header, 'GET', '/other', address, 2000).result, 'challenged');
    const late = login.check(header, 'GET', '/metrics', address, 600_000);
    assert.ok(late.result === 'challenged' && !late.failed && late.challenges[0]!.includes('stale=true'));
  });

  test('slows guessing from one address down, and from no other', () => {
    const login = newLogin();
    const wrong = basic(account.user, 'wrong');
    for (let i = 0; i < limits.onvif.failedLogins; i++) {
      const result = login.check(wrong, 'GET', '/', address, 0);
      assert.ok(result.result === 'challenged' && result.failed);
    }
    const right = basic(account.user, account.password);
    assert.deepEqual(login.check(right, 'GET', '/', address, 0), { result: 'wait', waitMs: limits.onvif.firstWaitMs });
    assert.equal(login.check(right, 'GET', '/', '192.0.2.8', 0).result, 'accepted');
    assert.equal(login.check(right, 'GET', '/', address, limits.onvif.firstWaitMs).result, 'accepted');
  });
});
