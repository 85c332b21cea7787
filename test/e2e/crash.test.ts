import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { OfflineCardStore } from '../../src/offline-card/offline-card.ts';
import { readVersion } from '../../src/version.ts';
import { breakWorkers } from '../support/breaking.ts';
import { replay, republish } from '../support/coming-back.ts';
import { faultPaths, fragileEntries } from '../support/faults.ts';
import { startTestServer, type TestServer } from '../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../support/numbered-stream.ts';
import { until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import type { RtspClient } from '../support/rtsp-client.ts';
import { fonts, unitsOf } from '../unit/offline-card/card-model.ts';

const timeout = 120_000;
/** Milliseconds of processor time within which a thread is replaced and all is possible again. */
const backMs = 3000;
/** The same where another thread is there already. */
const atOnceMs = 1000;

async function startFragileServer(t: TestContext, flags: Record<string, string> = {}): Promise<TestServer> {
  const media = await startTestServer(flags, fragileEntries);
  t.after(media.stop);
  return media;
}

/** Brings down the ingest worker that the connection is given to. */
async function fail(port: number, fault: keyof typeof faultPaths): Promise<void> {
  const culprit = await RtmpClient.connect({ port, path: faultPaths[fault] });
  await culprit.ended;
}

describe('an ingest worker that fails', () => {
  for (const fault of Object.keys(faultPaths) as (keyof typeof faultPaths)[]) {
    test(`${fault}: costs its own publishers only, frees their paths at once and keeps the readers`, {
      timeout,
    }, async (t) => {
      const media = await startFragileServer(t);
      const port = media.server.addresses.rtmpPort;
      const paths = ['/stream1', '/stream2', '/stream3', '/stream4'];
      const readers = await Promise.all(paths.map((path) => media.play(path)));
      const streams = await Promise.all(paths.map((path) => NumberedStream.start(t, { port, path })));
      await Promise.all(readers.map((reader) => reader.until((r) => receivedNumbers(r).length >= 5)));

      await fail(port, fault);
      await until('its publishers are gone', () => streams.filter(({ closed }) => closed).length === 2);
      for (const [i, stream] of streams.entries())
        if (stream.closed) streams[i] = await republish(t, { port, path: paths[i]!, first: 100_000 }, atOnceMs);
      const goals = streams.map(({ next }) => next + 20);
      await Promise.all(readers.map((reader, i) => reader.until((r) => receivedNumbers(r).at(-1)! >= goals[i]!)));

      let undisturbed = 0;
      for (const reader of readers) {
        const numbers = receivedNumbers(reader);
        const restart = numbers.indexOf(100_000);
        if (restart < 0) undisturbed++;
        // A reader of a lost publisher sees two runs, one of another publisher a single one.
        const runs = restart < 0 ? [numbers] : [numbers.slice(0, restart), numbers.slice(restart)];
        for (const run of runs) assert.ok(isRun(run), String(numbers));
        assert.equal(reader.closed, false);
        assert.equal(reader.lostPackets, 0);
        assert.equal(new Set(reader.units.map(({ ssrc }) => ssrc)).size, 1);
      }
      assert.equal(undisturbed, 2);
      await until('only their connections are left', () => media.server.connections === 4);
    });
  }

  test('is replaced as often as it fails, and its connections do not count any more', { timeout }, async (t) => {
    const media = await startFragileServer(t, { 'max-connections': '4' });
    const port = media.server.addresses.rtmpPort;
    for (let round = 0; round < 5; round++) {
      // A worker that is still being replaced takes nobody.
      const streams = await Promise.all(['/stream1', '/stream2'].map((path) => republish(t, { port, path }, backMs)));
      // Both workers at once, so that for a moment there is none.
      await Promise.all([fail(port, 'throw'), fail(port, 'exit')]);
      // If only one of them was there when the streams came, both are at that one, which may have been spared.
      while (!streams.every(({ closed }) => closed)) await fail(port, 'throw');
      await until('no connection is left', () => media.server.connections === 0);
    }
    const paths = ['/stream1', '/stream2', '/stream3', '/stream4'];
    const readers = await Promise.all(paths.map((path) => media.play(path)));
    await Promise.all(paths.map((path) => republish(t, { port, path }, backMs)));
    await Promise.all(readers.map((reader) => reader.until((r) => receivedNumbers(r).length >= 5)));
    await assert.rejects(RtmpClient.publish({ port, path: '/stream5' }), /refused/, 'four connections are allowed');
  });

  test('leaves no connection hanging that comes at that moment', { timeout }, async (t) => {
    const media = await startFragileServer(t, { cameras: '64', 'max-connections': '64' });
    const port = media.server.addresses.rtmpPort;
    const clients = await Promise.all(
      Array.from({ length: 60 }, (_, i) => {
        const path = i % 20 === 10 ? faultPaths.throw : `/stream${i + 1}`;
        return RtmpClient.connect({ port, path });
      }),
    );
    t.after(() => {
      for (const client of clients) client.destroy();
    });
    // True or false, but soon: a peer that is neither served nor closed would wait for ever.
    const answers = await Promise.all(clients.map((client) => client.accepted));
    const live = () => clients.filter(({ closed }) => !closed).length;
    await until('only the connections that are served are open', () => media.server.connections === live());
    t.diagnostic(`${answers.filter(Boolean).length} of 60 accepted, ${live()} open in the end`);
    for (const client of clients) client.destroy();
    await until('no connection is left', () => media.server.connections === 0);
  });
});

describe('a consumer that fails', () => {
  test('costs the readers, who can come back at once, and no publisher notices', { timeout }, async (t) => {
    const media = await startFragileServer(t);
    const port = media.server.addresses.rtmpPort;
    const stream = await NumberedStream.start(t, { port, path: '/stream1' });
    for (const transport of ['tcp', 'udp', 'tcp'] as const) {
      const readers = await Promise.all([media.play('/stream1', { transport }), media.play('/stream2')]);
      await readers[0]!.until((r) => receivedNumbers(r).length >= 5);
      breakWorkers('consumer', 'throw');
      await until('the readers are cut off', () => readers.every(({ closed }) => closed));
      const again = await replay(media, '/stream1', backMs);
      await again.until((r) => receivedNumbers(r).length >= 20);
      assert.ok(isRun(receivedNumbers(again)));
      again.close();
      await until('nobody reads', () => media.server.snapshot(0).reader.readers === 0);
    }
    assert.equal(stream.closed, false);
    const { sent } = stream;
    await until('all frames have come', () => media.server.snapshot(0).publisher.frames >= sent);
    assert.equal(media.server.snapshot(0).publisher.discontinuities, 0);
  });
});

describe('an acceptor that fails', () => {
  test('opens the same ports again; publishers come back, and readers have stayed', { timeout }, async (t) => {
    const media = await startFragileServer(t);
    const { addresses } = media.server;
    const port = addresses.rtmpPort;
    const reader = await media.play('/stream1');
    const publishers: string[] = [];
    media.server.events.on('started', ({ publisher }) => publishers.push(publisher.id));
    for (const first of [1000, 2000, 3000]) {
      const stream = await republish(t, { port, path: '/stream1', first }, backMs);
      await reader.until((r) => receivedNumbers(r).at(-1)! >= first + 10);
      breakWorkers('acceptor', 'throw');
      await until('the publisher is cut off', () => stream.closed);
    }
    assert.deepEqual(media.server.addresses, addresses);
    const stream = await republish(t, { port, path: '/stream1', first: 4000 }, backMs);
    const another = await replay(media, '/stream1', backMs);
    await Promise.all([reader, another].map((r) => r.until(() => receivedNumbers(r).at(-1)! >= 4020)));
    assert.equal(stream.closed, false);
    assert.equal(reader.closed, false);
    assert.equal(reader.lostPackets, 0);
    await until('only its connection is left', () => media.server.connections === 1);
    assert.equal(new Set(publishers).size, 4, `no id comes twice: ${publishers}`);
  });

  test('and the consumer too: both are replaced', { timeout }, async (t) => {
    const media = await startFragileServer(t);
    const { rtmpPort: port } = media.server.addresses;
    for (let round = 0; round < 3; round++) {
      const [reader, stream] = [
        await replay(media, '/stream1', backMs),
        await republish(t, { port, path: '/stream1' }, backMs),
      ];
      await reader.until((r) => receivedNumbers(r).length >= 5);
      breakWorkers('acceptor', 'throw');
      breakWorkers('consumer', 'throw');
      await until('both are cut off', () => reader.closed && stream.closed);
    }
    const stream = await republish(t, { port, path: '/stream1' }, backMs);
    const reader = await replay(media, '/stream1', backMs);
    await reader.until((r) => receivedNumbers(r).length >= 5);
    assert.equal(stream.closed, false);
  });

  test('and whose port is taken meanwhile says so on the card of every camera, until it has it again', {
    timeout,
  }, async (t) => {
    const media = await startFragileServer(t);
    const port = media.server.addresses.rtmpPort;
    const reader = await media.play('/stream1');
    await reader.until(({ units }) => units.length > 0);
    breakWorkers('acceptor', 'throw');
    const other = await occupy(port);
    t.after(() => other.close());
    const reason = `--rtmp-port ${port}: the port is in use by another program; stop it or choose another port with --rtmp-port`;
    const slices = reasonSlices(reason);
    const shown = ({ units }: RtspClient): boolean =>
      units.some(({ units: parts }) => parts.some((part) => slices.some((slice) => slice.equals(part))));
    await reader.until(shown, 20_000);
    other.close();
    const stream = await republish(t, { port, path: '/stream1' }, backMs);
    await reader.until((r) => receivedNumbers(r).length >= 5);
    assert.equal(stream.closed, false);
    assert.equal(reader.lostPackets, 0);
  });
});

/** Listens on a port as soon as it is free. */
async function occupy(port: number): Promise<Server> {
  for (;;) {
    const server = createServer();
    const listening = once(server, 'listening').then(() => true);
    server.listen(port, '127.0.0.1');
    if (await listening.catch(() => false)) return server;
  }
}

/** The slice of a card that gives this reason, as it is in every second IDR picture and in the others. */
function reasonSlices(reason: string): Buffer[] {
  const content = { variant: 'error', name: 'Stream 1', reason, hint: '' } as const;
  const card = new OfflineCardStore(fonts).card({ ...content, product: `Skyweir ${readVersion()}` });
  return [1, 2].map((step) => unitsOf(card.idr(step))[3]!);
}
