import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, type TestContext, test } from 'node:test';
import { ChunkEncoder } from '../../src/rtmp/chunk-encoder.ts';
import { amf, bytes, handshake, message, u32 } from '../golden/wire.ts';
import { assertReceived, nalUnitsOf } from '../support/expected-units.ts';
import { startTestServer, type TestServer } from '../support/media-server.ts';
import { isRun, NumberedStream, numberedPicture, receivedNumbers } from '../support/numbered-stream.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import {
  annexB,
  avcc,
  headerTag,
  naluTag,
  pps,
  prefixed,
  readFlv,
  sps,
  userSei,
} from '../unit/ingest/publisher-rig.ts';

const timeout = 60_000;

/** A video message that a publisher sends. */
interface VideoMessage {
  readonly timestampMs: number;
  readonly body: Uint8Array;
}

const intervalMs = 10;

/** Access units with a picture each, a keyframe every 10. */
function pictures(count: number, bytesEach?: number): Buffer[][] {
  return Array.from({ length: count }, (_, i) => [numberedPicture(i, i % 10 === 0, bytesEach)]);
}

/** A message for each access unit, with its body made by `frame`; a sequence header in front unless that is null. */
function messages(
  units: readonly (readonly Buffer[])[],
  frame: (units: readonly Buffer[], index: number) => Buffer,
  header: Buffer | null = headerTag([sps], [pps]),
): VideoMessage[] {
  const video = units.map((unit, i) => ({ timestampMs: i * intervalMs, body: naluTag(frame(unit, i)) }));
  return header === null ? video : [{ timestampMs: 0, body: header }, ...video];
}

/** Access units of a fixture, and the messages they came in. */
function fixture(name: string): { header: Buffer; video: { timestampMs: number; units: Buffer[] }[] } {
  const tags = readFlv(name).filter(({ body }) => body.length > 5);
  const header = tags.find(({ body }) => body[1] === 0)!.body;
  const video = tags
    .filter(({ body }) => body[1] === 1)
    .map(({ timestampMs, body }) => ({ timestampMs, units: nalUnitsOf(body.subarray(5)) }));
  return { header, video };
}

describe('what an odd publisher sends is what a reader gets', () => {
  let media: TestServer;
  let port: number;
  before(async () => {
    media = await startTestServer({ cameras: '16' });
    port = media.server.addresses.rtmpPort;
  });
  after(() => media.stop());

  let cameras = 0;
  const freshPath = () => `/stream${++cameras}`;

  /** Publishes the messages to a camera with a reader, which must get `sent`, access unit by access unit. */
  async function roundTrip(
    t: TestContext,
    list: readonly VideoMessage[],
    sent: readonly (readonly Buffer[])[],
    chunkSize?: number,
  ): Promise<void> {
    const path = freshPath();
    const reader = await media.play(path);
    t.after(() => reader.close());
    const client = await RtmpClient.publish({ port, path, ...(chunkSize !== undefined && { chunkSize }) });
    t.after(() => client.destroy());
    for (const { timestampMs, body } of list) client.send(timestampMs, body);
    await assertReceived(reader, sent);
    assert.equal(client.closed, false);
  }

  test('Annex B although lengths are announced', { timeout }, async (t) => {
    const sent = pictures(30);
    await roundTrip(
      t,
      messages(sent, (units, i) => annexB(units, i % 2 === 0 ? 4 : 3)),
      sent,
    );
  });

  test('Annex B without a sequence header, parameter sets in band', { timeout }, async (t) => {
    const sent = pictures(30).map((units, i) => (i % 10 === 0 ? [sps, pps, ...units] : units));
    await roundTrip(
      t,
      messages(sent, (units) => annexB(units), null),
      sent,
    );
  });

  test('no sequence header, 4-byte lengths, parameter sets in band', { timeout }, async (t) => {
    const sent = pictures(30).map((units, i) => (i % 10 === 0 ? [sps, pps, userSei, ...units] : units));
    await roundTrip(
      t,
      messages(sent, (units) => avcc(...units), null),
      sent,
    );
  });

  for (const lengthSize of [1, 2, 3]) {
    test(`NAL unit lengths of ${lengthSize} bytes`, { timeout }, async (t) => {
      const sent = pictures(30, lengthSize === 1 ? 200 : 2000);
      const list = messages(sent, (units) => prefixed(lengthSize, ...units), headerTag([sps], [pps], lengthSize));
      await roundTrip(t, list, sent);
    });
  }

  test('gradual decoder refresh without any IDR: starts at a recovery point', { timeout }, async (t) => {
    const { header, video } = fixture('intra-refresh.flv');
    // Without its first picture, the only IDR.
    const units = video.slice(1);
    const isRecovery = ({ units }: { units: Buffer[] }) =>
      units.some((unit) => (unit[0]! & 0x1f) === 6 && unit[1] === 6);
    const start = units.findIndex(isRecovery);
    assert.ok(start > 0 && !units.some(({ units }) => units.some((unit) => (unit[0]! & 0x1f) === 5)));
    const list = units.map(({ timestampMs, units }) => ({ timestampMs, body: naluTag(avcc(...units)) }));
    const sent = units.slice(start).map(({ units }) => units);
    await roundTrip(t, [{ timestampMs: 0, body: header }, ...list], sent);
  });

  test('each slice in a message of its own: access units are put together again', { timeout }, async (t) => {
    const { header, video } = fixture('four-slices.flv');
    assert.ok(video.every(({ units }) => units.length >= 4));
    const list = video.flatMap(({ timestampMs, units }) =>
      units.map((unit) => ({ timestampMs, body: naluTag(avcc(unit)) })),
    );
    await roundTrip(
      t,
      [{ timestampMs: 0, body: header }, ...list],
      video.map(({ units }) => units),
    );
  });

  test('B-frames keep their decoding order', { timeout }, async (t) => {
    const { header, video } = fixture('b-frames.flv');
    const list = video.map(({ timestampMs, units }) => ({ timestampMs, body: naluTag(avcc(...units)) }));
    await roundTrip(
      t,
      [{ timestampMs: 0, body: header }, ...list],
      video.map(({ units }) => units),
    );
  });

  for (const chunkSize of [16, 64, 128, 65_536]) {
    test(`chunks of ${chunkSize} bytes`, { timeout }, async (t) => {
      const sent = pictures(50, 3000);
      await roundTrip(
        t,
        messages(sent, (units) => avcc(...units)),
        sent,
        chunkSize,
      );
    });
  }

  test('every chunk size from 1 to 128, a new one for each picture', { timeout }, async (t) => {
    const path = freshPath();
    const reader = await media.play(path);
    t.after(() => reader.close());
    const client = await RtmpClient.publish({ port, path });
    t.after(() => client.destroy());
    const sent = pictures(128, 200);
    const encoder = new ChunkEncoder();
    encoder.chunkSize = 4096;
    client.send(0, headerTag([sps], [pps]));
    for (const [i, units] of sent.entries()) {
      // Still in chunks of the size before: below 4 bytes the new size itself is cut up.
      encoder.write(2, 1, 0, 0, u32(i + 1));
      encoder.chunkSize = i + 1;
      encoder.write(20, 9, 1, i * intervalMs, naluTag(avcc(...units)));
    }
    client.socket.write(encoder.take());
    await assertReceived(reader, sent);
  });

  test('everything in one write, also the whole dialogue', { timeout }, async (t) => {
    const path = freshPath();
    const reader = await media.play(path);
    t.after(() => reader.close());
    const sent = pictures(200, 2000);
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.resume();
    await once(socket, 'connect');
    socket.write(
      bytes(
        ...opening(path),
        ...messages(sent, (units) => avcc(...units)).map(({ timestampMs, body }) =>
          message(6, 9, 1, timestampMs, body),
        ),
      ),
    );
    await assertReceived(reader, sent);
  });

  test('video before the publish command is ignored, what follows it is not', { timeout }, async (t) => {
    const path = freshPath();
    const reader = await media.play(path);
    t.after(() => reader.close());
    const [connecting, create, publish] = opening(path).slice(1) as [Buffer, Buffer, Buffer];
    const early = pictures(10).map(([unit], i) => message(6, 9, 1, i * intervalMs, naluTag(avcc(unit!))));
    const sent = pictures(20).map((_, i) => [numberedPicture(1000 + i, i % 10 === 0)]);
    const late = messages(sent, (units) => avcc(...units)).map(({ timestampMs, body }) =>
      message(6, 9, 1, 400 + timestampMs, body),
    );
    const socket = connect(port, '127.0.0.1');
    t.after(() => socket.destroy());
    socket.resume();
    await once(socket, 'connect');
    const header = message(6, 9, 1, 0, headerTag([sps], [pps]));
    socket.write(bytes(handshake(), connecting, create, header, ...early, publish, ...late));
    await assertReceived(reader, sent);
    assert.equal(receivedNumbers(reader)[0], 1000, 'nothing of what came too early');
  });
});

/** Handshake, connect, createStream and publish of a one-part path, in the words of a simple encoder. */
function opening(path: string): Buffer[] {
  const command = (csid: number, stream: number, name: string, transaction: number, ...values: Buffer[]) =>
    message(csid, 20, stream, 0, bytes(amf.string(name), amf.number(transaction), ...values));
  return [
    handshake(),
    command(3, 0, 'connect', 1, amf.object({ app: amf.string(''), tcUrl: amf.string('rtmp://127.0.0.1') })),
    command(3, 0, 'createStream', 2, amf.null),
    command(4, 1, 'publish', 3, amf.null, amf.string(path.slice(1)), amf.string('live')),
  ];
}

describe('limits on connections', () => {
  /** How many of `count` connections, opened at the same time, are served. */
  async function served(t: TestContext, port: number, count: number): Promise<RtmpClient[]> {
    const clients = await Promise.all(
      Array.from({ length: count }, (_, i) => RtmpClient.connect({ port, path: `/stream${i + 1}` })),
    );
    t.after(() => {
      for (const client of clients) client.destroy();
    });
    const answers = await Promise.all(clients.map((client) => client.accepted));
    return clients.filter((_, i) => answers[i]);
  }

  test('--max-connections: one more is closed at once, and gets in when another has left', { timeout }, async (t) => {
    const media = await startTestServer({ 'max-connections': '3' });
    t.after(media.stop);
    const port = media.server.addresses.rtmpPort;
    const first = await served(t, port, 5);
    assert.equal(first.length, 3);
    first[0]!.destroy();
    let next: NumberedStream | null = null;
    const path = '/stream9';
    while (next === null) next = await NumberedStream.start(t, { port, path }).catch(() => null);
    const reader = await media.play(path);
    await reader.until((r) => receivedNumbers(r).length >= 5);
    assert.ok(isRun(receivedNumbers(reader)));
    assert.equal((await served(t, port, 1)).length, 0);
  });

  test('--max-connections-per-ip: counts each address for itself', { timeout }, async (t) => {
    const media = await startTestServer({ 'max-connections-per-ip': '2' });
    t.after(media.stop);
    const port = media.server.addresses.rtmpPort;
    assert.equal((await served(t, port, 4)).length, 2);
    const path = '/stream9';
    const elsewhere = await RtmpClient.publish({ port, path, localAddress: '127.0.0.2' });
    t.after(() => elsewhere.destroy());
    await assert.rejects(RtmpClient.publish({ port, path: '/stream10' }), /refused/);
  });

  const perSecond = 5;

  test('--rate-limit: holds one address back for a while, and no other', { timeout }, async (t) => {
    const media = await startTestServer({ 'rate-limit': true, 'rate-limit-per-second': String(perSecond) });
    t.after(media.stop);
    const port = media.server.addresses.rtmpPort;
    const startMs = performance.now();
    let admitted = 0;
    // As fast as this machine can, until more came in a second than may.
    for (let refused = 0; refused === 0; ) {
      const clients = await served(t, port, 10);
      admitted += clients.length;
      refused = 10 - clients.length;
      for (const client of clients) client.destroy();
    }
    const seconds = (performance.now() - startMs) / 1000;
    const most = seconds < 1 ? perSecond : perSecond * (1 + seconds) + 1;
    assert.ok(admitted >= perSecond && admitted <= most, `${admitted} in ${seconds} s`);
    const elsewhere = await RtmpClient.publish({ port, path: '/stream16', localAddress: '127.0.0.3' });
    t.after(() => elsewhere.destroy());
    let waited: NumberedStream | null = null;
    while (waited === null) waited = await NumberedStream.start(t, { port, path: '/stream15' }).catch(() => null);
    const waitedMs = performance.now() - startMs;
    assert.ok(waitedMs > 900, `${waitedMs} ms`);
  });
});
