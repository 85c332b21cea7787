import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { until } from '../../support/program.ts';
import { basic, begin, get, operator, send } from './http-operator.ts';
import { flight, head, httpRow, login, question } from './http-row.ts';
import { answeredWith, ask, closed, notHttp, refused, statuses } from './http-talk.ts';
import type { Row, Scene } from './row.ts';
import { secret } from './rtmp-path-rows.ts';

const change = (content: string, ...headers: readonly string[]): Buffer =>
  send('PATCH', '/api/v1/config', content, operator, ...headers);

/** Ways out of the folder of the page's files, as they come over the wire. */
const waysOut = [
  '/page/../../../../../../etc/passwd',
  '/page/modules/../../../../package.json',
  '/page/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
  '/page/..%2f..%2f..%2f..%2fetc%2fpasswd',
  '/page/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '/page/%252e%252e%252f%252e%252e%252fetc%252fpasswd',
  '/page/..\\..\\..\\etc\\passwd',
  '/page/..%5c..%5cetc%5cpasswd',
  '/page/..%c0%af..%c0%afetc%c0%afpasswd',
  '/page/%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd',
  '/page/%uff0e%uff0e/etc/passwd',
  '/page/....//....//etc/passwd',
  '/page/..;/..;/etc/passwd',
  '/page//etc/passwd',
  '//etc/passwd',
  '/page/file:///etc/passwd',
  '/page/page.css%00.html',
  '/page/page.css/../../http-port.ts',
  '/page/modules/..%2f..%2fnet%2fhttp-port.ts',
  '/page/packages/preact/../../../package.json',
  '/page/modules/main.ts%2f..%2f..%2f..',
  '/page/%',
  '/page/%zz',
  '/page/__proto__',
  '/page/modules/constructor',
  `/page/${'../'.repeat(1000)}etc/passwd`,
];

/** Control characters of 7 and of 8 bits, and text that is turned around, as bytes of a request. */
const steeringText = '\u009b2J\u0085\u00e2\u0080\u00ae\u00e2\u0080\u00a8';
const forged = '%0d%0a{"level":"error","msg":"forged"}%0d%0a%1b[2J';

/** Good HTTP that means no good: targets, headers, bodies and logins. */
export const httpRequestRows: readonly Row[] = [
  httpRow(
    'http-page-traversal',
    'asks for files outside the page, in all encodings',
    refused([400, 401, 404], null),
    async (scene) => {
      const peer = await scene.http();
      for (const way of waysOut) {
        peer.forget();
        await ask(peer, get(way));
        await until('the answer is whole', () => /\r\n\r\n.*\}$/s.test(peer.received));
        assert.doesNotMatch(peer.received, /root:|createServer|devDependencies/, way);
      }
    },
  ),
  flight(
    'http-target-controls',
    'hides NUL, line feeds and control characters in the target',
    closed(400, notHttp),
    ['/\u0000', '/page/\u0000.css', '/\u001b[2J', '/a\u0007b', '/\u007f', '/a\rb', '/a\u000bb'].map((one) => get(one)),
  ),
  flight(
    'http-log-injection',
    'forges lines of the log and steers the terminal from target and headers, without a login',
    answeredWith([400, 401, 403, 404], null),
    [
      get(`/${forged}${steeringText}`),
      get(`/api/v1/streams?${forged}&key=${secret}`, `User-Agent: ${steeringText}`),
      get('/api/v1/streams', `Referer: ${steeringText}`, `X-Forwarded-For: ${steeringText}`, `Via: ${steeringText}`),
      get('/api/v1/streams', `Origin: ${steeringText}`, `Cookie: skyweir=${secret}${steeringText}`),
      send('POST', `/api/v1/streams/${forged}/kick`, '', `Origin: https://${steeringText}`),
    ],
  ),
  flight(
    'http-log-injection-logged-in',
    'does the same where it is logged in, so that what it asks for is in the log',
    answeredWith([400, 404, 415, 422], 'HTTP API: '),
    [
      begin('POST', `/api/v1/streams/${forged}${steeringText}/kick`, operator, 'Content-Length: 0'),
      begin('POST', `/api/v1/streams/1${steeringText.repeat(50)}/kick?key=${secret}`, operator, 'Content-Length: 0'),
      begin('DELETE', `/api/v1/users/${forged}`, operator),
      begin('DELETE', `/api/v1/tokens/${steeringText}${'x'.repeat(300)}`, operator),
      send(
        'POST',
        '/api/v1/users',
        JSON.stringify({ name: '\u001b[2J\u202e', password: secret, role: 'admin' }),
        operator,
      ),
      change(JSON.stringify({ '\u001b[2J\r\n{"level":"error"}': '\u202e' })),
    ],
  ),
  flight(
    'http-cross-site',
    'has the browser of somebody who is logged in post from another site',
    refused(403, null),
    [
      'Origin: https://evil.example',
      'Origin: null',
      'Origin: http://skyweir.evil.example',
      'Origin: http://skyweir:8080',
      'Origin: http://skyweir@evil.example',
      'Origin: file://',
      'Sec-Fetch-Site: cross-site',
      'Sec-Fetch-Site: same-site',
      'Sec-Fetch-Site: cross-site\r\nOrigin: http://skyweir',
    ].map((line) => begin('POST', '/api/v1/streams/1/kick', operator, line, 'Content-Length: 0')),
  ),
  flight(
    'http-media-types',
    'sends forms, text and XML where JSON is asked for, as pages of other sites can',
    answeredWith(415, 'HTTP API: '),
    [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/xml',
      'x'.repeat(5000),
      'application/json/../text',
    ].map((type) => change('{"log-level":"trace"}', `Content-Type: ${type}`)),
  ),
  flight(
    'http-not-json',
    'sends bodies that are no JSON, or other JSON than is asked for',
    answeredWith(400, null),
    [
      ...['', '{', '{"user":', 'null', '[]', '"x"', '1e999999', '\ufeff{}', '{"user":{},"password":[]}', '{}'],
      '{"user":"a","password":"b","more":1}',
      `{"user":"${'u'.repeat(10_000)}","password":""}`,
      '\u0000',
    ].map((text) => send('POST', login, text)),
  ),
  flight('http-not-utf8', 'sends JSON that is no UTF-8, and UTF-16', answeredWith(400, null), [
    send('POST', login, Buffer.concat([Buffer.from('{"\xff\xfe":'), Buffer.from([0xc0, 0xae, 0xff, 0x7d])])),
    send('POST', login, Buffer.from(question, 'utf16le')),
  ]),
  flight(
    'http-json-deep',
    'is logged in, and nests arrays and objects 200,000 deep',
    answeredWith([400, 422], 'HTTP API: '),
    [
      change('['.repeat(200_000)),
      change(`{"log-level":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
      change(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`),
      send('PUT', '/api/v1/config', `{"cameras":${'['.repeat(200_000)}${']'.repeat(200_000)}}`, operator),
      send('PUT', '/api/v1/config', '['.repeat(200_000), operator, 'Content-Type: application/yaml'),
      send('PUT', '/api/v1/config', `${'a: &a [*a'.repeat(9)}`, operator, 'Content-Type: application/yaml'),
      send('POST', '/api/v1/hardware', `{"cameras":${'[{"a":'.repeat(100_000)}1${'}]'.repeat(100_000)}}`, operator),
    ],
  ),
  flight(
    'http-prototype',
    'is logged in, and sends keys such as __proto__ and constructor',
    answeredWith([400, 422], 'HTTP API: '),
    [
      '{"__proto__":{"role":"admin"}}',
      '{"constructor":{"prototype":{"role":"admin"}}}',
      '{"\\u005f_proto__":{"http":false}}',
      '{"hardware":{"__proto__":{"length":9}}}',
      '{"toString":1}',
    ].map((text) => change(text)),
  ),
  httpRow(
    'http-login-guessing',
    'tries passwords as fast as it can through the form of the page',
    refused(429, 'an HTTP login failed'),
    async (scene) => {
      await Promise.all(Array.from({ length: 20 }, () => guess(scene, 'admin')));
      const peer = await scene.http();
      await askUntil(peer, 429, () => send('POST', login, question));
      for (const one of scene.peers) if (one !== peer) one.socket.destroy();
      scene.peers.splice(0, scene.peers.length, peer);
    },
  ),
  httpRow(
    'http-basic-guessing',
    'tries passwords with every request',
    refused(429, 'an HTTP login failed'),
    async (scene) => {
      const peer = await scene.http();
      await askUntil(peer, 429, (i) => get('/metrics', `Authorization: ${basic('admin', `${secret}${i}`)}`));
    },
  ),
  httpRow(
    'http-token-guessing',
    'tries API tokens, and headers that hold none',
    refused(401, 'an HTTP login failed'),
    async (scene) => {
      const peer = await scene.http();
      const guesses = ['', secret, 'x'.repeat(9000), '\u009b2J', 'a b c', '=', 'skyweir_'];
      for (const one of guesses) await ask(peer, get('/api/v1/users', `Authorization: Bearer ${one}`));
    },
  ),
  flight(
    'http-login-odd',
    'sends Authorization headers that are none, or too much of one',
    refused([400, 401, 429], 'an HTTP login failed'),
    [
      get('/metrics', 'Authorization: Basic'),
      get('/metrics', `Authorization: Basic ${'QQ=='.repeat(3000)}`),
      get('/metrics', 'Authorization: Basic \u0085\u009b'),
      get('/metrics', `Authorization: Digest ${'a="'.repeat(2000)}`),
      get('/metrics', `Authorization: Digest ${Array.from({ length: 500 }, (_, i) => `k${i}="${i}"`).join(',')}`),
      get(
        '/metrics',
        'Authorization: Digest username="admin", realm="Skyweir", nonce="x", uri="/metrics", response="y"',
      ),
    ],
  ),
  flight('http-cookie-flood', 'sends thousands of cookies, and sessions that it made up', refused(401, null), [
    get('/api/v1/streams', `Cookie: ${'skyweir=x; '.repeat(1400)}`),
    get('/api/v1/streams', `Cookie: ${';'.repeat(15_000)}`),
    get('/api/v1/streams', `Cookie: ${'='.repeat(15_000)}`),
    get('/api/v1/streams', `Cookie: skyweir=${'s'.repeat(8000)}`),
    get('/api/v1/streams', ...Array.from({ length: 400 }, (_, i) => `Cookie: skyweir=${i}`)),
    get('/api/v1/streams', 'Cookie: skyweir=__proto__; skyweir=\u009b2J'),
  ]),
  flight('http-body-compressed', 'sends bodies that are compressed, and would grow', answeredWith([400, 415], null), [
    send('POST', login, gzipSync(Buffer.alloc(8 * 1024 * 1024, 0x20)), 'Content-Encoding: gzip'),
    send('POST', login, 'x', 'Content-Encoding: br, gzip, br'),
  ]),
  flight('http-parameters-odd', 'asks with numbers that are none, and parameters twice', refused([400, 404], null), [
    ...['-1', '1.5', '1e999', '99999999999999999999', '__proto__', '%00', '%2e%2e', '1;2', 'NaN'].map((index) =>
      get(`/api/v1/streams/${index}`, operator),
    ),
    ...[
      'limit=-1',
      'limit=1e99',
      'limit=1&limit=2',
      '__proto__[x]=1',
      `since=${'x'.repeat(5000)}`,
      'since=a&since=b',
    ].map((query) => get(`/api/v1/events?${query}`, operator)),
  ]),
  flight('http-headers-odd', 'sends lists of 15,000 characters in headers that are looked into', refused(200, null), [
    get('/metrics', operator, `Accept: ${'text/plain;q=0.1,'.repeat(850)}`),
    get('/metrics', operator, `Accept: ${';q='.repeat(5000)}`),
    get('/metrics', operator, `Accept: ${' '.repeat(15_000)}x`),
    get('/', `If-None-Match: ${'"x", '.repeat(3000)}`, `Accept-Encoding: ${'gzip;q=0,'.repeat(100)}`),
    get('/api/v1/streams', operator, `Range: bytes=${'0-1,'.repeat(3000)}`),
    get('/api/v1/overview', operator, `If-None-Match: ${' ,'.repeat(7000)}`),
  ]),
  flight('http-expect', 'expects things before it sends its body', refused([400, 417], null), [
    head('Content-Length: 2', 'Expect: 1000-miracles'),
    `${head('Content-Length: 2', 'Expect: 100-continue')}{}`,
  ]),
];

async function guess(scene: Scene, user: string): Promise<void> {
  await ask(await scene.http(), send('POST', login, JSON.stringify({ user, password: secret })));
}

/** Asks until the answer has a status; throws when it does not come. */
async function askUntil(
  peer: Awaited<ReturnType<Scene['http']>>,
  status: number,
  request: (i: number) => Uint8Array | string,
): Promise<void> {
  for (let i = 0; i < 40; i++) if ((await ask(peer, request(i))) === status) return;
  assert.fail(`${status} never came: ${statuses(peer)}`);
}
