import assert from 'node:assert/strict';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { startTestServer } from '../support/media-server.ts';
import { isRun, NumberedStream, numberedPicture, receivedNumbers } from '../support/numbered-stream.ts';
import { until } from '../support/program.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { avcc, headerTag, naluTag, pps, sps } from '../unit/ingest/publisher-rig.ts';

const connections = 2000;
const cameras = 64;
/** Connections at the same time: fewer than are allowed, since the server hears of an end a moment after the client. */
const concurrency = 40;

const descriptors = '/proc/self/fd';

function openSockets(): number {
  return readdirSync(descriptors).filter((name) => {
    try {
      return readlinkSync(`${descriptors}/${name}`).startsWith('socket:');
    } catch {
      // Closed since the list was made, as the one that the list was read with.
      return false;
    }
  }).length;
}

/** Ways in which a publisher goes, some of them in the middle of something. */
const departures: Record<string, (client: RtmpClient) => void> = {
  'in order': (client) => client.stop(),
  'by closing': (client) => client.destroy(),
  'by a reset': (client) => client.reset(),
  'in the middle of a message': (client) => {
    // A header that announces 65 535 bytes, and 100 of them.
    client.socket.write(
      Buffer.concat([Buffer.from([0x07, 0, 0, 0, 0, 0xff, 0xff, 9, 1, 0, 0, 0]), Buffer.alloc(100, 0x17)]),
    );
    client.destroy();
  },
  'after its stream': (client) => {
    client.session.stop();
    client.destroy();
  },
};
const ways = Object.values(departures);

/** Connects, publishes a few pictures and goes. Returns whether it was let in. */
async function visit(port: number, camera: number, round: number): Promise<boolean> {
  const client = await RtmpClient.connect({ port, path: `/stream${camera + 1}` });
  if (round % 10 === 9) {
    // Some leave before they have said what they want.
    client.destroy();
    await client.ended;
    return false;
  }
  if (!(await client.accepted)) {
    client.destroy();
    await client.ended;
    return false;
  }
  client.send(0, headerTag([sps], [pps]));
  for (let i = 0; i < 3; i++) client.send(i * 40, naluTag(avcc(numberedPicture(i, i === 0, 3000))));
  ways[round % ways.length]!(client);
  await client.ended;
  return true;
}

test(`twice ${connections} publishers come and go, and leave nothing behind`, {
  timeout: 120_000,
  skip: !existsSync(descriptors) && 'needs /proc',
}, async (t) => {
  const media = await startTestServer({ cameras: `${cameras}`, 'max-connections': `${cameras}` });
  t.after(media.stop);
  const { server } = media;
  const port = server.addresses.rtmpPort;
  const accepted = new Array<number>(cameras).fill(0);

  /** Each lane uses cameras of its own, one connection after the other. */
  const churn = async (count: number): Promise<void> => {
    let left = count;
    const lane = async (first: number): Promise<void> => {
      for (let round = first; left > 0; round++) {
        left--;
        const camera = first + concurrency * (round % 2) < cameras ? first + concurrency * (round % 2) : first;
        if (await visit(port, camera, round)) accepted[camera]!++;
      }
    };
    await Promise.all(Array.from({ length: concurrency }, (_, i) => lane(i)));
    await until('no connection is left', () => server.connections === 0);
  };

  // Readers that stay, so that rings are read while their publishers come and go.
  const readers = await Promise.all([1, 2, 3, 4].map((i) => media.play(`/stream${i}`)));
  const sockets = openSockets();
  // Once for all threads to find their size, once to see whether they keep it.
  await churn(connections);
  await until('every socket is closed', () => openSockets() <= sockets);
  const open = readdirSync(descriptors).length;
  const residentBefore = process.memoryUsage.rss();
  await churn(connections);
  await until('every descriptor is closed', () => readdirSync(descriptors).length <= open);
  const grownMb = (process.memoryUsage.rss() - residentBefore) / 2 ** 20;
  const total = accepted.reduce((sum, count) => sum + count, 0);
  t.diagnostic(`${total} publications, resident memory grew by ${grownMb.toFixed(1)} MB`);
  assert.ok(total > 1.6 * connections, `only ${total} publications`);
  assert.ok(grownMb < 150, `resident memory grew by ${grownMb} MB`);
  for (const reader of readers) {
    assert.equal(reader.closed, false);
    assert.equal(reader.lostPackets, 0);
  }
  // A ring counts its streams, so one that had been replaced would have begun anew.
  const streams = server.cameras.map(({ index }) => server.snapshot(index).publisher.generation);
  assert.deepEqual(streams, accepted);

  // Every path is free, and none of the connections counts any more.
  const all = await Promise.all(server.cameras.map(({ path }) => NumberedStream.start(t, { port, path, first: 1000 })));
  assert.equal(server.connections, cameras);
  await assert.rejects(RtmpClient.publish({ port, path: '/stream1' }), /refused/);
  await Promise.all(readers.map((reader) => reader.until((r) => receivedNumbers(r).at(-1)! >= 1005)));
  for (const reader of readers) assert.ok(isRun(receivedNumbers(reader).filter((number) => number >= 1000)));
  assert.ok(all.every(({ closed }) => !closed));
});
