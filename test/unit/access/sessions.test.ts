import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { Sessions } from '../../../src/access/sessions.ts';
import { limits } from '../../../src/base/limits.ts';

const times = { idleMs: 1000, lifetimeMs: 10_000 };

function newSessions(): { sessions: Sessions; ended: string[] } {
  const ended: string[] = [];
  return { sessions: new Sessions(times, randomBytes, ({ user }) => ended.push(user)), ended };
}

describe('Sessions', () => {
  test('an id of 256 bits opens its session, and nothing else does', () => {
    const { sessions } = newSessions();
    const id = sessions.start('anna', false, 0);
    assert.match(id, /^[A-Za-z0-9_-]{43}$/);
    const session = sessions.use(id, false, 1)!;
    assert.equal(session.user, 'anna');
    assert.ok(!JSON.stringify(session).includes(id), 'the id is kept nowhere');
    for (const wrong of ['', id.slice(1), `${id}x`, session.key, id.toLowerCase()])
      assert.equal(sessions.use(wrong, false, 1), null);
  });

  test('one that began over TLS is good over TLS only, and the other way round', () => {
    const { sessions } = newSessions();
    assert.equal(sessions.use(sessions.start('anna', true, 0), false, 1), null);
    assert.equal(sessions.use(sessions.start('anna', false, 0), true, 1), null);
  });

  test('ends when nothing is asked for a while, and after a time in any case', () => {
    const { sessions, ended } = newSessions();
    const idle = sessions.start('idle', false, 0);
    assert.notEqual(sessions.use(idle, false, 999), null);
    assert.notEqual(sessions.use(idle, false, 1998), null);
    assert.equal(sessions.use(idle, false, 2998), null);
    const busy = sessions.start('busy', false, 0);
    for (let ms = 900; ms < 10_000; ms += 900) assert.notEqual(sessions.use(busy, false, ms), null);
    assert.equal(sessions.use(busy, false, 10_000), null);
    assert.deepEqual(ended, ['idle', 'busy']);
    assert.equal(sessions.size, 0);
  });

  test('an answer that goes on keeps it from being idle, but not beyond its lifetime', () => {
    const { sessions, ended } = newSessions();
    const { key } = sessions.use(sessions.start('anna', false, 0), false, 0)!;
    sessions.stream(key, true, 0);
    sessions.sweep(5000);
    assert.equal(sessions.size, 1);
    sessions.stream(key, false, 5000);
    sessions.sweep(5999);
    assert.equal(sessions.size, 1);
    sessions.sweep(6000);
    assert.deepEqual(ended, ['anna']);
    const long = sessions.use(sessions.start('bernd', false, 0), false, 0)!;
    sessions.stream(long.key, true, 0);
    sessions.sweep(10_000);
    assert.deepEqual(ended, ['anna', 'bernd']);
  });

  test('the one that was used longest ago gives way, of a user and of all', () => {
    const { sessions } = newSessions();
    const own = Array.from({ length: limits.access.sessionsPerUser }, () => sessions.start('anna', false, 0));
    sessions.use(own[0]!, false, 1);
    sessions.start('anna', false, 2);
    assert.equal(sessions.countOf('anna'), limits.access.sessionsPerUser);
    assert.notEqual(sessions.use(own[0]!, false, 2), null);
    assert.equal(sessions.use(own[1]!, false, 2), null);
    for (let i = 0; i < limits.access.sessions + 10; i++) sessions.start(`user${i}`, false, 3);
    assert.equal(sessions.size, limits.access.sessions);
    assert.equal(sessions.countOf('anna'), 0);
  });

  test('all of a user end together', () => {
    const { sessions, ended } = newSessions();
    for (const user of ['anna', 'bernd', 'anna']) sessions.start(user, false, 0);
    assert.equal(sessions.endUser('anna'), 2);
    assert.deepEqual(ended, ['anna', 'anna']);
    assert.equal(sessions.size, 1);
  });
});
