import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { parsePublishQuery } from '../../../src/publish-auth/publish-query.ts';
import { checkSignedUrl, signedText, signText } from '../../../src/publish-auth/signed-url.ts';
import { camera } from './attempt.ts';

const secret = 'a-secret-of-at-least-32-characters';
const options = {
  secrets: [secret, 'another-secret-of-32-characters-xy'],
  skewMs: 30_000,
  singleUse: false,
  inRange: (address: string, range: string) => address === range,
};
const sign = (path: string, expires: string, extra = {}, by = secret) =>
  signText(by, signedText(path, expires, extra)).toString('hex');
const ask = (query: string, wallMs = 0, given: Partial<typeof options> = {}, which: typeof camera | null = camera) =>
  checkSignedUrl({ ...options, ...given }, parsePublishQuery(query)!, which, '/gate/north', '192.0.2.7', wallMs);
const reasonOf = (...args: Parameters<typeof ask>) => {
  const verdict = ask(...args);
  return verdict.type === 'refused' ? verdict.reason : verdict.type;
};

describe('a signed URL', () => {
  const good = sign('/Gate/North', '1000');
  test('is good until it ends, and for the skew of clocks beyond', () => {
    const query = `expires=1000&sign=${good}`;
    assert.equal(reasonOf(query, 999_000), 'accepted');
    assert.equal(reasonOf(query, 1_029_999), 'accepted');
    assert.equal(reasonOf(query, 1_030_000), 'credential_expired');
  });

  test('may be signed with either secret, and over the path in lower case', () => {
    assert.equal(reasonOf(`expires=1000&sign=${sign('/Gate/North', '1000', {}, options.secrets[1])}`), 'accepted');
    assert.equal(reasonOf(`expires=1000&sign=${sign('/gate/north', '1000').toUpperCase()}`), 'accepted');
    assert.equal(reasonOf(`expires=1000&sign=${sign('/GATE/NORTH', '1000')}`), 'credential_wrong');
  });

  for (const [name, query] of [
    ['for another path', `expires=1000&sign=${sign('/gate/south', '1000')}`],
    ['for another time', `expires=1001&sign=${good}`],
    ['with a secret that is not ours', `expires=1000&sign=${sign('/gate/north', '1000', {}, 'x'.repeat(40))}`],
    ['without its end', `expires=1000&sign=${good.slice(2)}`],
    ['without expires', `sign=${good}`],
    ['without sign', 'expires=1000'],
    ['with a time that is none', `expires=1e3&sign=${sign('/gate/north', '1e3')}`],
    ['with zeros in front of its time', `expires=01000&sign=${sign('/gate/north', '01000')}`],
    ['with a nonce that was not signed', `expires=1000&sign=${good}&nonce=1`],
    ['with an address that was not signed', `expires=1000&sign=${good}&address=192.0.2.7`],
  ] as const)
    test(`${name} is wrong`, () => assert.equal(reasonOf(query), 'credential_wrong'));

  test('is not for a camera that there is not', () =>
    assert.equal(reasonOf(`expires=1000&sign=${sign('/gate/north', '1000')}`, 0, {}, null), 'credential_wrong'));

  test('may be bound to an address', () => {
    const query = (address: string) =>
      `expires=1000&address=${address}&sign=${sign('/gate/north', '1000', { address })}`;
    assert.equal(reasonOf(query('192.0.2.7')), 'accepted');
    assert.equal(reasonOf(query('192.0.2.8')), 'credential_wrong');
  });

  test('a line break cannot make one option look like another', () => {
    const made = sign('/gate/north', '1000', { nonce: '1' });
    assert.equal(parsePublishQuery(`expires=1000%0anonce%3d1&sign=${made}`), null);
  });

  test('is nothing where neither sign nor expires is given', () => assert.equal(reasonOf('key=1'), 'absent'));

  test('for one use is known again however it is written', () => {
    const once = (query: string) => {
      const verdict = ask(query, 0, { singleUse: true });
      return verdict.type === 'accepted' ? verdict.once : undefined;
    };
    const first = once(`expires=1000&sign=${good}`);
    assert.equal(first?.untilMs, 1_030_000);
    assert.deepEqual(once(`sign=${good.toUpperCase()}&expires=1000&more=1`), first);
    const nonce = 'flight-2';
    assert.notDeepEqual(once(`expires=1000&nonce=${nonce}&sign=${sign('/gate/north', '1000', { nonce })}`), first);
  });
});

test('the shell example of the documentation makes a URL that is accepted', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../../docs/publish-authentication.md'), 'utf8');
  const script = /```sh sign\n([\s\S]*?)```/.exec(page)?.[1];
  assert.ok(script, 'the page has the example');
  const run = script
    .replace(/^path=.*$/m, 'path=/gate/north')
    .replace(/^secret=.*$/m, `secret=${secret}`)
    .replace(/^expires=.*$/m, 'expires=1000');
  const url = execFileSync('sh', ['-c', run], { encoding: 'utf8' }).trim();
  assert.match(url, /^rtmp:\/\/[^/]+\/gate\/north\?expires=1000&sign=[0-9a-f]{64}$/);
  assert.equal(reasonOf(url.slice(url.indexOf('?') + 1)), 'accepted');
});
