import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { testCredentials } from '../../support/media-server.ts';
import { authorize, envelope, post } from '../../support/onvif-peer.ts';
import { until } from '../../support/program.ts';
import { ask, refused, statuses } from './http-talk.ts';
import {
  client,
  flight,
  getProfiles,
  login,
  pullMessages,
  request,
  signed,
  subscribe,
  subscribeTo,
  unsubscribe,
} from './onvif-talk.ts';
import type { Row, StatusEnd } from './row.ts';
import { secret } from './rtmp-path-rows.ts';

const protocol = 'ONVIF' as const;
const path = '/onvif/device_service';
const wrong = 'The user name or password is wrong';
const unread = (reason: string): StatusEnd => refused(400, `This cannot be read: ${reason}`);
const entities = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('');

/** A row that sends one document, with a login or without: what is wrong with it is found first. */
function document(id: string, attack: string, ends: StatusEnd, ...texts: (Buffer | string)[]): Row {
  return flight(id, attack, ends, () => texts.map((text) => request(text)));
}

const nested = (depth: number): string => envelope(`${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`);
const attributes = (count: number, prefix: string): string =>
  envelope(`<a ${Array.from({ length: count }, (_, i) => `${prefix}${i}="u"`).join(' ')}/>`);

/** XML and SOAP as they should not be, and what strangers and users must not get by with. */
export const onvifSoapRows: readonly Row[] = [
  document(
    'onvif-billion-laughs',
    'sends entities that would grow to a billion',
    unread('a document type is not allowed'),
    `<?xml version="1.0"?><!DOCTYPE s [<!ENTITY l0 "lol">${entities}]>${envelope('<a>&l9;</a>')}`,
  ),
  document(
    'onvif-external-entity',
    'asks for a file and for another host by external entities',
    unread('a document type is not allowed'),
    `<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]>${envelope('<a>&x;</a>')}`,
    `<!DOCTYPE s SYSTEM "http://169.254.169.254/x.dtd">${envelope('<a/>')}`,
    `<!DOCTYPE s [<!ENTITY % p SYSTEM "http://169.254.169.254/x">%p;]>${envelope('<a/>')}`,
  ),
  document(
    'onvif-unknown-entity',
    'uses entities that were never declared',
    unread('an entity that is not known'),
    envelope('<a>&x;</a>'),
    envelope('<a b="&#0;"/>'),
    envelope('<a>&#xD800;</a>'),
  ),
  document(
    'onvif-depth',
    'nests 1000 elements',
    unread('the document is not well-formed XML, or nested too deeply'),
    nested(500),
  ),
  document('onvif-elements', 'sends 4000 elements', unread('too many elements'), envelope('<a/>'.repeat(2000))),
  document(
    'onvif-attributes',
    'sends an element with 1400 attributes',
    unread('too many attributes'),
    attributes(1400, 'a'),
  ),
  document('onvif-namespaces', 'declares 1100 namespaces', unread('too many attributes'), attributes(1100, 'xmlns:')),
  document(
    'onvif-pi',
    'hides processing instructions',
    unread('processing instructions are not allowed'),
    envelope('<?php x?><a/>'),
  ),
  document(
    'onvif-not-utf8',
    'sends bytes that are no UTF-8, and UTF-16',
    unread('the document is not UTF-8'),
    Buffer.from(envelope('<a>\u00ff\u00c0\u0080</a>'), 'latin1'),
    Buffer.from(`\ufeff${envelope('<a/>')}`, 'utf16le'),
    Buffer.from(`\ufeff${envelope('<a/>')}`, 'utf16le').swap16(),
  ),
  document(
    'onvif-nul',
    'hides NUL and control characters',
    unread('a character that XML does not have'),
    envelope('<a>\0</a>'),
    envelope('<a>\u001b[2J</a>'),
  ),
  document(
    'onvif-prototype',
    'names elements and attributes __proto__ and constructor',
    { status: [400, 401], closed: false, reason: 'This cannot be read: ' },
    envelope('<__proto__ constructor="x"/>'),
    envelope('<constructor __proto__="x"/>'),
    envelope('<hasOwnProperty toString="x"/>'),
  ),
  flight(
    'onvif-worst-document',
    'sends the documents that cost most, 200 times',
    { status: 401, closed: false, reason: null },
    () => {
      const costly = envelope(
        `<a ${Array.from({ length: 900 }, (_, i) => `a${i}="u"`).join(' ')}/>${'<b/>'.repeat(300)}`,
      );
      return [Buffer.concat(Array<Buffer>(200).fill(request(costly)))];
    },
  ),
  {
    id: 'onvif-stranger-64-kb',
    protocol,
    attack: 'sends 60 kB without HTTP Digest',
    ends: refused(413, 'the request is too large without HTTP Digest'),
    gate: true,
    play: async (scene) => {
      await ask(await scene.onvif(), request(envelope(`<a>${' '.repeat(60_000)}</a>`, login())));
    },
  },
  {
    id: 'onvif-password-flood',
    protocol,
    attack: 'tries passwords as fast as it can, by token and by HTTP Digest',
    ends: refused(429, wrong),
    gate: true,
    play: async (scene) => {
      const guess = () => request(envelope(getProfiles, login({ password: secret })));
      const peer = await scene.onvif();
      const startMs = performance.now();
      for (let i = 0; i < 60; i++) await ask(peer, guess());
      const seconds = (performance.now() - startMs) / 1000;
      const all = statuses(peer);
      const lookedAt = all.filter((status) => status === 400).length;
      // Five at once, and one after each wait: those are 1, 2, 4 s and so on. Where 60 take less than a second there is none.
      const most = 5 + Math.floor(Math.log2(1 + seconds));
      assert.ok(lookedAt >= 5 && lookedAt <= most, `${lookedAt} guesses were looked at in ${seconds} s`);
      assert.equal(all.filter((status) => status === 429).length, 60 - lookedAt);
      assert.match(peer.received, /Retry-After: [1-9]/);
      // A guess that is looked at makes a wait of seconds, whatever kind of login follows.
      while ((await ask(peer, guess())) !== 400) await delay(100);
      const waitMs = performance.now();
      const digest = await scene.onvif();
      const header = `Authorization: ${authorize('realm="Skyweir", nonce="x"', secret, path)}`;
      await ask(peer, guess());
      for (let i = 0; i < 20; i++) await ask(digest, request(envelope(getProfiles), [header]));
      const waitedSeconds = (performance.now() - waitMs) / 1000;
      const refusals = [statuses(peer).at(-1)!, ...statuses(digest)].filter((status) => status === 429).length;
      assert.ok(refusals >= 21 - Math.floor(Math.log2(1 + waitedSeconds)), `${refusals} in ${waitedSeconds} s`);
      // Nobody else has to wait.
      assert.equal((await client(scene, getProfiles, { from: scene.otherAddress(1) })).status, 200);
    },
  },
  {
    id: 'onvif-password-spray',
    protocol,
    attack: 'tries passwords from 100 addresses',
    ends: refused(400, wrong),
    gate: true,
    play: async (scene) => {
      for (let i = 0; i < 100; i++) {
        const peer = await scene.onvif({ from: scene.otherAddress(10 + i) });
        assert.equal(await ask(peer, request(envelope(getProfiles, login({ password: secret })))), 400);
      }
      assert.equal((await client(scene, getProfiles)).status, 200);
    },
  },
  {
    id: 'onvif-replayed-token',
    protocol,
    attack:
      'sends a token that it overheard a second time, also with its nonce written in another way, and to another device',
    ends: refused(400, 'The nonce was used before'),
    gate: true,
    play: async (scene) => {
      const overheard = signed(getProfiles);
      assert.equal((await post(scene.onvifPort, overheard, { from: scene.address })).status, 200);
      await ask(await scene.onvif(), request(overheard));
      const other = envelope('<tds:GetUsers/>', /<s:Header>(.*)<\/s:Header>/.exec(overheard)![1]);
      const from = scene.otherAddress(1);
      await ask(await scene.onvif({ from }), request(other));
      await ask(await scene.onvif({ from }), request(other.replace('==</wsse:Nonce>', '</wsse:Nonce>')));
      await ask(await scene.open({ port: scene.otherOnvifPort, from }), request(other));
    },
  },
  {
    id: 'onvif-clock',
    protocol,
    attack: 'sends tokens whose time is ten minutes off, and far beyond all calendars',
    ends: refused(400, 'The '),
    gate: true,
    play: async (scene) => {
      for (const offMs of [-600_000, 600_000]) {
        const peer = await scene.onvif();
        await ask(peer, request(envelope(getProfiles, login({ createdMs: Date.now() + offMs }))));
        await peer.receives('more than 5 minutes');
      }
      const peer = await scene.onvif();
      await ask(
        peer,
        request(envelope(getProfiles, login().replace(/(Created[^>]*>)[^<]*/, '$1999999-99-99T99:99:99Z'))),
      );
    },
  },
  {
    id: 'onvif-replayed-digest',
    protocol,
    attack: 'signs for another path than it asks for, with HTTP Digest that it overheard',
    ends: refused(401, wrong),
    gate: true,
    play: async (scene) => {
      const first = await post(scene.onvifPort, envelope(getProfiles), { from: scene.address });
      const overheard = authorize(
        String(first.headers['www-authenticate']),
        testCredentials.password,
        path,
        testCredentials.user,
      );
      const peer = await scene.onvif();
      const body = envelope('<tds:GetUsers/>');
      await ask(peer, request(body, [`Authorization: ${overheard}`], '/onvif/media_service'));
    },
  },
  {
    id: 'onvif-digest-odd',
    protocol,
    attack: 'sends HTTP Digest headers that are none, or too much of one',
    ends: refused([401, 429], wrong),
    gate: true,
    play: async (scene) => {
      const quotes = `Digest ${'username="'.repeat(1000)}`;
      const commas = `Digest ${','.repeat(12_000)}`;
      const escapes = `Digest username="${'\\"'.repeat(6000)}"`;
      for (const value of ['Digest x', quotes, commas, escapes, 'Digest response="\u0000"'.replace('\u0000', '%00')])
        await ask(await scene.onvif(), request(envelope(getProfiles), [`Authorization: ${value}`]));
    },
  },
  {
    id: 'onvif-log-injection',
    protocol,
    attack: 'forges lines of the log, steers the terminal and turns text around in user names, operations and paths',
    ends: refused([400, 429], ''),
    gate: true,
    play: async (scene) => {
      const line = '\u009b2J\u202e&#13;&#10;{"level":"info","msg":"fake"}';
      const named = (name: string) => envelope(getProfiles, login({ user: name, password: secret }));
      const texts = [
        named(line.replaceAll('"', '&quot;')),
        named('x'.repeat(5000)),
        envelope('<tds:Get\u202eUsers/>', login({ password: secret })),
        envelope(`<tds:${'G'.repeat(10_000)}/>`, login({ password: secret })),
      ];
      for (const text of texts)
        await ask(await scene.onvif(), request(text, [], `/${encodeURIComponent(line)}?password=${secret}`));
    },
  },
  {
    id: 'onvif-operation-long',
    protocol,
    attack: 'logs in and asks for an operation whose name has 15,000 characters',
    ends: refused(500, ''),
    gate: true,
    play: async (scene) => {
      for (const prefix of ['tds', 'trt', 'tev']) {
        const peer = await scene.onvif();
        assert.equal(await ask(peer, request(signed(`<${prefix}:${'G'.repeat(14_000)}/>`))), 500);
      }
    },
  },
  {
    id: 'onvif-pull-point-flood',
    protocol,
    attack: 'makes 100 pull points, where 32 are allowed',
    ends: refused(500, 'There are too many subscriptions'),
    gate: true,
    play: async (scene) => {
      const peer = await scene.onvif();
      const create = () =>
        request(
          signed(
            '<tev:CreatePullPointSubscription><tev:InitialTerminationTime>PT10M</tev:InitialTerminationTime></tev:CreatePullPointSubscription>',
          ),
        );
      for (let i = 0; i < 100; i++) await ask(peer, create());
      assert.equal(statuses(peer).filter((status) => status === 200).length, 32);
      // None is over by itself before the last is asked for.
      for (const [, pullPoint = ''] of peer.received.matchAll(/<wsa:Address>[^<]*?(\/onvif\/[^<]*)</g))
        assert.equal((await client(scene, unsubscribe, { path: pullPoint })).status, 200);
    },
  },
  {
    id: 'onvif-pulls-hanging',
    protocol,
    attack: 'pulls from one pull point over 60 connections, and leaves',
    ends: refused(null, 'Another PullMessages is waiting'),
    gate: true,
    play: async (scene) => {
      const { path: pullPoint } = await subscribe((body) => client(scene, body), 600);
      assert.equal((await client(scene, pullMessages(0), { path: pullPoint })).status, 200);
      for (let i = 0; i < 60; i++) (await scene.onvif()).write(request(signed(pullMessages(300)), [], pullPoint));
      await until(
        'all but one are refused',
        () => scene.peers.filter((peer) => statuses(peer).length > 0).length === 59,
      );
      for (const peer of scene.peers) assert.equal(statuses(peer).length === 0 || statuses(peer)[0] === 500, true);
    },
  },
  {
    id: 'onvif-pulls-abandoned',
    protocol,
    attack: 'pulls from 30 pull points and hangs up in the middle, five times',
    ends: { status: 200, closed: false, reason: null },
    gate: true,
    play: async (scene) => {
      const paths: string[] = [];
      for (let i = 0; i < 30; i++) {
        const { path: pullPoint, status } = await subscribe((body) => client(scene, body), 600);
        assert.equal(status, 200);
        assert.equal((await client(scene, pullMessages(0), { path: pullPoint })).status, 200);
        paths.push(pullPoint);
      }
      for (let round = 0; round < 5; round++) {
        const waiting = await Promise.all(paths.map(() => scene.onvif()));
        for (const [i, peer] of waiting.entries()) await peer.send(request(signed(pullMessages(300)), [], paths[i]!));
        for (const peer of waiting) peer.socket.resetAndDestroy();
        scene.peers.length = 0;
      }
      // What was abandoned can be pulled again. By another address: who comes too early is told so in the log.
      const other = { from: '127.0.0.1' };
      for (const one of paths) {
        while ((await client(scene, pullMessages(0), { ...other, path: one })).status === 500) {
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        assert.equal((await client(scene, unsubscribe, { ...other, path: one })).status, 200);
      }
      await ask(await scene.onvif(), request(signed(getProfiles)));
    },
  },
  {
    id: 'onvif-pull-absurd',
    protocol,
    attack: 'pulls for a thousand years, and for 10^20 messages',
    ends: refused([400, 500], ''),
    gate: true,
    play: async (scene) => {
      const { path: pullPoint } = await subscribe((body) => client(scene, body), 600);
      const texts = ['P1000Y', 'PT-5S', 'PT1E99S', `P${'9'.repeat(3000)}D`].map((time) =>
        pullMessages(0, 0).replace('PT0S', time).replace('>0<', '>99999999999999999999999<'),
      );
      for (const text of texts) await ask(await scene.onvif(), request(signed(text), [], pullPoint));
    },
  },
  {
    id: 'onvif-subscribe-elsewhere',
    protocol,
    attack: 'wants to be called back at an address inside the network',
    ends: refused(500, ''),
    gate: true,
    play: async (scene) => {
      let calls = 0;
      const victim = createServer((socket) => {
        calls++;
        socket.destroy();
      });
      victim.listen(0, '127.0.0.1');
      await once(victim, 'listening');
      scene.cleanups.push(() => victim.close());
      const { port } = victim.address() as { port: number };
      for (const address of [`http://127.0.0.1:${port}/`, `http://[::1]:${port}/`, 'file:///etc/passwd']) {
        await ask(await scene.onvif(), request(signed(subscribeTo(address)), [], '/onvif/event_service'));
      }
      assert.equal(calls, 0);
    },
  },
];
