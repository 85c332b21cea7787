import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, test } from 'node:test';
import type { MessagePort } from 'node:worker_threads';
import type { WebSocket } from 'ws';
import { limits } from '../../../src/base/limits.ts';
import type { ConsumerToPreview, PreviewToConsumer } from '../../../src/control/messages.ts';
import { PreviewSocket } from '../../../src/net/preview-socket.ts';

const { queuedBytes, resumeBytes, underWayBytes, pingMs } = limits.preview;
const wallAtZero = 1_700_000_000_000;

/** A WebSocket that takes as much as the test says. */
class FakeWebSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: (string | Buffer)[] = [];
  readonly did: unknown[] = [];
  readonly #callbacks: ((error?: Error) => void)[] = [];

  send(data: string | Buffer, _options?: object, done?: (error?: Error) => void): void {
    this.sent.push(data);
    if (done !== undefined) this.#callbacks.push(done);
  }

  /** What waited goes out, but for `left` bytes. */
  drain(left = 0, fragments = this.#callbacks.length): void {
    this.bufferedAmount = left;
    for (const done of this.#callbacks.splice(0, fragments)) done();
  }

  /** The connection closes with all that waits. */
  fail(): void {
    for (const done of this.#callbacks.splice(0)) done(new Error('closed'));
  }

  ping(): void {
    this.did.push('ping');
  }

  pong(data: Buffer): void {
    this.did.push(`pong ${data}`);
  }

  terminate(): void {
    this.did.push('terminate');
  }

  close(code: number, reason: string): void {
    this.did.push([code, reason]);
    this.readyState = 2;
  }
}

class FakePort extends EventEmitter {
  readonly told: [wanted: boolean, takenBytes: number][] = [];
  readonly returned: ArrayBuffer[] = [];
  closed = false;

  postMessage({ wanted, takenBytes, memory }: PreviewToConsumer, transfer: ArrayBuffer[]): void {
    this.told.push([wanted, takenBytes]);
    assert.deepEqual(transfer, memory === null ? [] : [memory]);
    if (memory !== null) this.returned.push(memory);
  }

  close(): void {
    this.closed = true;
  }
}

class Bench {
  nowMs = 1000;
  draining = false;
  restarts = 0;
  stalls = 0;
  readonly webSocket = new FakeWebSocket();
  readonly port = new FakePort();
  readonly viewer: PreviewSocket;

  constructor() {
    const webSocket = this.webSocket as unknown as WebSocket;
    const clock = { nowMs: () => this.nowMs, wallMs: () => wallAtZero + this.nowMs };
    const told = { onRestarted: () => this.restarts++, onStalled: () => this.stalls++ };
    const options = { camera: 3, clock, isDraining: () => this.draining, ...told };
    this.viewer = new PreviewSocket(webSocket, this.port as unknown as MessagePort, options);
  }

  take(message: ConsumerToPreview): void {
    this.port.emit('message', message);
  }

  fragment(mediaMs: number, length = 100): ArrayBuffer {
    const memory = new ArrayBuffer(length + 10);
    this.take({ type: 'fragment', memory, offset: 10, length, mediaMs, arrivalMs: this.nowMs - 50 });
    return memory;
  }

  start(): void {
    const init = Uint8Array.of(1, 2, 3);
    this.take({ type: 'start', mime: 'video/mp4; codecs="avc1.640028"', width: 1920, height: 1080, init });
  }

  tick(afterMs = 1000): void {
    this.nowMs += afterMs;
    this.viewer.tick(this.nowMs);
  }

  get texts(): object[] {
    return this.webSocket.sent.filter((data) => typeof data === 'string').map((text) => JSON.parse(text) as object);
  }
}

describe('what a viewer is sent', () => {
  test('is as the protocol has it', () => {
    const bench = new Bench();
    bench.take({ type: 'state', live: true });
    bench.start();
    bench.fragment(80);
    const { sent } = bench.webSocket;
    assert.deepEqual(
      sent.map((data) => (typeof data === 'string' ? (JSON.parse(data) as object) : data.length)),
      [
        { type: 'state', live: true },
        { type: 'codec', mime: 'video/mp4; codecs="avc1.640028"', width: 1920, height: 1080 },
        3,
        100,
        { type: 'clock', mediaMs: 80, arrivalWallMs: wallAtZero + 950, nowWallMs: wallAtZero + 1000 },
      ],
    );
  });

  test('has no time between the beginning of another stream and its first frame', () => {
    const bench = new Bench();
    bench.start();
    bench.fragment(0);
    bench.fragment(100);
    bench.start();
    bench.tick();
    assert.equal(bench.texts.filter((text) => 'mediaMs' in text).length, 1);
    bench.fragment(0);
    assert.deepEqual(bench.texts.at(-1), {
      type: 'clock',
      mediaMs: 0,
      arrivalWallMs: wallAtZero + 1950,
      nowWallMs: wallAtZero + 2000,
    });
  });

  test('has the time once a second where there is a new frame, and at once with a new stream', () => {
    const bench = new Bench();
    const clocks = () => bench.texts.filter((text) => 'mediaMs' in text).length;
    bench.start();
    bench.fragment(0);
    bench.fragment(100);
    bench.fragment(200);
    assert.equal(clocks(), 1);
    bench.tick();
    assert.equal(clocks(), 2);
    assert.deepEqual(bench.texts.at(-1), {
      type: 'clock',
      mediaMs: 200,
      arrivalWallMs: wallAtZero + 950,
      nowWallMs: wallAtZero + 2000,
    });
    bench.tick();
    assert.equal(clocks(), 2);
    bench.start();
    bench.fragment(0);
    assert.equal(clocks(), 3);
  });

  test('is nothing once the connection closes', () => {
    const bench = new Bench();
    bench.webSocket.readyState = 2;
    bench.start();
    bench.fragment(0);
    assert.deepEqual(bench.webSocket.sent, []);
    bench.webSocket.emit('close');
    assert.equal(bench.port.closed, true);
  });
});

describe('a connection that does not take what comes', () => {
  test('has the consumer stop, and go on when most of it has gone', () => {
    const bench = new Bench();
    bench.start();
    bench.webSocket.bufferedAmount = queuedBytes;
    bench.fragment(0);
    assert.deepEqual(bench.port.told, []);
    bench.webSocket.bufferedAmount = queuedBytes + 1;
    bench.fragment(100);
    bench.fragment(200);
    assert.deepEqual(bench.port.told, [[false, 200]]);
    bench.webSocket.drain(resumeBytes + 1, 2);
    assert.deepEqual(bench.port.told.at(-1), [false, 300]);
    bench.webSocket.drain(resumeBytes);
    assert.deepEqual(bench.port.told.at(-1), [true, 300]);
    assert.equal(bench.restarts, 0);
    bench.take({ type: 'restarted' });
    assert.equal(bench.restarts, 1);
  });

  test('is ended when it takes nothing for ten seconds, and not before', () => {
    const bench = new Bench();
    bench.webSocket.bufferedAmount = 1000;
    for (let i = 0; i < 9; i++) bench.tick();
    bench.webSocket.bufferedAmount = 999;
    for (let i = 0; i < 10; i++) bench.tick();
    assert.ok(!bench.webSocket.did.includes('terminate'));
    bench.tick();
    assert.ok(bench.webSocket.did.includes('terminate'));
  });

  test('gets one answer to its pings', () => {
    const bench = new Bench();
    bench.webSocket.emit('ping', Buffer.from('a'));
    bench.webSocket.bufferedAmount = 1;
    bench.webSocket.emit('ping', Buffer.from('b'));
    assert.deepEqual(bench.webSocket.did, ['pong a']);
  });
});

describe('the consumer', () => {
  test('is told once a second how much has come over, and sooner when that is much', () => {
    const bench = new Bench();
    bench.fragment(0);
    bench.tick();
    assert.deepEqual(bench.port.told, [[true, 100]]);
    bench.fragment(100, underWayBytes / 4);
    assert.equal(bench.port.told.length, 1);
    bench.fragment(200, 1);
    assert.deepEqual(bench.port.told.at(-1), [true, 101 + underWayBytes / 4]);
  });

  test('gets the memory of each fragment back when the connection has taken it, and no sooner', () => {
    const bench = new Bench();
    const memories = [bench.fragment(0), bench.fragment(100), bench.fragment(200)];
    bench.tick();
    assert.deepEqual(bench.port.returned, []);
    bench.webSocket.drain(0, 2);
    assert.deepEqual(bench.port.returned, memories.slice(0, 2));
    bench.webSocket.fail();
    assert.equal(bench.port.returned.length, 2);
  });

  test('that ends a preview, or dies, is the viewer told of with what to do', () => {
    const ended = (reason: 'camera_removed' | 'shutdown' | 'internal' | null, draining = false) => {
      const bench = new Bench();
      bench.draining = draining;
      if (reason === null) bench.port.emit('close');
      else bench.take({ type: 'ended', reason });
      return bench.webSocket.did;
    };
    const stops = [1001, 'the server stops; connect again when it is back'];
    const interrupted = [1013, 'the preview was interrupted; connect again in a second'];
    assert.deepEqual(ended('camera_removed'), [[1008, 'the camera was removed; reload the list of streams']]);
    assert.deepEqual(ended('shutdown'), [stops]);
    assert.deepEqual(ended('internal'), [interrupted]);
    assert.deepEqual(ended(null), [interrupted]);
    assert.deepEqual(ended(null, true), [stops]);
  });

  test('gets a sign of life to the viewer four times a minute', () => {
    const bench = new Bench();
    for (let i = 0; i < 60; i++) bench.tick();
    assert.deepEqual(bench.webSocket.did, Array(60_000 / pingMs).fill('ping'));
  });
});
