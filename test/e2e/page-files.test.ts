import assert from 'node:assert/strict';
import { dirname } from 'node:path/posix';
import { describe, type TestContext, test } from 'node:test';
import { startTestServer, testCredentials } from '../support/media-server.ts';

const timeout = 30_000;
const { user, password } = testCredentials;
const login = { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };

async function openPort(
  t: TestContext,
): Promise<(path: string, headers?: Record<string, string>) => Promise<Response>> {
  const media = await startTestServer();
  t.after(media.stop);
  return (path, headers = {}) => fetch(`http://127.0.0.1:${media.server.addresses.httpPort}${path}`, { headers });
}

describe('the files of the status page', () => {
  test('need no login, and every module finds what it imports', { timeout }, async (t) => {
    const get = await openPort(t);
    const page = await get('/');
    assert.equal(page.status, 200);
    const text = await page.text();
    const { imports } = JSON.parse(/<script type="importmap">(.*?)<\/script>/.exec(text)![1]!) as {
      imports: Record<string, string>;
    };
    const wanted = new Set([...text.matchAll(/(?:href|src)="(\/[^"]+)"/g)].map((match) => match[1]!));
    for (const path of wanted) {
      const file = await get(path);
      assert.equal(file.status, 200, path);
      if (!/javascript/.test(file.headers.get('content-type')!)) continue;
      const module = await file.text();
      assert.doesNotMatch(module, /^import type /m, path);
      for (const [, name] of module.matchAll(/^(?:import|export)\b[^'";]*?from\s*['"]([^'"]+)['"]/gm)) {
        if (name!.startsWith('.'))
          assert.ok(wanted.has(new URL(name!, `http://x${dirname(path)}/`).pathname), `${path}: ${name}`);
        else assert.ok(name! in imports, `${path}: ${name}`);
      }
    }
    assert.ok(wanted.size > 20);
  });

  test('come with a policy that allows no script and no style but their own', { timeout }, async (t) => {
    const get = await openPort(t);
    const { headers } = await get('/');
    const policy = headers.get('content-security-policy')!;
    assert.doesNotMatch(policy, /unsafe|http:|https:|\*/);
    for (const part of ["default-src 'none'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"])
      assert.ok(policy.split('; ').includes(part), part);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    const api = await get('/api/v1/overview', login);
    assert.match(api.headers.get('content-security-policy')!, /^default-src 'none'; frame-ancestors 'none'$/);
  });

  test('are asked for again only when they have changed, and nothing else can be had', { timeout }, async (t) => {
    const get = await openPort(t);
    const first = await get('/page/page.css');
    assert.equal(first.headers.get('cache-control'), 'no-cache');
    const again = await get('/page/page.css', { 'If-None-Match': first.headers.get('etag')! });
    assert.equal(again.status, 304);
    const proxied = await get('/page/page.css', { 'If-None-Match': `"a", W/${first.headers.get('etag')}` });
    assert.equal(proxied.status, 304);
    for (const path of [
      '/page/',
      '/page/modules/../../../package.json',
      '/page/%2e%2e/route.ts',
      '/page/modules/tsconfig.json',
    ]) {
      const { status } = await get(path);
      assert.ok(status === 404 || status === 401, `${path}: ${status}`);
    }
    assert.equal(
      (await get('/page/page.css', { 'Accept-Encoding': 'identity' })).headers.get('content-encoding'),
      null,
    );
  });
});

describe('the overview', () => {
  test('needs a login, is one for all who ask within a second, and names the names that belong to it', {
    timeout,
  }, async (t) => {
    const get = await openPort(t);
    assert.equal((await get('/api/v1/overview')).status, 401);
    const first = await get('/api/v1/overview', login);
    const overview = (await first.json()) as { names: string; all: { readers: number[] }; live: { camera: number[] } };
    assert.deepEqual([overview.all.readers.length, overview.live.camera], [16, []]);
    const names = await get('/api/v1/overview/names', login);
    assert.equal(names.headers.get('etag'), `"${overview.names}"`);
    const body = (await names.json()) as { cameras: { name: string[]; path: string[] } };
    assert.equal(body.cameras.path[2], '/stream3');
    const known = { ...login, 'If-None-Match': `"${overview.names}"` };
    assert.equal((await get('/api/v1/overview/names', known)).status, 304);
    assert.equal((await get('/api/v1/streams/3/events', login)).status, 200);
    assert.equal((await get('/api/v1/streams/99/events', login)).status, 404);
  });
});
