import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { limits } from '../../../src/base/limits.ts';
import { type PublishRequest, ServerSession, type VideoSink } from '../../../src/rtmp/server-session.ts';
import { describeReplies } from '../../golden/run.ts';
import { amf, body, bytes, fmt0, handshake, message, u24, u32 } from '../../golden/wire.ts';

const { number, string } = amf;

class Video implements VideoSink {
  readonly calls: string[] = [];
  bytes = 0;
  begin(timestampMs: number, length: number, nowMs: number): void {
    this.calls.push(`begin ${timestampMs} ${length} ${nowMs}`);
  }
  append(_bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start;
  }
  /** What a message costs. */
  cost = 0;
  end(): number {
    this.calls.push('end');
    return this.cost;
  }
  abort(): void {
    this.calls.push('abort');
  }
}

/** A session with everything it said, and a clock that stands still until it is told to. */
class Peer {
  readonly video = new Video();
  readonly output: Uint8Array[] = [];
  readonly events: string[] = [];
  readonly requests: PublishRequest[] = [];
  readonly session: ServerSession;
  accept = true;
  nowMs = 0;

  constructor() {
    this.session = new ServerSession(
      {
        onOutput: (reply) => this.output.push(reply),
        onConnect: () => this.events.push('connect'),
        onPublishRequest: (request) => {
          this.requests.push(request);
          if (this.accept) this.session.acceptPublish(this.nowMs, this.video);
        },
        onUnpublish: (cause) => this.events.push(cause),
        onMetadata: () => this.events.push('metadata'),
      },
      {
        nowMs: 0,
        handshakeTimeoutMs: 5_000,
        publishTimeoutMs: 10_000,
        videoTimeoutMs: 15_000,
        receiveTimeoutMs: 30_000,
        random: (into) => into.fill(1),
      },
    );
  }

  send(...parts: Buffer[]): number {
    const input = Buffer.concat(parts);
    return this.session.receive(input, 0, input.length, this.nowMs);
  }

  replies(): string[] {
    return describeReplies(Buffer.concat(this.output));
  }

  live(): this {
    this.send(handshake(), connect, publish('cam1'));
    return this;
  }
}

function command(name: string, ...values: Buffer[]): Buffer {
  return message(3, 20, 0, 0, bytes(string(name), number(2), ...values));
}

/** The same on a message stream. */
function onStream(id: number, name: string, ...values: Buffer[]): Buffer {
  return message(3, 20, id, 0, bytes(string(name), number(0), amf.null, ...values));
}

const connect = command('connect', amf.object({ app: string('live') }));
const publish = (name: string): Buffer => command('publish', amf.null, string(name), string('live'));
const avc = bytes([0x17, 1, 0, 0, 0], body(20));
const video = (time: number, content = avc): Buffer => message(6, 9, 1, time, content, 1 << 24);
const chunkSize = (value: number): Buffer => message(2, 1, 0, 0, u32(value));

const fails = (run: () => unknown, code: ErrorCode): void => assert.throws(run, { name: 'ConnectionError', code });

describe('work of one turn', () => {
  const turn = limits.rtmp.workPerTurn;
  const flood: [string, Buffer][] = [
    ['commands', command('FCPublish', amf.null, string('x'))],
    ['pings', message(2, 4, 0, 0, bytes([0, 6], u32(1)))],
    ['metadata', message(4, 18, 1, 0, bytes(string('onMetaData'), amf.object({ width: number(1) })))],
    ['tiny pictures', video(0, bytes([0x27, 1, 0, 0, 0, 0]))],
  ];
  for (const [name, part] of flood) {
    test(`a read full of ${name} is served in parts, with the same result`, () => {
      const peer = new Peer().live();
      const count = turn * 2;
      const input = Buffer.concat(Array.from({ length: count }, () => part));
      const before = peer.session.counters.messages;
      let parts = 0;
      for (let at = 0; at < input.length; parts++) {
        const next = peer.session.receive(input, at, input.length, 0);
        assert.ok(next > at, 'it always gets on');
        assert.ok(peer.session.counters.messages - before <= (parts + 1) * turn);
        at = next;
      }
      assert.ok(parts >= 2, `${parts} parts`);
      assert.equal(peer.session.counters.messages - before, count);
    });
  }

  test('what the sink makes of a message counts too', () => {
    const peer = new Peer().live();
    const one = video(0);
    peer.send(one);
    const usualMs = peer.session.costMs;
    peer.video.cost = turn;
    assert.equal(peer.send(one, one), one.length, 'others have their turn before the second one');
    assert.ok(peer.session.costMs > usualMs + 0.5, `${peer.session.costMs} ms`);
  });

  test('what a read costs is reckoned from its messages and bytes', () => {
    const peer = new Peer().live();
    peer.send(message(2, 3, 0, 0, u32(1)));
    const small = peer.session.costMs;
    peer.send(Buffer.concat(Array.from({ length: 100 }, () => command('FCPublish', amf.null, string('x')))));
    const commands = peer.session.costMs;
    peer.send(chunkSize(1 << 20));
    peer.send(message(6, 9, 1, 0, bytes(avc, body(200_000)), 1 << 20));
    const picture = peer.session.costMs;
    assert.ok(small > 0 && small < 0.01 && commands > 100 * small, `${small}, ${commands} ms`);
    assert.ok(picture > 0.1 && picture < 1, `${picture} ms`);
  });

  test('a read of usual video is served whole', () => {
    const peer = new Peer().live();
    assert.equal(peer.send(chunkSize(65_536)), message(2, 1, 0, 0, u32(65_536)).length);
    const pictures = Array.from({ length: 100 }, (_, i) => message(6, 9, 1, i * 33, bytes(avc, body(2600)), 65_536));
    const input = Buffer.concat(pictures);
    assert.equal(peer.send(input), input.length);
  });

  test('an aggregate of countless tags is walked as far as any encoder goes', () => {
    const peer = new Peer().live();
    const empty = bytes([8], u24(0), u24(0), [0], u24(0), u32(11));
    const tags = Buffer.concat(Array.from({ length: 5000 }, () => empty));
    peer.send(chunkSize(1 << 23), message(6, 22, 1, 0, tags, 1 << 23));
    assert.equal(peer.session.counters.audioMessages, limits.rtmp.aggregateTags);
    assert.equal(peer.session.counters.malformedAggregates, 1);
  });
});

describe('video in aggregates, and behind an open message', () => {
  const { workPerMessage, workPerTurn, waitingMessages } = limits.rtmp;
  const size = 1 << 23;
  const tag = (type: number, time: number, content: Uint8Array): Buffer =>
    bytes([type], u24(content.length), u24(time), [0], u24(0), content, u32(11 + content.length));
  const aggregate = (...tags: Buffer[]): Buffer => message(7, 22, 1, 0, bytes(...tags), size);
  const delivered = (peer: Peer): number => peer.video.calls.filter((call) => call === 'end').length;

  test('a second of pictures and sound in an aggregate is taken whole', () => {
    const peer = new Peer().live();
    peer.video.cost = 10;
    peer.send(chunkSize(size));
    const tags = Array.from({ length: 150 }, (_, i) => (i % 5 < 2 ? tag(9, i, avc) : tag(8, i, body(20))));
    peer.send(aggregate(...tags));
    assert.deepEqual([delivered(peer), peer.session.counters.audioMessages], [60, 90]);
    assert.equal(peer.session.counters.malformedAggregates, 0);
    assert.ok(peer.session.costMs > 60 * 18 * 0.0004, `${peer.session.costMs} ms`);
  });

  test('others have their turn after an aggregate of much work', () => {
    const peer = new Peer().live();
    peer.send(chunkSize(size));
    const one = aggregate(...Array.from({ length: workPerTurn / 8 }, (_, i) => tag(9, i, avc)));
    assert.equal(peer.send(one, one), one.length);
  });

  test('video beyond what an aggregate may cost is left out and counted, sound is not', () => {
    const peer = new Peer().live();
    peer.video.cost = 92;
    peer.send(chunkSize(size));
    const tags = Array.from({ length: 1000 }, (_, i) => tag(i % 2 === 0 ? 9 : 8, i, avc));
    peer.send(aggregate(...tags), video(0));
    assert.equal(delivered(peer), Math.ceil(workPerMessage / 100));
    assert.deepEqual([peer.session.counters.audioMessages, peer.session.counters.malformedAggregates], [500, 1]);
    peer.send(video(0));
    assert.equal(delivered(peer), Math.ceil(workPerMessage / 100) + 1, 'the next message has its own');
  });

  const open = fmt0(6, 0, 300, 9);
  const waiting = (count: number): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, i) => message(7, 9, 1, i, i % 2 === 0 ? avc : Buffer.alloc(0))));

  test('messages that wait are delivered behind the open one, and charged', () => {
    const peer = new Peer().live();
    peer.send(open, body(128));
    peer.video.cost = workPerTurn / 4;
    peer.send(waiting(waitingMessages));
    assert.equal(delivered(peer), 0);
    peer.send(bytes([0xc6], body(128), [0xc6], body(44)));
    assert.equal(delivered(peer), 1 + waitingMessages);
    assert.ok(peer.session.costMs > 9 * 500 * 0.0004, `${peer.session.costMs} ms`);
  });

  test('they are charged too when the open one is aborted', () => {
    const peer = new Peer().live();
    peer.send(open, body(128), waiting(waitingMessages));
    peer.video.cost = workPerTurn / 4;
    peer.send(message(2, 2, 0, 0, u32(6)));
    assert.equal(delivered(peer), waitingMessages);
    assert.ok(peer.session.costMs > 8 * 500 * 0.0004, `${peer.session.costMs} ms`);
  });

  test('more of them than any encoder has end the connection', () => {
    const peer = new Peer().live();
    peer.send(open, body(128), waiting(waitingMessages));
    fails(() => peer.send(waiting(1)), 'partial_bodies_exceeded');
  });
});

describe('publish decisions', () => {
  test('S4: input behind publish waits for the answer and is then read as if nothing had happened', () => {
    const peer = new Peer();
    peer.accept = false;
    const before = bytes(handshake(), connect, publish('cam1'));
    const input = bytes(before, video(40));
    assert.equal(peer.session.receive(input, 0, input.length, 0), before.length);
    assert.equal(peer.session.awaitingDecision, true);
    assert.equal(peer.session.publishing, false);
    assert.equal(peer.session.receive(input, before.length, input.length, 1), before.length);
    assert.equal(peer.session.counters.bytesReceived, before.length);
    assert.ok(!peer.replies().some((reply) => reply.includes('Publish.Start')));

    peer.session.acceptPublish(2, peer.video);
    assert.ok(peer.replies().some((reply) => reply.includes('Publish.Start')));
    assert.equal(peer.session.receive(input, before.length, input.length, 3), input.length);
    assert.deepEqual(peer.video.calls, ['begin 40 25 3', 'end']);
    assert.equal(peer.session.publishing, true);
  });

  test('S4: the request names path and query', () => {
    const peer = new Peer();
    peer.send(handshake(), connect, publish('a%20b?token=1'));
    assert.deepEqual(peer.requests, [{ path: '/live/a%20b', decodedPath: '/live/a b', query: 'token=1' }]);
  });

  test('S7: after a rejection the peer has its status, and what it still sends is dropped', () => {
    const peer = new Peer();
    peer.accept = false;
    peer.send(handshake(), connect, publish('cam1'));
    peer.session.rejectPublish();
    assert.equal(peer.replies().at(-1), 'onStatus csid=5 stream=0 tx=0 NetStream.Publish.BadName');
    assert.equal(peer.send(body(5000)), 5000);
    assert.equal(peer.session.awaitingDecision, false);
    assert.deepEqual(peer.video.calls, []);
  });

  test('S7: a rejection inside the callback consumes the rest of the read', () => {
    const peer = new Peer();
    peer.accept = false;
    const session: ServerSession = peer.session;
    peer.requests.push = (): number => {
      session.rejectPublish();
      return 0;
    };
    const input = bytes(handshake(), connect, publish('cam1'), body(100));
    assert.equal(peer.send(input), input.length);
    assert.equal(peer.replies().at(-1), 'onStatus csid=5 stream=0 tx=0 NetStream.Publish.BadName');
  });

  test('a request that is repeated is answered on the message stream that it came on', () => {
    const on = (stream: number, name: string): Buffer =>
      message(3, 20, stream, 0, bytes(string('publish'), number(3), amf.null, string(name)));
    const peer = new Peer();
    peer.send(handshake(), connect, on(0, 'cam1'), command('createStream'), on(1, 'cam1'), on(1, 'cam2'));
    assert.deepEqual(
      peer.replies().filter((reply) => reply.includes('Publish.')),
      [
        'onStatus csid=5 stream=0 tx=0 NetStream.Publish.Start',
        'onStatus csid=5 stream=1 tx=0 NetStream.Publish.Start',
        'onStatus csid=5 stream=1 tx=0 NetStream.Publish.BadName',
      ],
    );
    assert.equal(peer.requests.length, 1);
  });

  describe('a second publication, which was refused, of an encoder that sends it all the same', () => {
    const on = (stream: number, name: string): Buffer =>
      message(3, 20, stream, 0, bytes(string('publish'), number(3), amf.null, string(name)));
    const streams = (): Peer => {
      const peer = new Peer();
      peer.send(handshake(), connect, command('createStream'), command('createStream'), on(1, 'cam1'), on(2, 'cam2'));
      return peer;
    };
    const second = (time: number): Buffer => message(7, 9, 2, time, avc);
    const begun = ({ video: { calls } }: Peer): string[] => calls.filter((call) => call.startsWith('begin'));

    test('nothing of it gets into the first', () => {
      const peer = streams();
      const tag = bytes([9], u24(avc.length), u24(0), [0], u24(0), avc, u32(11 + avc.length));
      peer.send(second(1), video(40), second(2), message(7, 22, 2, 3, tag), video(80));
      peer.send(message(4, 18, 2, 0, bytes(string('onMetaData'), amf.object({ width: number(1) }))));
      assert.deepEqual(begun(peer), ['begin 40 25 0', 'begin 80 25 0']);
      assert.deepEqual(peer.events, ['connect']);
      assert.equal(peer.session.counters.ignoredMessages, 4);
    });

    test('its stream is as good as any other when the publication that runs has moved there', () => {
      const peer = streams();
      peer.send(on(2, 'cam1'), second(1));
      assert.deepEqual(begun(peer), ['begin 1 25 0']);
    });

    test('and so it is when it was deleted and created anew', () => {
      const peer = streams();
      peer.send(command('deleteStream', amf.null, number(2)), command('createStream'), second(1));
      assert.deepEqual(begun(peer), ['begin 1 25 0']);
    });

    test('and when the first has ended', () => {
      const peer = streams();
      peer.send(command('deleteStream', amf.null, number(1)), on(2, 'cam2'), second(1));
      assert.equal(peer.requests.length, 2);
      assert.deepEqual(begun(peer), ['begin 1 25 0']);
    });

    test('media on a stream that nobody published on is still that of the first', () => {
      const peer = new Peer();
      peer.send(handshake(), connect, command('createStream'), command('createStream'), on(1, 'cam1'));
      peer.send(second(1), message(7, 9, 0, 2, avc), message(7, 9, 33, 3, avc));
      assert.equal(begun(peer).length, 3);
    });
  });

  test('an answer that nobody waits for does nothing', () => {
    const peer = new Peer().live();
    const replies = peer.replies().length;
    peer.session.acceptPublish(0, peer.video);
    peer.session.rejectPublish();
    assert.equal(peer.replies().length, replies);
    assert.equal(peer.session.publishing, true);
  });
});

describe('H6: deadlines', () => {
  test('the handshake has one that trickling bytes do not move', () => {
    const peer = new Peer();
    const input = handshake();
    for (peer.nowMs = 0; peer.nowMs < 5_000; peer.nowMs += 500) peer.send(input.subarray(0, 1));
    assert.equal(peer.session.deadlineMs, 5_000);
    assert.equal(peer.session.expired(4_999), null);
    assert.equal(peer.session.expired(5_000), 'handshake_timeout');
  });

  test('publishing is due 10 s after the handshake', () => {
    const peer = new Peer();
    peer.nowMs = 2_000;
    peer.send(handshake());
    peer.nowMs = 11_000;
    peer.send(connect);
    assert.equal(peer.session.deadlineMs, 12_000);
    assert.equal(peer.session.expired(12_000), 'publish_timeout');
  });

  test('each complete H.264 message moves the video deadline; half of one does not', () => {
    const peer = new Peer().live();
    assert.equal(peer.session.deadlineMs, 15_000);
    peer.nowMs = 10_000;
    peer.send(video(0));
    assert.equal(peer.session.deadlineMs, 25_000);
    peer.nowMs = 20_000;
    const half = bytes(chunkSize(1000), video(40, bytes(avc, body(500))));
    peer.send(half.subarray(0, 300));
    assert.equal(peer.session.expired(25_000), 'video_timeout');
    peer.send(half.subarray(300));
    assert.equal(peer.session.expired(25_000), null);
    assert.equal(peer.session.deadlineMs, 35_000);
  });

  for (const [name, content] of [
    ['HEVC in the Chinese extension', bytes([0x1c, 1, 0, 0, 0], body(5))],
    ['HEVC in Enhanced RTMP', bytes([0x91], Buffer.from('hvc1'), body(5))],
    ['Sorenson', bytes([0x22], body(5))],
    ['an empty message', Buffer.alloc(0)],
    ['audio', Buffer.alloc(0)],
  ] as const)
    test(`decision 8: ${name} does not move it`, () => {
      const peer = new Peer().live();
      peer.nowMs = 10_000;
      peer.send(name === 'audio' ? message(4, 8, 1, 0, body(10)) : video(0, content));
      assert.equal(peer.session.deadlineMs, 15_000);
    });

  test('X5: H.264 in Enhanced RTMP does', () => {
    const peer = new Peer().live();
    peer.nowMs = 10_000;
    peer.send(video(0, bytes([0x91], Buffer.from('avc1'), body(5))));
    assert.equal(peer.session.deadlineMs, 25_000);
  });

  const codecs: [name: string, content: Buffer, isAvc: boolean][] = [
    ['HEVC', bytes([0xa3], Buffer.from('hvc1'), body(20)), false],
    ['AV1', bytes([0x91], Buffer.from('av01'), body(20)), false],
    ['H.264 in Enhanced RTMP', bytes([0xa3], Buffer.from('avc1'), body(20)), true],
    ['legacy H.264', avc, true],
    ['a part of the FourCC of H.264', bytes([0x91], Buffer.from('avc')), false],
  ];
  for (const [name, content, isAvc] of codecs)
    test(`${name} is told however it is cut`, () => {
      const moves = (send: (peer: Peer) => void): boolean => {
        const peer = new Peer().live();
        peer.send(chunkSize(1 << 20));
        peer.nowMs = 10_000;
        send(peer);
        assert.equal(peer.session.counters.videoMessages, 1);
        return peer.session.deadlineMs === 25_000;
      };
      const input = video(0, content);
      for (let cut = 0; cut < input.length; cut++) {
        const both = moves((peer) => {
          peer.send(input.subarray(0, cut));
          peer.send(input.subarray(cut));
        });
        assert.equal(both, isAvc, `cut at ${cut}`);
      }
      const single = moves((peer) => {
        for (let at = 0; at < input.length; at++) peer.send(input.subarray(at, at + 1));
      });
      assert.equal(single, isAvc, 'byte by byte');
      const tag = bytes([9], u24(content.length), u24(0), [0], u24(0), content);
      assert.equal(
        moves((peer) => peer.send(message(7, 22, 1, 0, tag, 1 << 20))),
        isAvc,
        'in an aggregate',
      );
    });

  test('the receive deadline follows the bytes', () => {
    const session = new ServerSession(
      { onOutput() {}, onConnect() {}, onPublishRequest() {}, onUnpublish() {}, onMetadata() {} },
      {
        nowMs: 100,
        handshakeTimeoutMs: 5_000,
        publishTimeoutMs: 10_000,
        videoTimeoutMs: 15_000,
        receiveTimeoutMs: 1_000,
        random() {},
      },
    );
    assert.equal(session.deadlineMs, 1_100);
    session.receive(Buffer.from([3]), 0, 1, 600);
    assert.equal(session.expired(1_599), null);
    assert.equal(session.expired(1_600), 'receive_timeout');
  });

  test('after the end of a publication the next one is due', () => {
    const peer = new Peer().live();
    peer.nowMs = 4_000;
    peer.send(command('closeStream'));
    assert.equal(peer.session.expired(13_999), null);
    assert.equal(peer.session.expired(14_000), 'unpublished', 'nobody can say that it never published');
    peer.send(publish('cam1'));
    assert.equal(peer.session.expired(19_000), 'video_timeout');
  });
});

describe('C11: acknowledgements', () => {
  const acknowledgements = (peer: Peer): string[] => peer.replies().filter((reply) => reply.includes('type=3'));
  const window = (value: number): Buffer => message(2, 5, 0, 0, u32(value));

  test('one for each half window, at most one a read, with the total of all bytes', () => {
    const peer = new Peer().live();
    peer.send(window(100_000), chunkSize(0x7fffffff));
    const large = video(0, bytes(avc, body(20_000)));
    for (let i = 0; i < 4; i++) peer.send(large);
    const total = peer.session.counters.bytesReceived;
    assert.deepEqual(acknowledgements(peer), [`control csid=2 type=3 ${u32(total - large.length).toString('hex')}`]);
    peer.send(Buffer.concat(Array.from({ length: 10 }, () => large)));
    assert.equal(acknowledgements(peer).length, 2);
    assert.equal(peer.session.counters.acknowledgementsSent, 2);
  });

  test('a window of one byte does not make one a read', () => {
    const peer = new Peer().live();
    peer.send(window(1), chunkSize(0x7fffffff));
    for (let i = 0; i < 100; i++) peer.send(video(0, bytes(avc, body(200))));
    assert.equal(acknowledgements(peer).length, 1);
  });

  test('they come without being asked for every 1.25 MB, and wrap at 2^32', () => {
    const peer = new Peer().live();
    peer.send(chunkSize(0x7fffffff));
    const large = video(0, bytes(avc, body(700_000)));
    peer.send(large);
    peer.send(large);
    assert.equal(acknowledgements(peer).length, 1);
    peer.session.counters.bytesReceived += 2 ** 32;
    peer.send(video(0));
    const total = peer.session.counters.bytesReceived - 2 ** 32;
    assert.equal(acknowledgements(peer).at(-1), `control csid=2 type=3 ${u32(total).toString('hex')}`);
  });
});

describe('bounds', () => {
  test('C9: before publishing a message has 64 KiB at most, from its header on', () => {
    const peer = new Peer();
    peer.send(handshake(), connect);
    fails(() => peer.send(fmt0(6, 0, 65_537, 9)), 'message_too_large');
  });

  test('C14: media before publishing is dropped up to 64 KiB', () => {
    const peer = new Peer();
    peer.send(handshake(), connect, chunkSize(65_536));
    for (let i = 0; i < 6; i++) peer.send(message(6, 9, 1, 0, body(10_000), 65_536));
    fails(() => peer.send(message(6, 9, 1, 0, body(10_000), 65_536)), 'ignored_bytes_exceeded');
    assert.equal(peer.session.counters.ignoredMessages, 6);
    assert.equal(peer.session.receive(body(100), 0, 100, 0), 100, 'after an error bytes are dropped');
  });

  test('S4: media after the end of a publication is dropped without that bound', () => {
    const peer = new Peer().live();
    peer.send(chunkSize(1 << 20), command('closeStream'));
    for (let i = 0; i < 10; i++) peer.send(video(0, body(100_000)));
    assert.deepEqual(peer.video.calls, []);
  });

  test('C9: gathered bodies of a connection share 16 MiB, and a declared length alone costs nothing', () => {
    const peer = new Peer().live();
    const part = Buffer.alloc(1_000_000);
    const before = process.memoryUsage().arrayBuffers;
    for (let csid = 40; csid < 60; csid++) peer.send(fmt0(csid, 0, limits.rtmp.messageBytes, 9), body(128));
    assert.ok(process.memoryUsage().arrayBuffers - before < 1024 * 1024);
    // A video message is open, so all others have to be gathered.
    peer.send(chunkSize(part.length));
    fails(() => {
      for (let csid = 7; csid < 40; csid++) peer.send(fmt0(csid, 0, limits.rtmp.messageBytes, 9), part);
    }, 'partial_bodies_exceeded');
    assert.equal(peer.video.calls.at(-1), 'abort');
  });

  test('C9: empty video messages cannot pile up behind one that never ends', () => {
    const peer = new Peer().live();
    peer.send(fmt0(6, 0, 300, 9), body(128));
    const empty = Buffer.concat(
      Array.from({ length: 1000 }, () => bytes(fmt0(7, 0, 0, 9), message(4, 8, 1, 0, body(20)))),
    );
    fails(() => {
      for (let i = 0; i < 100; i++) peer.send(empty);
    }, 'partial_bodies_exceeded');
  });

  describe('publications of one connection', () => {
    const { atOnce, perSecond } = limits.rtmp.publications;
    const again = bytes(command('closeStream'), publish('cam1'));
    const published = (): Peer => {
      const peer = new Peer().live();
      for (let i = 1; i < atOnce; i++) peer.send(again);
      return peer;
    };

    test('some at once, and no more', () => {
      const peer = published();
      assert.equal(peer.requests.length, atOnce);
      fails(() => peer.send(again), 'publish_flood');
      assert.equal(peer.requests.length, atOnce, 'nobody is asked about the last one');
    });

    test('one more for each second, but never more at once', () => {
      const peer = published();
      peer.nowMs = 1000 / perSecond;
      peer.send(again);
      fails(() => peer.send(again), 'publish_flood');

      const later = published();
      later.nowMs = 3_600_000;
      for (let i = 0; i < atOnce; i++) later.send(again);
      fails(() => later.send(again), 'publish_flood');
    });

    test('repeated requests of a publication that runs do not count', () => {
      const peer = new Peer().live();
      for (let i = 0; i < 3 * atOnce; i++) peer.send(publish('cam1'));
      assert.equal(peer.session.publishing, true);
    });
  });

  test('F14: data beyond 64 KiB is skipped', () => {
    const peer = new Peer().live();
    peer.send(chunkSize(1 << 20), message(4, 18, 1, 0, body(70_000), 1 << 20), video(0));
    assert.equal(peer.session.counters.malformedData, 1);
    assert.deepEqual(peer.video.calls.at(-1), 'end');
  });
});

describe('S5: which commands end the publication', () => {
  const cases: [string, Buffer[], string[]][] = [
    ['deleteStream of its stream', [command('deleteStream', amf.null, number(1))], ['deleteStream']],
    ['deleteStream with text', [command('deleteStream', amf.null, string('1'))], ['deleteStream']],
    ['deleteStream without a number', [command('deleteStream')], ['deleteStream']],
    ['deleteStream of a number from nowhere', [command('deleteStream', amf.null, number(1e9))], ['deleteStream']],
    ['deleteStream of another created stream', [command('deleteStream', amf.null, number(2))], []],
    ['closeStream', [command('closeStream')], ['closeStream']],
    ['closeStream on its stream', [onStream(1, 'closeStream')], ['closeStream']],
    ['closeStream on a stream from nowhere', [onStream(7, 'closeStream')], ['closeStream']],
    ['closeStream on another created stream', [onStream(2, 'closeStream')], []],
    ['FCUnpublish of another name', [command('FCUnpublish', amf.null, string('cam9'))], ['FCUnpublish']],
    [
      'FCUnpublish of a second publication, which was refused',
      [onStream(2, 'publish', string('cam2?a=b')), command('FCUnpublish', amf.null, string('cam2'))],
      [],
    ],
    [
      'FCUnpublish of a second publication, behind which a third was refused',
      [
        onStream(2, 'publish', string('cam2')),
        onStream(2, 'publish', string('cam3')),
        command('FCUnpublish', amf.null, string('cam2')),
      ],
      [],
    ],
    [
      'FCUnpublish of the last of many that were refused',
      [
        ...Array.from({ length: 20 }, (_, i) => onStream(2, 'publish', string(`cam${2 + i}`))),
        command('FCUnpublish', amf.null, string('cam21')),
      ],
      [],
    ],
    [
      'FCUnpublish of the name behind one that was refused',
      [onStream(2, 'publish', string('cam2')), command('FCUnpublish', amf.null, string('cam1'))],
      ['FCUnpublish'],
    ],
    ['all of them, once', [command('FCUnpublish'), command('closeStream'), command('deleteStream')], ['FCUnpublish']],
  ];
  for (const [name, commands, ended] of cases)
    test(name, () => {
      const peer = new Peer();
      peer.send(handshake(), connect, command('createStream'), command('createStream'));
      peer.send(message(4, 20, 1, 0, bytes(string('publish'), number(3), amf.null, string('cam1'))));
      peer.send(...commands);
      assert.deepEqual(peer.events, ['connect', ...ended]);
      assert.equal(peer.session.publishing, ended.length === 0);
    });
});

describe('video bodies', () => {
  test('the bytes are those of the read buffer, and audio is only counted', () => {
    const peer = new Peer().live();
    const buffers = new Set<Buffer>();
    peer.video.append = (buffer: Buffer): void => {
      buffers.add(buffer);
    };
    const input = bytes(
      chunkSize(64),
      message(6, 9, 1, 7, bytes(avc, body(200)), 64),
      message(4, 8, 1, 0, body(50), 64),
    );
    peer.session.receive(input, 0, input.length, 9);
    assert.deepEqual([...buffers], [input]);
    assert.deepEqual(peer.video.calls, ['begin 7 225 9', 'end']);
    assert.equal(peer.session.counters.audioMessages, 1);
    assert.equal(peer.session.counters.audioBytes, 50);
    assert.equal(peer.session.counters.videoBytes, 225);
  });

  test('S5: the end of the connection aborts the open message once, and is no unpublish', () => {
    const peer = new Peer().live();
    peer.send(fmt0(6, 0, 300, 9), body(128));
    peer.session.close();
    peer.session.close();
    assert.deepEqual(peer.video.calls, ['begin 0 300 0', 'abort']);
    assert.deepEqual(peer.events, ['connect']);
  });

  test('an error in mid-message aborts it, and replies written before the error go out', () => {
    const peer = new Peer().live();
    fails(() => peer.send(fmt0(6, 0, 300, 9), body(128), connect), 'connect_repeated');
    assert.deepEqual(peer.video.calls, ['begin 0 300 0', 'abort']);
    assert.equal(peer.replies().at(-1), '_error csid=3 stream=0 tx=2 NetConnection.Connect.Failed');
  });
});
