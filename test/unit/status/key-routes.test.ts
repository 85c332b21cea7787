import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keyRoutes } from '../../../src/status/key-routes.ts';
import { type KeyInfo, KeyRefusal, type KeySource } from '../../../src/status/key-source.ts';
import { type RouteAnswer, type RouteRequest, roleOf } from '../../../src/status/route.ts';

const info: KeyInfo = {
  id: 'aaaaaaaa',
  stream: 0,
  path: '/stream1',
  label: 'drone 7',
  kind: 'random',
  state: 'valid',
  created: '2026-01-01T00:00:00.000Z',
  notBefore: null,
  notAfter: null,
  running: false,
  lastUsed: null,
};
const secret = 'swk_0123456789abcdefghjkmnpqrstvwxyz';

function routesOf(refuse?: KeyRefusal) {
  const calls: unknown[][] = [];
  const note = async <T>(answer: T, ...call: unknown[]): Promise<T> => {
    calls.push(call);
    if (refuse !== undefined) throw refuse;
    return answer;
  };
  const source: KeySource = {
    publishAuth: () => ({ enabled: true, methods: ['keys'], streams: [0] }),
    keys: () => [info],
    addKey: (wish) => note({ ...info, key: secret }, 'add', wish),
    changeKey: (id, change) => note(info, 'change', id, change),
    rotateKey: (...args) => note({ ...info, key: secret }, 'rotate', ...args),
    revokeKey: (...args) => note(undefined, 'revoke', ...args),
  };
  const routes = keyRoutes(source);
  const call = async (name: string, request: Partial<RouteRequest> = {}): Promise<RouteAnswer> => {
    const route = routes.find(({ method, path }) => `${method} ${path}` === name)!;
    const user = { name: 'a', role: 'admin' } as const;
    return route.handle!({ params: {}, query: {}, body: undefined, headers: {}, user, ...request });
  };
  return { routes, calls, call };
}

const one = { params: { id: 'aaaaaaaa' } };

describe('the requests for stream keys', () => {
  test('only an admin changes keys, an operator sees them, everybody sees whether they are needed', () => {
    const roles = routesOf().routes.map((route) => `${route.method} ${route.path} ${roleOf(route)}`);
    assert.deepEqual(roles, [
      'GET /api/v1/publish-auth viewer',
      'GET /api/v1/keys operator',
      'POST /api/v1/keys admin',
      'PATCH /api/v1/keys/{id} admin',
      'POST /api/v1/keys/{id}/rotate admin',
      'DELETE /api/v1/keys/{id} admin',
    ]);
  });

  test('a key is in the answer to its making and in no other, and never in the note for the log', async () => {
    const { call } = routesOf();
    const made = [
      await call('POST /api/v1/keys', { body: { stream: 0, label: 'drone 7' } }),
      await call('POST /api/v1/keys/{id}/rotate', { ...one, body: {} }),
    ];
    for (const { status, body, note } of made) {
      assert.deepEqual([status, (body as { key: string }).key], [201, secret]);
      assert.ok(!JSON.stringify(note).includes(secret));
    }
    for (const name of ['GET /api/v1/keys', 'GET /api/v1/publish-auth'])
      assert.ok(!JSON.stringify(await call(name)).includes(secret));
  });

  test('what is left out stays as it is, and null takes a bound away', async () => {
    const { call, calls } = routesOf();
    const notAfter = '2026-12-01T08:00:00+01:00';
    await call('POST /api/v1/keys', { body: { stream: 3, notAfter } });
    await call('PATCH /api/v1/keys/{id}', { ...one, body: { notAfter: null, notBefore: notAfter } });
    await call('PATCH /api/v1/keys/{id}', { ...one, body: { label: 'x' } });
    const ms = Date.UTC(2026, 11, 1, 7);
    assert.deepEqual(calls, [
      ['add', { stream: 3, label: '', notBeforeMs: null, notAfterMs: ms }],
      ['change', 'aaaaaaaa', { notBeforeMs: ms, notAfterMs: null }],
      ['change', 'aaaaaaaa', { label: 'x' }],
    ]);
  });

  test('a stream that runs is kept unless it is said that it be cut', async () => {
    const { call, calls } = routesOf();
    const rotate = 'POST /api/v1/keys/{id}/rotate';
    const revoke = 'DELETE /api/v1/keys/{id}';
    await call(rotate, { ...one, body: {} });
    await call(rotate, { ...one, body: { running: 'cut' } });
    await call(rotate, { ...one, body: { graceSeconds: 60 } });
    assert.equal((await call(rotate, { ...one, body: { running: 'cut', graceSeconds: 60 } })).status, 422);
    await call(revoke, one);
    assert.equal((await call(revoke, { ...one, query: { running: 'cut' } })).status, 204);
    assert.deepEqual(
      calls.map(([name, , ...rest]) => [name, ...rest]),
      [
        ['rotate', 'keep', 0],
        ['rotate', 'cut', 0],
        ['rotate', 'keep', 60_000],
        ['revoke', 'keep'],
        ['revoke', 'cut'],
      ],
    );
  });

  test('a refusal is a problem with its reason', async () => {
    const { call } = routesOf(new KeyRefusal(409, 'the camera has 32 keys already'));
    const answer = await call('POST /api/v1/keys', { body: { stream: 0 } });
    assert.deepEqual([answer.status, answer.mediaType], [409, 'application/problem+json']);
    assert.match(JSON.stringify(answer.body), /32 keys already/);
  });
});
