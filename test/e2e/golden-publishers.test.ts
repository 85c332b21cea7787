import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ServerSession } from '../../src/rtmp/server-session.ts';
import { describeReplies } from '../golden/run.ts';
import type { Vector } from '../golden/vector.ts';
import { assertReceived, nalUnitsOf } from '../support/expected-units.ts';
import { startTestServer, type TestServer } from '../support/media-server.ts';
import { until } from '../support/program.ts';

const folder = join(import.meta.dirname, '../golden');
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as (Vector & { file: string })[];
const vectors = manifest.filter(({ kind }) => kind === 'session');

/** What the server has to grant, in order. */
function publishedPaths({ events }: Vector): string[] {
  return events.flatMap((event) => /^publish (\S+)/.exec(event)?.[1] ?? []);
}

/** A peer that says what it was told to, whatever the server says. */
class DeafPeer {
  readonly socket: Socket;
  readonly #output: Buffer[] = [];
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => this.#output.push(bytes));
    socket.on('close', () => {
      this.closed = true;
    });
  }

  static async connect(port: number): Promise<DeafPeer> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new DeafPeer(socket);
  }

  /** Each byte in a segment of its own, as far as the kernel leaves them apart. */
  async sendByteByByte(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length && !this.closed; at++) {
      this.socket.write(bytes.subarray(at, at + 1));
      if (at % 64 === 63) await turn();
    }
  }

  get replies(): string[] {
    return describeReplies(Buffer.concat(this.#output));
  }
}

/** The access units in the video of a dialogue, as a session finds them when it is fed directly. */
function sentUnits(bytes: Buffer): Buffer[][] {
  const bodies: Buffer[][] = [];
  const sink = {
    begin: () => void bodies.push([]),
    append: (read: Buffer, start: number, end: number) => void bodies.at(-1)!.push(read.subarray(start, end)),
    end: () => 0,
    abort: () => void bodies.pop(),
  };
  const handler = {
    onOutput: () => undefined,
    onConnect: () => undefined,
    onPublishRequest: () => session.acceptPublish(0, sink),
    onUnpublish: () => undefined,
    onMetadata: () => undefined,
  };
  const timeouts = { handshakeTimeoutMs: 1, publishTimeoutMs: 1, videoTimeoutMs: 1, receiveTimeoutMs: 1 };
  const session: ServerSession = new ServerSession(handler, { nowMs: 0, random: () => undefined, ...timeouts });
  session.receive(bytes, 0, bytes.length, 0);
  return bodies
    .map((parts) => Buffer.concat(parts))
    .filter((body) => body[1] === 1)
    .map((body) => nalUnitsOf(body.subarray(5)));
}

describe('publishers of the golden vectors, byte by byte over a real socket', () => {
  let media: TestServer;
  const started: string[] = [];
  before(async () => {
    const paths = new Set(vectors.flatMap(publishedPaths));
    // Byte by byte takes its time.
    const patience = { 'handshake-timeout': '5m', 'publish-timeout': '5m', 'video-timeout': '5m' };
    media = await startTestServer(patience, {}, [...paths]);
    media.server.events.on('started', ({ camera }) => started.push(camera.path));
  });
  after(() => media.stop());

  for (const vector of vectors) {
    test(`${vector.name}: ${vector.clause}`, { timeout: 120_000 }, async () => {
      started.length = 0;
      const bytes = readFileSync(join(folder, vector.file));
      const peer = await DeafPeer.connect(media.server.addresses.rtmpPort);
      const refused = vector.events.some((event) => event.startsWith('error '));
      const camera = media.server.cameras.findIndex(({ path }) => path === publishedPaths(vector)[0]);
      const captured = !vector.origin.startsWith('written');
      const reader = captured ? await media.play(media.server.cameras[camera]!.path) : null;

      await peer.sendByteByByte(bytes);
      if (refused) await until('the connection is closed', () => peer.closed);
      if (vector.replies !== undefined)
        await until('the replies are here', () => peer.replies.length >= vector.replies!.length).catch(() => null);
      const expected = publishedPaths(vector);
      await until('its streams have started', () => started.length >= expected.length);
      if (reader !== null) {
        await assertReceived(reader, sentUnits(bytes));
        reader.close();
      }
      if (vector.replies !== undefined) assert.deepEqual(peer.replies, vector.replies);
      assert.deepEqual(started, expected);
      assert.equal(peer.closed, refused);
      peer.socket.destroy();
      await until('the connection is gone', () => media.server.connections === 0);
    });
  }
});
