import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HttpJournal } from '../../../src/net/http-journal.ts';
import { newHttpCounts } from '../../../src/status/counts.ts';

function newJournal() {
  const log: Record<string, unknown>[] = [];
  const line =
    (level: string) =>
    (fields: object, msg: string): unknown =>
      log.push({ level, ...fields, msg });
  const logger = { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
  const counts = newHttpCounts();
  const clock = { nowMs: () => 0, wallMs: () => 0 };
  return { journal: new HttpJournal(counts, clock, logger), log, counts };
}

describe('HttpJournal', () => {
  test('warns once when a password came over the network without TLS', () => {
    const { journal, log } = newJournal();
    const warnings = () => log.filter(({ level }) => level === 'warn').length;
    journal.loggedIn('anna', 'viewer', { address: '127.0.0.1', secure: false });
    journal.loggedIn('anna', 'viewer', { address: '::1', secure: false });
    journal.loggedIn('anna', 'viewer', { address: '192.0.2.7', secure: true });
    assert.equal(warnings(), 0);
    journal.loggedIn('anna', 'viewer', { address: '192.0.2.7', secure: false });
    journal.loggedIn('anna', 'viewer', { address: '192.0.2.8', secure: false });
    assert.equal(warnings(), 1);
    assert.match(String(log.find(({ level }) => level === 'warn')!['msg']), /without TLS: .* use https:\/\//);
    assert.equal(log.filter(({ msg }) => msg === 'logged in at the HTTP port').length, 5);
  });

  test('counts every login that failed, and logs some of many', () => {
    const { journal, log, counts } = newJournal();
    for (let i = 0; i < 1000; i++) journal.loginFailed(i === 0 ? 'anna' : null, { address: '192.0.2.7', secure: true });
    assert.equal(counts.authFailures, 1000);
    assert.equal(log.length, 5);
    assert.deepEqual([log[0]!['user'], 'user' in log[1]!], ['anna', false]);
  });

  test('many refusals for one reason do not hide that there is another, whatever their details', () => {
    const { journal, log, counts } = newJournal();
    for (let i = 0; i < 1000; i++) journal.refused(`not HTTP: ${i}`, '192.0.2.7');
    journal.refused('too many connections', '192.0.2.7');
    assert.equal(counts.refused, 1001);
    assert.equal(log.length, 6);
    assert.equal(log.at(-1)!['reason'], 'too many connections');
  });

  test('a path that goes on for ever is cut', () => {
    const { journal, log } = newJournal();
    const user = { name: 'anna', role: 'admin', via: 'session' } as const;
    const path = `/api/v1/users/${'x'.repeat(10_000)}`;
    journal.changed({ user, address: '192.0.2.7', method: 'DELETE', path, status: 404, note: undefined });
    assert.ok(String(log[0]!['msg']).length < 300);
  });
});
