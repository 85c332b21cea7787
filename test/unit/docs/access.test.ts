import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { usualCost } from '../../../src/access/password-hash.ts';
import { limits } from '../../../src/base/limits.ts';
import { settings } from '../../../src/config/schema.ts';
import { accessRoutes } from '../../../src/status/access-routes.ts';
import type { AccessSource } from '../../../src/status/access-source.ts';
import { roleOf, roles } from '../../../src/status/route.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/access.md'), 'utf8');

describe('docs/access.md', () => {
  test('has every request of users, logins and tokens, with its role', () => {
    const rows = page.split('\n').filter((line) => /^\| `[A-Z]+ \//.test(line));
    const expected = accessRoutes({} as AccessSource).map((route) => {
      const { method, path, summary, open = false } = route;
      return `| \`${method} ${path}\` | ${open ? 'none' : roleOf(route)} | ${summary} |`;
    });
    assert.deepEqual(rows, expected);
  });

  test('names every role, and only flags that there are', () => {
    for (const role of roles) assert.match(page, new RegExp(`^\\| \`${role}\` `, 'm'));
    const flags = new Set(Object.values(settings).flatMap(({ flag }) => [flag, `no-${flag}`]));
    // Of the command line's own.
    flags.add('role');
    for (const [, flag = ''] of page.matchAll(/`--([a-z0-9-]+)/g)) assert.ok(flags.has(flag), flag);
  });

  test('tells the bounds as they are', () => {
    const { access, onvif } = limits;
    const { logN, r, p } = usualCost;
    const facts = [
      `${access.shortestPassword} to ${access.longestPassword} characters`,
      `${access.sessions} browsers can be logged in, and ${access.sessionsPerUser} of one user`,
      `N = 2^${logN}, r = ${r}, p = ${p}`,
    ];
    for (const fact of facts) assert.ok(page.includes(fact), fact);
    assert.deepEqual([onvif.failedLogins, access.failedLoginsPerName, access.hashesWaiting], [5, 10, 8]);
    assert.equal(settings.sessionIdleMs.default, 30 * 60_000);
    assert.equal(settings.sessionLifetimeMs.default, 12 * 3_600_000);
  });
});
