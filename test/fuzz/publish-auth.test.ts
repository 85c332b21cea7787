import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../../src/base/limits.ts';
import { isKeySegment } from '../../src/base/stream-key-form.ts';
import { KeyBook } from '../../src/publish-auth/key-book.ts';
import { parsePublishQuery } from '../../src/publish-auth/publish-query.ts';
import { checkSignedUrl, signedText, signText } from '../../src/publish-auth/signed-url.ts';
import { newStreamKey } from '../../src/publish-auth/stream-key.ts';
import { keyInPath, resolveStreamPath } from '../../src/rtmp/stream-path.ts';

const options = { interruptAfterTimeLimit: 1500, markInterruptAsFailure: false, numRuns: 5000 };

const queryText = fc.oneof(
  fc.string({ maxLength: 200, unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        'key=',
        'a',
        '%',
        '%2',
        '%61',
        '&',
        '=',
        '?',
        '+',
        '%00',
        '\u0000',
        '%c3%a9',
        '%26',
        '__proto__=x',
      ),
    )
    .map((parts) => parts.join('')),
);

test('a query is taken apart, or is not acceptable; nothing else comes of any text', () => {
  fc.assert(
    fc.property(queryText, (text) => {
      const query = parsePublishQuery(text);
      if (query === null) return;
      assert.ok(query.size <= limits.publishAuth.parameters);
      for (const [name, value] of query) {
        assert.notEqual(name, '');
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        assert.doesNotMatch(name + value, /[\u0000-\u001f\u007f]/);
      }
      // Decoding never makes a query longer, nor another parameter of a value.
      assert.ok([...query].flat().join('').length <= text.length);
    }),
    options,
  );
});

test('what is encoded is found again, in any order and twice', () => {
  const name = fc.string({ minLength: 1, maxLength: 20 }).filter((text) => /^[\x20-\x7e]+$/.test(text));
  const values = fc.uniqueArray(
    fc.tuple(
      name,
      fc.string({ maxLength: 30 }).map((text) => text.replace(/[^\x20-\x7e]/g, '')),
    ),
    {
      selector: ([key]) => key,
      maxLength: 15,
    },
  );
  fc.assert(
    fc.property(values, (pairs) => {
      const text = pairs.map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`).join('&');
      assert.deepEqual(parsePublishQuery(`${text}&${text}`), new Map(pairs));
    }),
    options,
  );
});

test('credentials never take part in the path, wherever a client puts them', () => {
  const segment = fc.stringMatching(/^[a-z0-9]{1,8}$/);
  const place = fc.constantFrom('app', 'name', 'tcUrl', 'path');
  fc.assert(
    fc.property(segment, segment, place, (app, name, where) => {
      const key = newStreamKey();
      const query = `?key=${key}`;
      const of = (part: string): string => (where === part ? query : '');
      const inPath = where === 'path' ? `/${key}` : '';
      const tcUrl = `rtmp://host/${app}${of('tcUrl')}`;
      const resolved = resolveStreamPath(`${app}${of('app')}`, `${name}${inPath}${of('name')}`, tcUrl)!;
      const found = keyInPath(resolved);
      assert.equal(found?.path ?? resolved.path, `/${app}/${name}`);
      assert.equal(found?.key ?? parsePublishQuery(resolved.query)?.get('key'), key);
    }),
    { ...options, numRuns: 1000 },
  );
});

test('a key that is typed wrong by one letter is still kept out of the log', () => {
  fc.assert(
    fc.property(fc.nat(31), fc.stringMatching(/^[a-z0-9]{0,3}$/), (place, typed) => {
      const key = newStreamKey();
      assert.ok(isKeySegment(key.slice(0, 4 + place) + typed + key.slice(5 + place)));
    }),
    { ...options, numRuns: 500 },
  );
});

test('a signature is good for what was signed, and for nothing that differs in one letter', () => {
  const secret = 's'.repeat(40);
  const camera = { index: 0, name: 'c', path: '/gate', rtspPath: '/gate' };
  const settings = { secrets: [secret], skewMs: 0, singleUse: false, inRange: () => true };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4e9 }), fc.nat(), fc.nat(15), (expires, place, digit) => {
      const sign = signText(secret, signedText('/gate', String(expires))).toString('hex');
      const at = place % sign.length;
      const other = sign.slice(0, at) + digit.toString(16) + sign.slice(at + 1);
      const check = (given: string): string => {
        const query = parsePublishQuery(`expires=${expires}&sign=${given}`)!;
        return checkSignedUrl(settings, query, camera, '/gate', '192.0.2.1', 0).type;
      };
      assert.equal(check(sign), 'accepted');
      assert.equal(check(other), other === sign ? 'accepted' : 'refused');
    }),
    { ...options, numRuns: 1000 },
  );
});

test('a file of keys is read or refused, whatever is in it', () => {
  const good = new KeyBook('ab'.repeat(32)).text;
  const broken = fc
    .tuple(fc.nat(good.length), fc.nat(20), fc.string({ maxLength: 5 }))
    .map(([at, cut, put]) => good.slice(0, at) + put + good.slice(at + cut));
  fc.assert(
    fc.property(fc.oneof(fc.json(), broken), (text) => {
      let book: KeyBook | null = null;
      try {
        book = KeyBook.parse(text);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
      if (book !== null) assert.equal(KeyBook.parse(book.text).text, book.text);
    }),
    options,
  );
});
