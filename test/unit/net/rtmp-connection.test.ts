import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorCode } from '../../../src/base/errors.ts';
import type { ConnectionToMain } from '../../../src/control/messages.ts';
import { Newcomers } from '../../../src/net/newcomers.ts';
import { ReadTurns } from '../../../src/net/read-turns.ts';
import { RtmpConnection } from '../../../src/net/rtmp-connection.ts';
import { amf, bytes, handshake, message } from '../../golden/wire.ts';
import { FakeSocket } from '../../support/fake-socket.ts';
import { naluTag, PublisherRig, prefixed } from '../ingest/publisher-rig.ts';

/** A connection whose claims are granted at once, and the counters of its camera. */
class Scene {
  readonly rig = new PublisherRig();
  readonly told: ConnectionToMain[] = [];
  log = '';
  ended: ErrorCode | null = null;
  readonly #clock = { nowMs: () => this.rig.nowMs, wallMs: () => 0 };
  readonly connection: RtmpConnection;

  constructor(address = '192.0.2.1') {
    const write = (...words: unknown[]): void => {
      this.log += JSON.stringify(words);
    };
    const log = { debug: write, info: write, warn: write, error: write };
    const timeouts = { handshakeMs: 5_000, publishMs: 10_000, videoMs: 15_000, receiveMs: 30_000 };
    this.connection = new RtmpConnection(
      {
        clock: this.#clock,
        logger: log as never,
        readBuffer: Buffer.alloc(1024),
        turns: new ReadTurns(this.#clock, () => {}),
        random: (into) => into.fill(1),
        tls: null,
        newcomers: new Newcomers(),
        introduce() {},
        tellMain: (_id, message) => this.told.push(message),
        createPublisher: () => this.rig.publisher,
      },
      {
        peer: { id: 'r1', address, port: 1 },
        listener: 'rtmp',
        acceptedMs: this.rig.nowMs,
        socket: new FakeSocket().socket,
        tls: false,
        timeouts,
      },
      (reason) => {
        this.ended = reason;
      },
    );
  }

  send(...parts: Buffer[]): void {
    const input = Buffer.concat(parts);
    this.connection.onRead(input.length, input);
  }

  publish(name = 'cam1'): void {
    this.send(command('publish', amf.null, amf.string(name), amf.string('live')));
    assert.equal(this.told.at(-1)?.type, 'claim');
    this.connection.onMain({ type: 'granted', camera: 0, ring: null as never });
  }

  get tolerated(): number {
    return this.rig.counters.tolerated;
  }
}

const command = (name: string, ...values: Buffer[]): Buffer =>
  message(3, 20, 0, 0, bytes(amf.string(name), amf.number(0), ...values));
const connect = command('connect', amf.object({ app: amf.string('live') }));
/** Messages of a type that does not exist. */
const odd = (count: number): Buffer => Buffer.concat(Array<Buffer>(count).fill(message(4, 99, 1, 0, Buffer.alloc(3))));

test('what the session put up with is counted with the stream, once a second', () => {
  const scene = new Scene();
  scene.send(handshake(), connect, command('noSuchCommand'));
  scene.publish();
  assert.equal(scene.tolerated, 0);
  scene.connection.threadTime(1, 1, 1);
  assert.equal(scene.tolerated, 1, 'what came before the stream is of no other');
  scene.send(odd(3));
  scene.connection.threadTime(2, 2, 2);
  scene.connection.threadTime(3, 3, 3);
  assert.equal(scene.tolerated, 4);
});

test('the last of it when the stream ends, in order or with the connection', () => {
  const unpublished = new Scene();
  unpublished.send(handshake(), connect);
  unpublished.publish();
  unpublished.send(odd(2), command('closeStream'));
  assert.equal(unpublished.told.at(-1)?.type, 'release');
  assert.equal(unpublished.tolerated, 2);
  unpublished.connection.threadTime(1, 1, 1);
  assert.equal(unpublished.tolerated, 2);

  const cut = new Scene();
  cut.send(handshake(), connect);
  cut.publish();
  cut.send(odd(5));
  cut.connection.cut('kicked');
  assert.equal(cut.tolerated, 5);
});

test('audio is noted, unless video is on its way behind it', () => {
  const scene = new Scene();
  const audio = message(4, 8, 1, 0, Buffer.from([0xaf, 1, 2]));
  const noted = (nowMs: number) => {
    scene.connection.threadTime(nowMs, 0, nowMs);
    return scene.rig.counters.audioNotedMs;
  };
  scene.send(handshake(), connect);
  scene.publish();
  assert.equal(noted(1000), 0);
  scene.send(audio);
  assert.equal(noted(2000), 2000);
  assert.equal(noted(3000), 2000);
  const video = message(6, 9, 1, 0, naluTag(prefixed(4, Buffer.from([0x65, 0x88, 0x84, 1, 2, 3, 4]))));
  scene.send(audio, video.subarray(0, -3));
  assert.equal(noted(4000), 2000, 'a picture that takes seconds to come is the fault of the link');
  scene.send(video.subarray(-3));
  assert.equal(noted(5000), 2000);
  scene.send(audio);
  assert.equal(noted(6000), 6000);
});

test('a video message without a body is one oddity, not two', () => {
  const scene = new Scene();
  scene.send(handshake(), connect);
  scene.publish();
  scene.send(message(6, 9, 1, 0, Buffer.alloc(0)));
  scene.connection.threadTime(1, 1, 1);
  assert.equal(scene.tolerated, 1);
});

test('P7: the log holds neither query nor credentials of an address', () => {
  const scene = new Scene();
  const tcUrl = amf.string('rtmp://u:hidden1@host/live?token=hidden2');
  scene.send(handshake(), command('connect', amf.object({ app: amf.string('live?a=hidden3'), tcUrl })));
  scene.publish('cam1?token=hidden4');
  scene.connection.cut('kicked');
  assert.match(scene.log, /"path":"\/live\/cam1"/);
  assert.doesNotMatch(scene.log, /hidden/);
});

test('publishers of one IPv6 network share its turns', () => {
  const addressOf = (address: string): string => new Scene(address).connection.address;
  assert.equal(addressOf('2001:db8:1:2::1'), addressOf('2001:db8:1:2:3:4:5:6'));
  assert.notEqual(addressOf('2001:db8:1:2::1'), addressOf('2001:db8:1:3::1'));
  assert.equal(addressOf('192.0.2.1'), '192.0.2.1');
});
