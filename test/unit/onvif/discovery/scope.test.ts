import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { scopesMatch } from '../../../../src/onvif/discovery/scope.ts';

const rules = 'http://schemas.xmlsoap.org/ws/2005/04/discovery/';
// The example of ONVIF Core, clause 7.3.2.2.2.
const scopes = [
  'onvif://www.onvif.org/Profile/Streaming',
  'onvif://www.onvif.org/hardware/D1-566',
  'onvif://www.onvif.org/location/country/china',
  'onvif://www.onvif.org/name/Tower%20North',
];

describe('scopes', () => {
  for (const [asked, matches] of [
    ['', true],
    ['onvif://www.onvif.org', true],
    ['onvif://www.onvif.org/', true],
    ['ONVIF://WWW.onvif.org/location', true],
    ['onvif://www.onvif.org/location/country/china', true],
    ['onvif://www.onvif.org/location/country/china/', true],
    ['onvif://www.onvif.org/hardware/D1', false],
    ['onvif://www.onvif.org/Location', false],
    ['onvif://www.onvif.org/location/country/china/beijing', false],
    ['onvif://www.onvif.org/name/Tower%20North', true],
    ['onvif://www.onvif.org/%6eame/Tower%20North?x#y', true],
    ['onvif://www.onvif.org/location/./country', false],
    ['onvif://www.onvif.org/location/country/../country', false],
    ['onvif://www.onvif.org/location/%2E%2E', false],
    ['onvif://www.onvif.org/%zz', false],
    ['onvif:', false],
    ['http://www.onvif.org', false],
    ['onvif://other', false],
    ['nonsense', false],
    ['onvif://www.onvif.org/location onvif://www.onvif.org/name', true],
    ['onvif://www.onvif.org/location onvif://www.onvif.org/type', false],
  ] as const)
    test(`'${asked}' ${matches ? 'matches' : 'does not match'}`, () => {
      const words = asked.split(' ').filter((word) => word !== '');
      for (const rule of ['', `${rules}rfc3986`, `${rules}rfc2396`])
        assert.equal(scopesMatch(words, scopes, rule), matches, rule);
    });

  test('strcmp0 compares the text, and an unknown rule matches nothing but no scopes', () => {
    assert.equal(scopesMatch([scopes[1]!], scopes, `${rules}strcmp0`), true);
    assert.equal(scopesMatch(['onvif://www.onvif.org'], scopes, `${rules}strcmp0`), false);
    assert.equal(scopesMatch([scopes[1]!], scopes, `${rules}ldap`), false);
    assert.equal(scopesMatch([], scopes, `${rules}ldap`), true);
  });
});
