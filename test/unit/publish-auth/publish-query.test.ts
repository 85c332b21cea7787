import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { parsePublishQuery } from '../../../src/publish-auth/publish-query.ts';

describe('the query of a publisher', () => {
  const cases: [string, Record<string, string>][] = [
    ['', {}],
    ['key=abc', { key: 'abc' }],
    ['a=1&b=2', { a: '1', b: '2' }],
    ['&&a=1&', { a: '1' }],
    ['flag', { flag: '' }],
    ['a=b=c', { a: 'b=c' }],
    ['a=b?c', { a: 'b?c' }],
    ['a=1+1', { a: '1+1' }],
    ['a=%2B%20x', { a: '+ x' }],
    ['a=%zz%e2%82', { a: '%zz%e2%82' }],
    ['%6bey=x', { key: 'x' }],
    ['a=1&a=1', { a: '1' }],
    ['a;b=1,2', { 'a;b': '1,2' }],
    ['__proto__=x', { ['__proto__']: 'x' }],
  ];
  for (const [query, expected] of cases)
    test(query || 'none', () => assert.deepEqual([...(parsePublishQuery(query) ?? [])], Object.entries(expected)));
});

describe('queries that are not acceptable', () => {
  const cases: [string, string][] = [
    ['one name with two values', 'key=a&key=b'],
    ['the same by an escape', 'key=a&%6bey=b'],
    ['a control character', 'a=%00'],
    ['a line break', 'a=x%0ay'],
    ['a value without a name', '=x'],
    ['too many parameters', Array.from({ length: limits.publishAuth.parameters + 1 }, (_, i) => `a${i}=1`).join('&')],
    ['too long', `a=${'x'.repeat(limits.publishAuth.queryCharacters)}`],
  ];
  for (const [name, query] of cases) test(name, () => assert.equal(parsePublishQuery(query), null));
});
