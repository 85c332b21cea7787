import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { errorTable } from '../../../src/base/errors.ts';
import { limits } from '../../../src/base/limits.ts';
import { settings } from '../../../src/config/schema.ts';
import { publishAuthSettings } from '../../../src/config/settings/publish-auth.ts';
import { keyRoutes } from '../../../src/status/key-routes.ts';
import type { KeySource } from '../../../src/status/key-source.ts';
import { roleOf } from '../../../src/status/route.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/publish-authentication.md'), 'utf8');

describe('docs/publish-authentication.md', () => {
  test('has every request of keys, with its role', () => {
    const rows = page.split('\n').filter((line) => /^\| `[A-Z]+ \//.test(line));
    const expected = keyRoutes({} as KeySource).map(
      (route) => `| \`${route.method} ${route.path}\` | ${roleOf(route)} | ${route.summary} |`,
    );
    assert.deepEqual(rows, expected);
  });

  test('has every reason, and every setting', () => {
    const reasons = Object.keys(errorTable).filter((code) => /^(credential_|address_denied|key_revoked)/.test(code));
    assert.equal(reasons.length, 9);
    for (const name of [...reasons, ...Object.values(publishAuthSettings).map(({ flag }) => flag)])
      assert.ok(page.includes(name), name);
    const flags = new Set(Object.values(settings).map(({ flag }) => flag as string));
    for (const [, key = ''] of page.matchAll(/^(publish-[a-z-]+):/gm)) assert.ok(flags.has(key), key);
  });

  test('tells the bounds as they are', () => {
    const { publishAuth, onvif } = limits;
    const { callbacks, jwksFreshMs, jwksPauseMs, jwksStaleMs, callbackAcceptedMs, callbackRefusedMs } = publishAuth;
    const facts = [
      `up to ${publishAuth.keysPerCamera} keys`,
      `${publishAuth.shortestSecret} characters or more`,
      `every ${jwksFreshMs / 60_000} minutes`,
      `once in ${jwksPauseMs / 1000} s`,
      `${publishAuth.jwksBytes / 1024} KiB or ${publishAuth.jwksKeys} keys`,
      `At most ${callbacks.parallel} questions are open at a time and ${callbacks.waiting} wait; an answer holds for ${callbackAcceptedMs / 1000} s`,
      `65 536 of them`,
      `After ${onvif.failedLogins} wrong credentials`,
      `\`publish-clock-skew\` (${(publishAuthSettings.publishClockSkewMs.default as number) / 1000} s)`,
    ];
    for (const fact of facts) assert.ok(page.includes(fact), fact);
    assert.deepEqual(
      [callbackRefusedMs, jwksStaleMs, publishAuth.usedCredentials],
      [callbackAcceptedMs, 3_600_000, 65_536],
    );
    assert.deepEqual([onvif.firstWaitMs, onvif.longestWaitMs], [1000, 60_000]);
  });
});
