import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientSession } from '../../../src/rtmp/client-session.ts';
import { ServerSession, type VideoSink } from '../../../src/rtmp/server-session.ts';
import { body, digest } from '../../golden/wire.ts';

/** Client and server joined by two queues; `exchange` runs until both are silent. */
function pair(chunkSize: number, accept: boolean) {
  const events: string[] = [];
  const toServer: Buffer[] = [];
  const toClient: Buffer[] = [];
  const random = (into: Uint8Array): void => {
    into.fill(7);
  };
  const video: VideoSink = {
    begin: (timestampMs, length) => events.push(`video ${timestampMs} ${length}`),
    append: (bytes, start, end) => received.push(Buffer.from(bytes.subarray(start, end))),
    end: () => events.push('end'),
    abort: () => events.push('abort'),
  };
  const server: ServerSession = new ServerSession(
    {
      onOutput: (reply) => toClient.push(Buffer.from(reply)),
      onConnect: ({ flashVer }) => events.push(`connect ${flashVer}`),
      onPublishRequest: ({ path }) => {
        events.push(`publish ${path}`);
        if (accept) server.acceptPublish(0, video);
        else server.rejectPublish();
      },
      onUnpublish: (cause) => events.push(cause),
      onMetadata: (values) => events.push(`metadata ${[...values].join(' ')}`),
    },
    {
      nowMs: 0,
      handshakeTimeoutMs: 5_000,
      publishTimeoutMs: 10_000,
      videoTimeoutMs: 15_000,
      receiveTimeoutMs: 30_000,
      random,
    },
  );
  const received: Buffer[] = [];
  const client = new ClientSession(
    {
      onOutput: (bytes) => toServer.push(Buffer.from(bytes)),
      onPublishing: () => events.push('publishing'),
      onRejected: (code) => events.push(`rejected ${code}`),
    },
    { app: 'live', streamName: 'cam1', tcUrl: 'rtmp://h/live', chunkSize, nowMs: 0, random, flashVer: 'test' },
  );
  const exchange = (): void => {
    while (toServer.length + toClient.length > 0) {
      const up = toServer.shift();
      if (up) for (let i = 0; i < up.length; i += 1000) server.receive(up, i, Math.min(i + 1000, up.length), 0);
      const down = toClient.shift();
      if (down) for (let i = 0; i < down.length; i += 100) client.receive(down, i, Math.min(i + 100, down.length), 0);
    }
  };
  return { client, server, events, received, exchange };
}

for (const chunkSize of [128, 4096, 65_536])
  test(`S1 to S5: publishes to our server with chunks of ${chunkSize}`, () => {
    const { client, server, events, received, exchange } = pair(chunkSize, true);
    client.start();
    exchange();
    assert.deepEqual(events.splice(0), ['connect test', 'publish /live/cam1', 'publishing']);
    assert.equal(client.publishing, true);

    client.sendMetadata(new Map([['width', 640]]));
    const content = body(10_000);
    client.sendVideo(0, content);
    client.sendAudio(5, body(10));
    client.sendVideo(40, new Uint8Array(content));
    exchange();
    assert.deepEqual(events.splice(0), ['metadata width,640', 'video 0 10000', 'end', 'video 40 10000', 'end']);
    assert.equal(digest(Buffer.concat(received)), digest(Buffer.concat([content, content])));
    assert.equal(server.counters.audioBytes, 10);

    client.stop();
    client.stop();
    exchange();
    assert.deepEqual(events, ['FCUnpublish']);
    assert.equal(server.counters.tolerated, 0);
  });

test('S7: learns why it was rejected', () => {
  const { client, events, exchange } = pair(128, false);
  client.start();
  exchange();
  assert.deepEqual(events.slice(-1), ['rejected NetStream.Publish.BadName']);
  assert.equal(client.publishing, false);
});
