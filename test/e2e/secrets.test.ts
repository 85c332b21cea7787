/**
 * Nothing that opens a door is ever logged: passwords, what is derived from them, and the words with which they are asked for.
 * The whole output of the program at the level trace is searched, after real sessions of every kind, with right and wrong logins.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePorts } from '../../native-free-bench/system/free-port.ts';
import { makeCertificate, makePfx } from '../support/certificates.ts';
import { temporaryFolder } from '../support/media.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { authorize, envelope, post, securityXml } from '../support/onvif-peer.ts';
import { type Program, start, until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { RtspClient } from '../support/rtsp-client.ts';

const cli = resolve(import.meta.dirname, '../../src/cli.ts');

// Long enough not to be in a log by chance, and with characters that JSON and XML write in another way.
const password = 'pässword-of-readers-"7\\x';
const wrongPassword = 'wrong-password-of-readers';
const filePassword = 'password-of-the-pfx-file-41';
const environmentPassword = 'password-of-the-pfx-variable-53';
const streamKey = 'key-in-the-query-62';
const credentials = { user: 'operator', password };

/** Everything that must not be in the output, with what it is. */
class Secrets {
  readonly #known = new Map<string, string>();

  add(what: string, value: string | undefined): void {
    assert.ok(value !== undefined && value.length >= 8, `${what} was used`);
    const forms = [
      value,
      JSON.stringify(value).slice(1, -1),
      encodeURIComponent(value),
      Buffer.from(value).toString('base64'),
      Buffer.from(value).toString('hex'),
    ];
    for (const form of forms) this.#known.set(form, what);
  }

  /** All that an RTSP or HTTP dialogue carries: nonces and responses, with the header around them. */
  addDialogue(what: string, text: string): void {
    for (const [, name, value] of text.matchAll(/\b(nonce|response|cnonce|opaque)="([^"]+)"/g))
      if (value!.length >= 8) this.add(`${name} of ${what}`, value);
  }

  get count(): number {
    return this.#known.size;
  }

  assertAbsent(output: string, where: string): void {
    for (const [value, what] of this.#known) assert.equal(output.includes(value), false, `${what} is in the ${where}`);
    assert.doesNotMatch(
      output,
      /Digest (username|realm)=|wsse?:(Password|Nonce|UsernameToken)|Basic [A-Za-z0-9+/]{8}/i,
    );
    assert.doesNotMatch(output, /PRIVATE KEY/);
  }
}

interface Running {
  readonly program: Program;
  readonly ports: { readonly rtmp: number; readonly rtmps: number; readonly rtsp: number; readonly onvif: number };
}

async function run(t: TestContext, args: readonly string[], environment: Record<string, string>): Promise<Running> {
  const folder = temporaryFolder(t);
  const pem = makeCertificate(folder, 'secrets');
  const passphrase = environment['SKYWEIR_TLS_PASSWORD'] ?? filePassword;
  makePfx(join(folder, 'rtmp.pfx'), pem, passphrase);
  writeFileSync(join(folder, 'tls-password'), `${filePassword}\n`);
  const ports = [
    '--rtmp-port',
    '0',
    '--rtsp-port',
    '0',
    '--onvif-port',
    '0',
    '--http-port',
    '0',
    '--rtmps-port',
    String(await freePorts()),
  ];
  const chatty = ['--log-level', 'trace', '--log-format', 'json', '--stats-interval', '1s'];
  const usual = ['--host', '127.0.0.1', '--cameras', '4', '--tls-pfx', 'rtmp.pfx', '--rtsp-digest-sha256'];
  const program = start(t, process.execPath, [cli, ...usual, ...ports, ...chatty, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], SKYWEIR_USER: credentials.user, SKYWEIR_PASSWORD: password, ...environment },
  });
  const ready = () => /^.*"Skyweir is ready".*$/m.exec(program.output.stdout)?.[0];
  await until('the program is ready', () => ready() !== undefined);
  const record = JSON.parse(ready()!) as Record<string, unknown>;
  const port = (name: string): number => Number(String(record[name]).split(':').at(-1));
  const onvif = (record['onvifPorts'] as number[])[0]!;
  return { program, ports: { rtmp: port('rtmp'), rtmps: port('rtmps'), rtsp: port('rtsp'), onvif } };
}

/** Everything that goes over a socket in either direction, as text. */
function listen(socket: Socket): () => string {
  const parts: string[] = [];
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.on('data', (bytes: Buffer) => parts.push(bytes.toString('latin1')));
  Object.assign(socket, {
    write: (...args: unknown[]) => {
      parts.push(Buffer.from(args[0] as string | Uint8Array).toString('latin1'));
      return write(...args);
    },
  });
  return () => parts.join('');
}

/** Plays with the right password, over TCP or TLS, and asks with a wrong one. */
async function readOverRtsp({ ports }: Running, secrets: Secrets): Promise<void> {
  for (const tls of [undefined, { rejectUnauthorized: false }]) {
    const where = tls === undefined ? 'RTSP' : 'RTSPS';
    for (const pass of [wrongPassword, password]) {
      const given = { user: credentials.user, password: pass };
      const options = { port: ports.rtsp, path: '/stream1', credentials: given, ...(tls && { tls }) };
      const client = await RtspClient.connect(options);
      const dialogue = listen(client.socket);
      const { status } = await client.describe();
      assert.equal(status, pass === password ? 200 : 401);
      if (pass === password) {
        await client.setup();
        await client.request('PLAY', client.url);
        await client.until((r) => receivedNumbers(r).length > 5);
        assert.ok(isRun(receivedNumbers(client)));
        await client.request('TEARDOWN', client.url);
      }
      secrets.addDialogue(where, dialogue());
      client.close();
    }
  }
}

/** Plays through the HTTP tunnel, which carries requests as Base64. */
async function readThroughTunnel({ ports }: Running, secrets: Secrets): Promise<void> {
  const open = async (): Promise<Socket> => {
    const socket = connect(ports.rtsp, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };
  const [get, post] = [await open(), await open()];
  const cookie = randomBytes(9).toString('hex');
  const url = `rtsp://127.0.0.1:${ports.rtsp}/stream1`;
  let answers = '';
  get.on('data', (bytes: Buffer) => {
    answers += bytes.toString('latin1');
  });
  get.write(`GET /stream1 HTTP/1.0\r\nx-sessioncookie: ${cookie}\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n`);
  await until('the tunnel is open', () => answers.includes('200 OK'));
  const type = 'Content-Type: application/x-rtsp-tunnelled\r\nContent-Length: 32767';
  post.write(`POST /stream1 HTTP/1.0\r\nx-sessioncookie: ${cookie}\r\n${type}\r\n\r\n`);
  let sequence = 0;
  const ask = async (method: string, target: string, ...headers: string[]): Promise<string> => {
    const text = `${[`${method} ${target} RTSP/1.0`, `CSeq: ${++sequence}`, ...headers].join('\r\n')}\r\n\r\n`;
    const encoded = Buffer.from(text).toString('base64');
    secrets.addDialogue('the tunnel', text);
    if (headers.some((header) => header.startsWith('Authorization'))) secrets.add('a tunnelled request', encoded);
    post.write(encoded);
    const answer = () => new RegExp(`RTSP/1.0 \\d+ [^\r]*\r\nCSeq: ${sequence}\r\n[^]*?\r\n\r\n`).exec(answers)?.[0];
    await until(`${method} is answered`, () => answer() !== undefined);
    return answer()!;
  };
  const nonce = /nonce="([^"]+)"/.exec(await ask('DESCRIBE', url))![1]!;
  secrets.add('a nonce of the tunnel', nonce);
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const login = (method: string, target: string): string => {
    const { user } = credentials;
    const response = md5(`${md5(`${user}:Skyweir:${password}`)}:${nonce}:${md5(`${method}:${target}`)}`);
    return `Authorization: Digest username="${user}", realm="Skyweir", nonce="${nonce}", uri="${target}", response="${response}"`;
  };
  assert.match(await ask('DESCRIBE', url, login('DESCRIBE', url)), / 200 /);
  const track = `${url}/trackID=0`;
  const setup = await ask('SETUP', track, 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1', login('SETUP', track));
  assert.match(setup, / 200 /);
  const session = /Session: ([^;\r]+)/.exec(setup)![1]!;
  assert.match(await ask('PLAY', url, `Session: ${session}`, login('PLAY', url)), / 200 /);
  await until('media comes', () => answers.length > 20_000);
  get.destroy();
  post.destroy();
}

/** Asks an ONVIF device with both kinds of login, right and wrong, and with the password itself. */
async function askOnvif({ ports }: Running, secrets: Secrets): Promise<void> {
  const path = '/onvif/media_service';
  const body = '<trt:GetProfiles/>';
  const { user } = credentials;
  const xmlPassword = password.replaceAll('"', '&quot;');
  secrets.add('the password in XML', xmlPassword);
  for (const [pass, status] of [
    [wrongPassword, 401],
    [password, 200],
  ] as const) {
    const challenge = await post(ports.onvif, envelope(body), { path });
    const offered = [challenge.headers['www-authenticate']].flat().join(', ');
    const md5Offer = offered.includes('SHA-256') ? offered.slice(offered.search(/Digest (?!.*SHA-256)/)) : offered;
    const header = authorize(md5Offer, pass, path, user);
    secrets.addDialogue('ONVIF', `${offered} ${header}`);
    const digest = await post(ports.onvif, envelope(body), { path, headers: { Authorization: header } });
    assert.equal(digest.status, status);

    const nonce = randomBytes(16);
    const header2 = securityXml({ user, password: pass, nonce, createdMs: Date.now() });
    secrets.add('the digest of a token', /<wsse:Password[^>]*>([^<]+)</.exec(header2)![1]!);
    secrets.add('the nonce of a token', nonce.toString('base64'));
    const token = await post(ports.onvif, envelope(body, header2), { path });
    assert.equal(token.status === 200, pass === password);
  }
  // The password in the clear, and as HTTP Basic: whether that is accepted or not.
  const text = securityXml({ user, password: xmlPassword, createdMs: Date.now(), text: true });
  await post(ports.onvif, envelope(body, text), { path });
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  secrets.add('HTTP Basic', basic);
  await post(ports.onvif, envelope(body), { path, headers: { Authorization: `Basic ${basic}` } });
  // Headers and bodies that are broken in the middle of a secret.
  await post(ports.onvif, envelope(body, text).slice(0, -40), { path });
  await post(ports.onvif, envelope(body), { path, headers: { Authorization: `Digest ${basic}` } });
}

/** Publishes with a key in the query, over RTMP and RTMPS, to a camera and to none. */
async function publish(t: TestContext, { ports }: Running): Promise<void> {
  const tls = { rejectUnauthorized: false };
  await NumberedStream.start(t, { port: ports.rtmps, path: '/stream1', tls });
  const query = `?token=${streamKey}`;
  for (const port of [ports.rtmp, ports.rtmps]) {
    const more = port === ports.rtmps ? { tls } : {};
    const known = await RtmpClient.publish({ port, path: `/stream2${query}`, ...more });
    known.stop();
    await known.ended;
    const unknown = await RtmpClient.connect({ port, path: `/live${query}/nowhere${query}`, ...more });
    assert.equal(await unknown.accepted, false);
    await unknown.ended;
  }
}

const variants: Record<string, { args: readonly string[]; environment: Record<string, string> }> = {
  'the password of the certificate in a file': { args: ['--tls-password-file', 'tls-password'], environment: {} },
  'the password of the certificate in a variable': {
    args: [],
    environment: { SKYWEIR_TLS_PASSWORD: environmentPassword },
  },
};

for (const [name, { args, environment }] of Object.entries(variants)) {
  test(`no secret is ever logged, with ${name}`, { timeout: 60_000 }, async (t) => {
    const secrets = new Secrets();
    const running = await run(t, args, environment);
    await publish(t, running);
    await readOverRtsp(running, secrets);
    await readThroughTunnel(running, secrets);
    await askOnvif(running, secrets);
    running.program.kill('SIGTERM');
    const { code, stdout, stderr } = await running.program.ended;
    assert.equal(code, 0);

    secrets.add('the password', password);
    secrets.add('a wrong password', wrongPassword);
    secrets.add('the password of the certificate', environment['SKYWEIR_TLS_PASSWORD'] ?? filePassword);
    secrets.add('the key in the query', streamKey);
    assert.ok(secrets.count > 100, `${secrets.count} secrets were collected`);
    // Otherwise there was nothing in which a secret could have been.
    assert.match(stdout, /RTMP Stream Stats/);
    assert.match(stdout, /"reason":"path_unknown"/);
    assert.match(stdout, /an ONVIF login failed/);
    secrets.assertAbsent(stdout, 'standard output');
    secrets.assertAbsent(stderr, 'standard error');
  });
}

test('a start that fails over a wrong password of the certificate does not show it', { timeout: 30_000 }, async (t) => {
  const folder = temporaryFolder(t);
  makePfx(join(folder, 'rtmp.pfx'), makeCertificate(folder, 'secrets'), filePassword);
  const args = [
    '--host',
    '127.0.0.1',
    '--rtmp-port',
    '0',
    '--rtsp-port',
    '0',
    '--onvif-port',
    '0',
    '--no-http',
    '--tls',
  ];
  const env = { PATH: process.env['PATH'], SKYWEIR_PASSWORD: password, SKYWEIR_TLS_PASSWORD: environmentPassword };
  const program = start(t, process.execPath, [cli, ...args, '--log-level', 'trace'], { cwd: folder, env });
  const { code, stdout, stderr } = await program.ended;
  assert.equal(code, 1);
  const secrets = new Secrets();
  secrets.add('the password', password);
  secrets.add('the password of the certificate', environmentPassword);
  secrets.assertAbsent(stdout, 'standard output');
  secrets.assertAbsent(stderr, 'standard error');
  assert.match(stderr, /password is wrong/);
});
