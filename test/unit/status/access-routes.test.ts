import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StartError } from '../../../src/config/errors.ts';
import { accessRoutes } from '../../../src/status/access-routes.ts';
import type { AccessSource } from '../../../src/status/access-source.ts';
import type { RouteRequest } from '../../../src/status/route.ts';

test('a list that cannot be written is told to who asked, with the reason', async () => {
  const message = '/var/lib/skyweir/users.json: cannot be written: the disk is full; choose a folder with --state-dir';
  const fail = () => Promise.reject(new StartError(message));
  const source = {
    addUser: fail,
    changeUser: fail,
    removeUser: fail,
    addToken: fail,
    removeToken: fail,
    changeOwnPassword: fail,
  } as unknown as AccessSource;
  const request = {
    params: { name: 'anna', id: 'a' },
    body: {},
    user: { name: 'root', role: 'admin', via: 'session' },
    headers: {},
  };
  const changing = accessRoutes(source).filter(({ method, path }) => method !== 'GET' && !/log(?:in|out)$/.test(path));
  assert.equal(changing.length, 6);
  for (const { method, path, answers, handle } of changing) {
    const answer = await handle!(request as unknown as RouteRequest);
    assert.equal(answer.status, 503, `${method} ${path}`);
    assert.equal((answer.body as { detail: string }).detail, message);
    assert.ok(503 in answers, `${method} ${path}`);
  }
});
