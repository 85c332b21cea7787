/** Messages that come in several reads are gathered; the bound on their bytes is for what is held, not for what has come. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { ServerSession } from '../../../src/rtmp/server-session.ts';
import { amf, body, bytes, handshake, message, u32 } from '../../golden/wire.ts';

const { number, string } = amf;
const dataBytes = 60_000;
const chunkBytes = dataBytes / 2;
/** So many messages are a mebibyte more than may be held at once. */
const count = Math.ceil((limits.rtmp.partialBytes + 1024 * 1024) / dataBytes);

/** A session that publishes, with two chunks a message. */
function live(): { session: ServerSession; send: (...parts: Buffer[]) => void } {
  const session: ServerSession = new ServerSession(
    {
      onOutput: () => undefined,
      onConnect: () => undefined,
      onPublishRequest: () =>
        session.acceptPublish(0, {
          begin: () => undefined,
          append: () => 0,
          end: () => 0,
          abort: () => undefined,
        }),
      onUnpublish: () => undefined,
      onMetadata: () => undefined,
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
  /** Each part is a read. */
  const send = (...parts: Buffer[]) => {
    for (const part of parts) for (let at = 0; at < part.length; ) at = session.receive(part, at, part.length, 0);
  };
  const command = (name: string, ...values: Buffer[]) =>
    message(3, 20, 0, 0, bytes(string(name), number(2), ...values));
  send(handshake(), command('connect', amf.object({ app: string('live') })));
  send(command('publish', amf.null, string('cam1'), string('live')), message(2, 1, 0, 0, u32(chunkBytes)));
  return { session, send };
}

const data = message(4, 18, 1, 0, body(dataBytes), chunkBytes);
const firstChunk = data.length - chunkBytes - 1;
const halves = [data.subarray(0, firstChunk), data.subarray(firstChunk)] as const;

test('one after the other they may be of any number', () => {
  const { session, send } = live();
  for (let i = 0; i < count; i++) send(...halves);
  assert.equal(session.counters.dataMessages, count);
  assert.ok(session.counters.bytesReceived > limits.rtmp.partialBytes);
});

test('those that the peer aborts are held no longer', () => {
  const { session, send } = live();
  const abort = message(2, 2, 0, 0, u32(4));
  for (let i = 0; i < 2 * count; i++) send(halves[0], abort);
  assert.equal(session.counters.dataMessages, 2 * count);
});
