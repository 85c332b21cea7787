import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { Callback } from '../../../src/publish-auth/callback.ts';
import { parsePublishQuery } from '../../../src/publish-auth/publish-query.ts';
import type { PublishAttempt } from '../../../src/publish-auth/verdict.ts';
import { attemptOf, never } from './attempt.ts';

type Answer = number | Error | Promise<number>;

function callbackOf(answer: Answer | (() => Answer), secret: string | null = null) {
  const state = { nowMs: 0, bodies: [] as string[], headers: [] as Record<string, string>[], failures: [] as string[] };
  const callback = new Callback({
    post: async (body, headers) => {
      state.bodies.push(body);
      state.headers.push({ ...headers });
      const given = typeof answer === 'function' ? answer() : answer;
      if (given instanceof Error) throw given;
      return given;
    },
    secret,
    nowMs: () => state.nowMs,
    wallMs: () => 0,
    onFailure: (problem) => state.failures.push(problem),
  });
  const ask = async (changes: Partial<PublishAttempt> = {}, signal = never) => {
    const attempt = attemptOf(changes);
    const verdict = await callback.check(attempt, parsePublishQuery(attempt.query)!, signal);
    return verdict.type === 'refused' ? verdict.reason : verdict.type;
  };
  return { state, ask };
}

describe('the callback', () => {
  for (const [status, expected] of [
    [200, 'accepted'],
    [204, 'accepted'],
    [400, 'credential_wrong'],
    [403, 'credential_wrong'],
    [404, 'credential_wrong'],
    [302, 'credential_unavailable'],
    [408, 'credential_unavailable'],
    [429, 'credential_unavailable'],
    [500, 'credential_unavailable'],
    [503, 'credential_unavailable'],
  ] as const)
    test(`status ${status}: ${expected}`, async () => assert.equal(await callbackOf(status).ask(), expected));

  test('without an answer refuses for the moment, and says so', async () => {
    const { state, ask } = callbackOf(new Error('no answer within 2000 ms'));
    assert.equal(await ask(), 'credential_unavailable');
    assert.deepEqual(state.failures, ['no answer within 2000 ms']);
    assert.equal(await ask(), 'credential_unavailable');
    assert.equal(state.bodies.length, 2, 'no answer is not remembered');
  });

  test('is told who wants what, with the credentials in the body alone', async () => {
    const { state, ask } = callbackOf(200, 'shared-secret');
    await ask({ query: 'flight=7&key=abc', tls: true });
    assert.deepEqual(JSON.parse(state.bodies[0]!), {
      event: 'publish',
      time: '1970-01-01T00:00:00.000Z',
      path: '/gate/north',
      camera: { index: 0, name: 'Gate', path: '/Gate/North' },
      address: '192.0.2.7',
      port: 50_000,
      listener: 1935,
      tls: true,
      connection: 'r1',
      query: { flight: '7', key: 'abc' },
    });
    const mac = createHmac('sha256', 'shared-secret').update(`0.${state.bodies[0]!}`).digest('hex');
    assert.deepEqual(state.headers, [{ 'Skyweir-Signature': `t=0,v1=${mac}` }]);
  });

  test('is told of a key in the path, and that there is no such camera', async () => {
    const { state, ask } = callbackOf(200);
    await ask({ pathKey: 'swk_x', camera: null, query: '__proto__=1' });
    const { camera, query } = JSON.parse(state.bodies[0]!) as Record<string, unknown>;
    assert.equal(camera, null);
    assert.deepEqual(Object.entries(query as object), [
      ['__proto__', '1'],
      ['key', 'swk_x'],
    ]);
    assert.deepEqual(state.headers, [{}]);
  });

  test('is not asked the same again within seconds, whatever the answer was', async () => {
    for (const [status, kept, expected] of [
      [200, limits.publishAuth.callbackAcceptedMs, 'accepted'],
      [403, limits.publishAuth.callbackRefusedMs, 'credential_wrong'],
    ] as const) {
      const { state, ask } = callbackOf(status);
      for (const port of [1, 2, 3]) assert.equal(await ask({ port, connection: `r${port}` }), expected);
      assert.equal(state.bodies.length, 1);
      state.nowMs = kept;
      await ask();
      assert.equal(state.bodies.length, 2);
    }
  });

  test('is asked anew for another address, path, query, key, listener or TLS', async () => {
    const { state, ask } = callbackOf(200);
    const changes: Partial<PublishAttempt>[] = [
      {},
      { address: '192.0.2.8' },
      { path: '/other' },
      { camera: null },
      { query: 'a=1' },
      { pathKey: 'swk_y' },
      { listenerPort: 1936 },
      { tls: true },
    ];
    for (const change of changes) await ask(change);
    assert.equal(state.bodies.length, changes.length);
  });

  test('is asked once by several that ask the same at one time', async () => {
    const answer = Promise.withResolvers<number>();
    const { state, ask } = callbackOf(answer.promise);
    const both = [ask({ connection: 'r1' }), ask({ connection: 'r2' })];
    answer.resolve(200);
    assert.deepEqual(await Promise.all(both), ['accepted', 'accepted']);
    assert.equal(state.bodies.length, 1);
  });

  test('is asked by a few at a time; more wait, and the rest is refused for the moment', async () => {
    const answer = Promise.withResolvers<number>();
    const { state, ask } = callbackOf(answer.promise);
    const { parallel, waiting } = limits.publishAuth.callbacks;
    const asked = Array.from({ length: parallel + waiting + 2 }, (_, i) => ask({ query: `n=${i}` }));
    assert.deepEqual(await Promise.all(asked.slice(-2)), ['credential_unavailable', 'credential_unavailable']);
    assert.equal(state.bodies.length, parallel);
    answer.resolve(200);
    assert.deepEqual(new Set(await Promise.all(asked.slice(0, -2))), new Set(['accepted']));
  });

  test('is not asked for somebody who left while waiting', async () => {
    const answer = Promise.withResolvers<number>();
    const { state, ask } = callbackOf(answer.promise);
    const { parallel } = limits.publishAuth.callbacks;
    const first = Array.from({ length: parallel }, (_, i) => ask({ query: `n=${i}` }));
    const leaver = new AbortController();
    const left = ask({ query: 'left' }, leaver.signal);
    await Promise.resolve();
    leaver.abort();
    assert.equal(await left, 'credential_unavailable');
    answer.resolve(403);
    await Promise.all(first);
    assert.equal(state.bodies.length, parallel);
  });

  test('is asked for whoever waits with somebody who leaves', async () => {
    const answer = Promise.withResolvers<number>();
    const { state, ask } = callbackOf(answer.promise);
    const { parallel } = limits.publishAuth.callbacks;
    const first = Array.from({ length: parallel }, (_, i) => ask({ query: `n=${i}` }));
    const leaver = new AbortController();
    const left = ask({ query: 'same' }, leaver.signal);
    const stayed = [ask({ query: 'same' }), ask({ query: 'same' })];
    await Promise.resolve();
    leaver.abort();
    assert.equal(await left, 'credential_unavailable');
    answer.resolve(200);
    assert.deepEqual(await Promise.all(stayed), ['accepted', 'accepted']);
    await Promise.all(first);
    assert.equal(state.bodies.length, parallel + 1);
  });

  test('remembers a bounded number of answers', async () => {
    const { state, ask } = callbackOf(403);
    const most = limits.publishAuth.callbackAnswers;
    for (let i = 0; i <= most; i++) await ask({ query: `n=${i}` });
    assert.equal(state.bodies.length, most + 1);
    await ask({ query: `n=${most}` });
    assert.equal(state.bodies.length, most + 1);
    await ask({ query: 'n=0' });
    assert.equal(state.bodies.length, most + 2, 'the oldest was forgotten');
  });
});
