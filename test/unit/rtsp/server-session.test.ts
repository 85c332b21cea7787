import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { RtspPeer } from '../../support/rtsp-peer.ts';

const url = 'rtsp://h:8554/stream1';
const track = `${url}/trackID=0`;
const tcp = 'Transport: RTP/AVP/TCP;unicast;interleaved=0-1';
const udp = 'Transport: RTP/AVP;unicast;client_port=5000-5001';
const session = 'Session: A5A5A5A5A5A5A5A5';

const status = (answer: string) => Number(/^RTSP\/1\.0 (\d{3}) /.exec(answer)?.[1] ?? Number.NaN);
const header = (answer: string, name: string) => new RegExp(`^${name}: (.*)\r$`, 'm').exec(answer)?.[1];

function ready(transport = tcp, changes = {}): RtspPeer {
  const peer = new RtspPeer(changes);
  assert.equal(status(peer.ask(`SETUP ${track}`, transport)), 200);
  peer.takeCalls();
  return peer;
}

function playing(transport = tcp, changes = {}): RtspPeer {
  const peer = ready(transport, changes);
  assert.equal(status(peer.ask(`PLAY ${url}`, session)), 200);
  peer.takeCalls();
  return peer;
}

describe('states', () => {
  type Row = [from: 'init' | 'ready' | 'playing', request: string, headers: string[], status: number, calls: string[]];
  const rows: Row[] = [
    ['init', `PLAY ${url}`, [], 455, []],
    ['init', `PAUSE ${url}`, [], 455, []],
    ['init', `TEARDOWN ${url}`, [], 455, []],
    ['init', `PLAY ${url}`, [session], 454, []],
    ['init', `TEARDOWN ${url}`, [session], 454, []],
    ['init', `GET_PARAMETER ${url}`, [], 200, []],
    ['init', 'GET_PARAMETER *', [], 200, []],
    ['init', `GET_PARAMETER ${url}`, [session], 454, []],
    ['init', `OPTIONS ${url}`, [session], 200, []],
    ['init', `SETUP ${track}`, [tcp, session], 454, []],
    ['init', `SETUP ${track}`, [tcp], 200, ['setup /stream1 tcp 0-1']],
    ['init', `SETUP ${track}`, [udp], 200, ['setup /stream1 udp 5000-5001']],
    ['init', `SETUP ${url}`, [tcp], 200, ['setup /stream1 tcp 0-1']],
    ['init', `SETUP ${url}/trackID=1`, [tcp], 404, []],
    ['init', `SETUP ${track}`, [], 400, []],
    ['init', `SETUP ${track}`, ['Transport: RTP/AVP;multicast'], 461, []],
    ['init', `SETUP ${track}`, ['Transport: RTP/SAVP;unicast;client_port=5000-5001'], 461, []],
    ['init', `SETUP ${track}`, ['Transport: RTP/AVPF;unicast;client_port=5000-5001'], 461, []],
    ['init', 'SETUP rtsp://h/nothing/trackID=0', [tcp], 404, ['setup /nothing tcp 0-1']],
    ['init', 'SETUP rtsp://h/busy/trackID=0', [`${tcp},${udp.slice(11)}`], 453, ['setup /busy tcp 0-1']],
    ['init', 'DESCRIBE rtsp://h/nothing', [], 404, ['describe /nothing']],
    ['init', 'DESCRIBE rtsp://h/%', [], 400, []],
    ['init', `ANNOUNCE ${url}`, [], 501, []],
    ['init', `RECORD ${url}`, [], 501, []],
    ['init', `REDIRECT ${url}`, [], 501, []],
    ['init', `describe ${url}`, [], 501, []],
    ['init', `DESCRIBE ${url}`, ['Require: www.onvif.org/ver20/backchannel'], 551, []],
    ['init', `DESCRIBE ${url}`, ['Require: onvif-replay'], 551, []],
    ['init', `OPTIONS ${url}`, ['Proxy-Require: x'], 551, []],
    ['ready', `PLAY ${url}`, [session], 200, ['play']],
    ['ready', `PLAY ${url}/`, [`${session};timeout=60`], 200, ['play']],
    ['ready', `PLAY ${track}`, [session], 200, ['play']],
    ['ready', `PLAY ${url}`, [], 200, ['play']],
    ['ready', `PLAY ${url}`, [session, 'Require: onvif-replay', 'Range: clock=20260101T000000Z-'], 551, []],
    ['ready', `PLAY ${url}`, ['Session: 1234'], 454, []],
    ['ready', `PAUSE ${url}`, [session], 200, []],
    ['ready', `TEARDOWN ${url}`, [session], 200, ['teardown teardown']],
    ['ready', `SETUP ${track}`, [udp, session], 200, ['setup /stream1 udp 5000-5001']],
    ['ready', 'SETUP rtsp://h:8554/STREAM1/trackID=0', [udp], 200, ['setup /STREAM1 udp 5000-5001']],
    ['ready', 'SETUP rtsp://h/live/drone%207/trackID=0', [tcp, session], 459, []],
    ['ready', `GET_PARAMETER ${url}`, [session], 200, []],
    ['ready', `GET_PARAMETER ${url}`, ['Session: 1234'], 454, []],
    ['ready', `SET_PARAMETER ${url}`, [session], 200, []],
    ['ready', `DESCRIBE ${url}`, [], 200, ['describe /stream1']],
    ['playing', `PLAY ${url}`, [session], 200, []],
    ['playing', `PAUSE ${url}`, [session], 200, ['pause']],
    ['playing', `TEARDOWN ${track}`, [session], 200, ['teardown teardown']],
    ['playing', `SETUP ${track}`, [tcp, session], 455, []],
    ['playing', `OPTIONS ${url}`, [session], 200, []],
    ['playing', `DESCRIBE ${url}`, [], 200, ['describe /stream1']],
    ['playing', `RECORD ${url}`, [session], 501, []],
  ];
  for (const [from, request, headers, expected, calls] of rows) {
    test(`${from}: ${request} ${headers.join(', ')} is answered ${expected}`, () => {
      const peer = from === 'init' ? new RtspPeer() : from === 'ready' ? ready() : playing();
      const answer = peer.ask(request, ...headers);
      assert.equal(status(answer), expected);
      assert.equal(header(answer, 'CSeq'), '1');
      assert.deepEqual(peer.takeCalls(), calls);
    });
  }

  test('a session can be paused and played again', () => {
    const peer = playing();
    peer.ask(`PAUSE ${url}`, session);
    assert.match(peer.ask(`PLAY ${url}`, session), /RTP-Info: /);
    assert.deepEqual(peer.takeCalls(), ['pause', 'play']);
  });

  test('after TEARDOWN the session is unknown, and a new one can be set up on the connection', () => {
    const peer = playing();
    peer.ask(`TEARDOWN ${url}`, session);
    assert.equal(status(peer.ask(`PLAY ${url}`, session)), 454);
    assert.equal(status(peer.ask('SETUP rtsp://h/live/drone%207', udp)), 200);
    assert.deepEqual(peer.takeCalls(), ['teardown teardown', 'setup /live/drone 7 udp 5000-5001']);
  });

  test('a refused transport leaves the earlier one in place', () => {
    const peer = ready();
    assert.equal(status(peer.ask(`SETUP ${track}`, 'Transport: RTP/AVP;multicast', session)), 461);
    peer.receive(Buffer.from('$\x01\x00\x01a'));
    assert.deepEqual(peer.takeCalls(), ['frame 1 61']);
  });
});

describe('answers', () => {
  test('Public lists GET_PARAMETER', () => {
    assert.match(header(new RtspPeer().ask('OPTIONS *'), 'Public')!, /\bGET_PARAMETER\b/);
  });

  test('Content-Base is the URL of the request with a slash and without user name, password and query', () => {
    const base = (uri: string) => header(new RtspPeer().ask(`DESCRIBE ${uri}`), 'Content-Base');
    assert.equal(base('rtsp://h:8554/stream1'), 'rtsp://h:8554/stream1/');
    assert.equal(base('rtsp://admin:geheim@h:8554/Stream1/?a=b'), 'rtsp://h:8554/Stream1/');
    assert.equal(base('/live/drone%207'), 'rtsp://server:8554/live/drone%207/');
  });

  test('Content-Length counts the bytes of the description', () => {
    const [head, body] = new RtspPeer().ask(`DESCRIBE ${url}`).split('\r\n\r\n');
    assert.equal(Number(header(`${head}\r\n`, 'Content-Length')), Buffer.byteLength(body!));
    assert.match(body!, /^v=0\r\n[\s\S]*a=control:trackID=0\r\n$/);
  });

  test('PLAY tells the wall clock, the sequence number and the timestamp of the first packet', () => {
    const answer = ready().ask(`PLAY ${url}`, session, 'Range: npt=0.000-');
    assert.equal(header(answer, 'Range'), 'clock=20261120T104944.123Z-');
    assert.equal(header(answer, 'RTP-Info'), `url=${track};seq=4711;rtptime=3000000000`);
    assert.equal(header(answer, 'Session'), 'A5A5A5A5A5A5A5A5;timeout=60');
  });

  for (const range of [
    'npt=0.000-',
    'npt=now-',
    'npt=10-5',
    'clock=now-',
    'clock=20200101T000000Z-',
    'smpte=0:10:00-',
    'x',
  ])
    test(`Range: ${range} is answered with the wall clock: live video has no other time`, () => {
      const answer = ready().ask(`PLAY ${url}`, session, `Range: ${range}`);
      assert.equal(status(answer), 200);
      assert.equal(header(answer, 'Range'), 'clock=20261120T104944.123Z-');
      assert.match(header(answer, 'RTP-Info')!, /;seq=4711;rtptime=3000000000$/);
    });

  test('headers of ONVIF replay change nothing, and the scale that is played is told to who asks for one', () => {
    const onvif = ['Rate-Control: no', 'Immediate: yes', 'Frames: intra/4000', 'Speed: 4.0', 'Bandwidth: 100'];
    const answer = ready().ask(`PLAY ${url}`, session, ...onvif, 'Scale: -2.0');
    assert.equal(status(answer), 200);
    assert.equal(header(answer, 'Scale'), '1.0');
    assert.equal(header(ready().ask(`PLAY ${url}`, session, ...onvif), 'Scale'), undefined);
  });

  test('RTP-Info names the control URL of the presentation, however SETUP was addressed', () => {
    for (const [first, second] of [
      ['rtsp://u:p@h:8554/stream1?x=y', 'rtsp://h:8554/stream1?x=y/trackID=0'],
      [url, 'trackID=0'],
      [url, 'rtsp://h:8554/trackID=0'],
    ] as const) {
      const peer = new RtspPeer();
      peer.ask(`DESCRIBE ${first}`);
      assert.equal(status(peer.ask(`SETUP ${second}`, tcp)), 200, second);
      assert.match(header(peer.ask(`PLAY ${url}`, session), 'RTP-Info')!, /^url=rtsp:\/\/h:8554\/stream1\/trackID=0;/);
      assert.equal(peer.takeCalls()[1], 'setup /stream1 tcp 0-1');
    }
  });

  test('of several transports the first that the server takes is answered', () => {
    const peer = new RtspPeer({ udp: false });
    const answer = peer.ask(`SETUP ${track}`, `${udp},RTP/AVP;multicast,RTP/AVP/TCP;interleaved=2-3`);
    assert.equal(header(answer, 'Transport'), 'RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=DEADBEEF');
    assert.deepEqual(peer.takeCalls(), ['setup /stream1 udp 5000-5001', 'setup /stream1 tcp 2-3']);
  });

  test('profiles that we do not speak are passed over', () => {
    const header = 'RTP/SAVPF;unicast;client_port=1-2,RTP/AVPF;unicast;client_port=3-4,RTP/SAVP/TCP;interleaved=0-1';
    const answer = new RtspPeer().ask(`SETUP ${track}`, `Transport: ${header},${udp.slice(11)},RTP/AVP/TCP`);
    assert.match(answer, /\r\nTransport: RTP\/AVP;unicast;client_port=5000-5001;server_port=6970-6971;/);
  });

  test('a method that we do not have is answered with those that we have', () => {
    for (const method of ['ANNOUNCE', 'RECORD', 'PLAY_NOTIFY', 'X'])
      assert.match(header(new RtspPeer().ask(`${method} ${url}`), 'Public')!, /^OPTIONS, DESCRIBE, SETUP, PLAY,/);
  });

  test('an unsupported option is named', () => {
    assert.equal(header(new RtspPeer().ask(`PLAY ${url}`, 'Require: a.b'), 'Unsupported'), 'a.b');
  });
});

describe('malformed requests', () => {
  const rows: [name: string, text: string, status: number, cseq: string | undefined][] = [
    ['no CSeq', 'OPTIONS * RTSP/1.0\r\n\r\n', 400, undefined],
    ['a CSeq that is no number', 'OPTIONS * RTSP/1.0\r\nCSeq: x\r\n\r\n', 400, undefined],
    ['a header without a colon', 'OPTIONS * RTSP/1.0\r\nCSeq: 7\r\nnonsense\r\n\r\n', 400, '7'],
    ['another version', 'OPTIONS * RTSP/2.0\r\nCSeq: 7\r\n\r\n', 505, '7'],
    ['a response', 'RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n', 505, '7'],
  ];
  for (const [name, text, expected, cseq] of rows) {
    test(`${name} is answered ${expected}, and the connection goes on`, () => {
      const peer = new RtspPeer();
      assert.equal(peer.receive(Buffer.from(text)), '');
      const answer = peer.takeOutput();
      assert.equal(status(answer), expected);
      assert.equal(header(answer, 'CSeq'), cseq);
      assert.equal(status(peer.ask('OPTIONS *')), 200);
    });
  }

  test('an HTTP request ends the connection', () => {
    assert.equal(new RtspPeer().receive(Buffer.from('GET / HTTP/1.1\r\nCSeq: 1\r\n\r\n')), 'rtsp_malformed');
    assert.equal(new RtspPeer().receive(Buffer.from('GET / HTTP/1.1\r\nHost: h\r\n\r\n')), 'rtsp_malformed');
  });
});

describe('authentication', () => {
  test('everything but OPTIONS asks for credentials', () => {
    const peer = new RtspPeer({ auth: true });
    for (const method of [
      'DESCRIBE',
      'SETUP',
      'PLAY',
      'PAUSE',
      'TEARDOWN',
      'GET_PARAMETER',
      'SET_PARAMETER',
      'RECORD',
    ]) {
      const answer = peer.ask(`${method} ${url}`, tcp);
      assert.equal(status(answer), 401, method);
      assert.match(header(answer, 'WWW-Authenticate')!, /^Digest /);
    }
    assert.equal(status(peer.ask(`OPTIONS ${url}`)), 200);
    assert.deepEqual(peer.takeCalls(), []);
  });

  test('with SHA-256 on, both are offered and either is accepted', () => {
    const peer = new RtspPeer({ auth: true, sha256: true });
    assert.match(
      peer.ask(`DESCRIBE ${url}`),
      /algorithm=SHA-256\r\nWWW-Authenticate: Digest realm="Skyweir", nonce="[^"]+"\r\n/,
    );
    for (const algorithm of ['MD5', 'SHA-256'])
      assert.equal(status(peer.ask(`DESCRIBE ${url}`, peer.authorization('DESCRIBE', url, 'geheim', algorithm))), 200);
  });

  test('once a stream is set up, its session is served without credentials or with old ones', () => {
    const peer = new RtspPeer({ auth: true, nonceLifetimeMs: 1000 });
    peer.ask(`DESCRIBE ${url}`);
    assert.equal(status(peer.ask(`SETUP ${track}`, tcp, peer.authorization('SETUP', track))), 200);
    peer.nowMs += 30_000;
    const old = peer.authorization('GET_PARAMETER', url);
    assert.equal(status(peer.ask(`GET_PARAMETER ${url}`, session, old)), 200);
    assert.equal(status(peer.ask(`PLAY ${url}`, session)), 200);
  });

  test('DESCRIBE and SETUP with an old nonce get a new one marked stale', () => {
    const peer = new RtspPeer({ auth: true, nonceLifetimeMs: 1000 });
    peer.ask(`DESCRIBE ${url}`);
    assert.equal(status(peer.ask(`DESCRIBE ${url}`, peer.authorization('DESCRIBE', url))), 200);
    peer.nowMs += 1001;
    const answer = peer.ask(`SETUP ${track}`, tcp, peer.authorization('SETUP', track));
    assert.equal(status(answer), 401);
    assert.match(header(answer, 'WWW-Authenticate')!, /stale=true$/);
    assert.equal(status(peer.ask(`SETUP ${track}`, tcp, peer.authorization('SETUP', track))), 200);
  });

  test('too many wrong passwords end the connection behind the last 401', () => {
    const peer = new RtspPeer({ auth: true });
    peer.ask(`DESCRIBE ${url}`);
    for (let i = 1; i < limits.rtsp.failedLogins; i++)
      assert.equal(status(peer.ask(`DESCRIBE ${url}`, peer.authorization('DESCRIBE', url, 'falsch'))), 401);
    assert.match(
      peer.ask(`DESCRIBE ${url}`, peer.authorization('DESCRIBE', url, 'falsch')),
      /^RTSP\/1\.0 401 [\s\S]*\r\n\r\nauthentication_failed$/,
    );
  });

  test('requests without credentials and stale ones do not count as wrong passwords', () => {
    const peer = new RtspPeer({ auth: true, nonceLifetimeMs: 10 });
    for (let i = 0; i < 3 * limits.rtsp.failedLogins; i++) {
      peer.nowMs += 100;
      assert.equal(status(peer.ask(`DESCRIBE ${url}`, ...(i > 0 ? [peer.authorization('DESCRIBE', url)] : []))), 401);
      peer.nowMs += 100;
    }
  });
});

describe('deadlines', () => {
  const due = (peer: RtspPeer) => peer.session.deadlineMs - 1000;
  const grace = limits.rtsp.sessionGraceMs;

  const stranger = limits.rtsp.strangerTimeoutMs;

  test('a connection that never asks ends long before the session timeout', () => {
    const { session: silent } = new RtspPeer();
    assert.equal(silent.expired(999 + stranger), null);
    assert.equal(silent.expired(1000 + stranger), 'receive_timeout');
  });

  test('half a request is no sign of life', () => {
    const peer = new RtspPeer();
    peer.nowMs += 30_000;
    peer.receive(Buffer.from('OPTIONS * RTSP/1.0\r\n'));
    assert.equal(due(peer), stranger);
  });

  test('who has not logged in cannot keep a connection by asking', () => {
    const peer = new RtspPeer({ auth: true });
    peer.nowMs += 10_000;
    peer.ask('OPTIONS *');
    peer.ask(`DESCRIBE ${url}`);
    peer.ask(`DESCRIBE ${url}`, peer.authorization('DESCRIBE', url, 'falsch'));
    assert.equal(due(peer), stranger);
    peer.ask(`DESCRIBE ${url}`, peer.authorization('DESCRIBE', url));
    assert.equal(due(peer), 70_000);
  });

  for (const request of [
    'OPTIONS *',
    `GET_PARAMETER ${url}`,
    `SET_PARAMETER ${url}`,
    `DESCRIBE ${url}`,
    `PLAY ${url}`,
  ]) {
    test(`${request} keeps a session alive`, () => {
      const peer = playing(udp);
      peer.nowMs += 40_000;
      peer.ask(request, session);
      assert.equal(due(peer), 100_000 + grace);
      assert.equal(peer.session.expired(peer.session.deadlineMs - 1), null);
      assert.equal(peer.session.expired(peer.session.deadlineMs), 'session_timeout');
    });
  }

  test('a receiver report over UDP keeps a session alive', () => {
    const peer = playing(udp);
    peer.session.keepAlive(50_000);
    assert.equal(due(peer), 109_000 + grace);
  });

  test('an interleaved frame keeps a session alive', () => {
    const peer = playing();
    peer.nowMs += 50_000;
    peer.receive(Buffer.from('$\x01\x00\x02ab'));
    assert.equal(due(peer), 110_000 + grace);
    assert.deepEqual(peer.takeCalls(), ['frame 1 6162']);
  });

  test('a TCP reader that drains its socket is alive, a UDP reader is not', () => {
    const overTcp = playing();
    overTcp.session.noteProgress(50_000);
    assert.equal(due(overTcp), 109_000 + grace);
    const overUdp = playing(udp);
    overUdp.session.noteProgress(50_000);
    assert.equal(due(overUdp), 60_000 + grace);
  });

  test('the timeout is advertised in whole seconds', () => {
    assert.match(ready(tcp, { sessionTimeoutMs: 2500 }).ask(`OPTIONS ${url}`), /;timeout=2\r\n/);
  });
});

describe('interleaved frames', () => {
  test('without an interleaved session they are ignored', () => {
    for (const peer of [new RtspPeer(), playing(udp)]) {
      peer.receive(Buffer.from('$\x01\x00\x02ab'));
      assert.deepEqual(peer.takeCalls(), []);
    }
  });
});
