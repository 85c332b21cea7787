import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readArgs } from '../support/ffmpeg-reader.ts';
import { decodePictures, makeClip, parseFrameMd5, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer, testCredentials } from '../support/media-server.ts';
import { isRun, NumberedStream, pictureNumber, receivedNumbers } from '../support/numbered-stream.ts';
import { type Program, start, until } from '../support/program.ts';
import type { RtspClient } from '../support/rtsp-client.ts';
import { assertClockGoesOn, countUnder, parameterSets } from '../support/stream-starts.ts';
import { typesOf } from '../support/test-stream.ts';

const timeout = 90_000;

/** Pictures of the card that a reader has. */
function cards(reader: RtspClient): number {
  return reader.units.filter(({ units }) => pictureNumber(units) < 0).length;
}

describe('a camera that nobody publishes to', () => {
  for (const transport of ['tcp', 'udp'] as const) {
    test(`shows its card before, between and after streams in one RTP session over ${transport}`, {
      timeout,
    }, async (t) => {
      const media = await startTestServer();
      t.after(media.stop);
      const { server } = media;
      const options = { port: server.addresses.rtmpPort, path: '/stream1' };
      const reader = await media.play('/stream1', { transport });
      await reader.until((r) => cards(r) >= 3);
      const first = await NumberedStream.start(t, options);
      await reader.until((r) => receivedNumbers(r).length >= 30);
      const before = cards(reader);
      first.stop();
      await reader.until((r) => cards(r) >= before + 2);
      const second = await NumberedStream.start(t, { ...options, first: 1000 });
      await reader.until((r) => receivedNumbers(r).at(-1)! >= 1030);

      const kinds = reader.units.map(({ units }) => pictureNumber(units));
      const changes = kinds.flatMap((kind, i) => (i === 0 || kind < 0 !== kinds[i - 1]! < 0 ? [i] : []));
      assert.equal(changes.length, 4, `card, stream, card, stream: ${kinds}`);
      for (const i of changes) {
        const types = typesOf(reader.units[i]!.units);
        assert.deepEqual(types.slice(0, 3), [7, 8, 5], 'each begins with parameter sets and an IDR');
      }
      const numbers = receivedNumbers(reader);
      assert.ok(isRun(numbers.filter((number) => number < 1000)) && isRun(numbers.filter((number) => number >= 1000)));
      assert.ok(numbers[0] === 0 && numbers.includes(1000), 'each stream from its first keyframe on');
      assert.equal(reader.lostPackets, 0);
      for (const [i, unit] of reader.units.entries()) {
        assert.equal(unit.ssrc, reader.units[0]!.ssrc);
        if (i === 0) continue;
        assert.ok(((unit.rtpTime - reader.units[i - 1]!.rtpTime) | 0) > 0, `time stands still or steps back at ${i}`);
      }
      assertClockGoesOn(reader.units, changes.slice(1));
      second.stop();
      await until('only pictures of publishers are counted', () => {
        return server.snapshot(0).reader.framesSent === receivedNumbers(reader).length;
      });
    });
  }

  test('is described by the parameter sets of what its readers get now', { timeout }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const card = /profile-level-id=42C01F;sprop-parameter-sets=Z0LAH9/;
    const reader = await media.play('/stream1');
    assert.match((await reader.describe()).body, card);
    const stream = await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1' });
    await reader.until((r) => receivedNumbers(r).length > 0);
    const live = (await reader.describe()).body;
    assert.match(live, /sprop-parameter-sets=/);
    assert.doesNotMatch(live, card);
    stream.stop();
    await until('it is that of the card again', async () => card.test((await reader.describe()).body));
  });

  test('has its card again after its publisher crashed', {
    timeout,
  }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const reader = await media.play('/stream1');
    const stream = await NumberedStream.start(t, { port: media.server.addresses.rtmpPort, path: '/stream1' });
    await reader.until((r) => receivedNumbers(r).length > 5);
    const before = cards(reader);
    stream.client.destroy();
    await reader.until((r) => cards(r) > before);
  });

  test('is plain grey with --no-offline-info', { timeout }, async (t) => {
    const media = await startTestServer({ 'offline-info': false });
    t.after(media.stop);
    const reader = await media.play('/stream1');
    // On a slow machine it may begin again with a keyframe before it goes on.
    await reader.until((r) => r.units.some(({ units }) => typesOf(units)[0] === 1));
    const [idr] = reader.units;
    assert.ok(Buffer.concat([...idr!.units]).length < 4000);
    const change = reader.units.find(({ units }) => typesOf(units)[0] === 1)!;
    assert.ok(Buffer.concat([...change.units]).length < 20);
  });
});

/** Pictures that a reader may keep back until more come. */
const keptBack = 12;

/** A real program that reads a camera, with the hashes of the pictures that it has decoded so far. */
interface Decoder {
  readonly name: string;
  readonly program: Program;
  hashes(): string[];
}

function ffmpeg(t: Parameters<typeof start>[0], media: TestServer, transport: 'tcp' | 'udp'): Decoder {
  const program = start(t, 'ffmpeg', readArgs(`${media.rtsp}/stream1`, transport));
  const hashes = () => parseFrameMd5(program.output.stdout).map(({ hash }) => hash);
  return { name: `ffmpeg over ${transport}`, program, hashes };
}

function gstreamer(t: Parameters<typeof start>[0], media: TestServer): Decoder {
  const { user, password } = testCredentials;
  const location = `rtsp://127.0.0.1:${media.server.addresses.rtspPort}/stream1`;
  const program = start(t, 'gst-launch-1.0', [
    '-q',
    ...`rtspsrc location=${location} protocols=tcp latency=100 user-id=${user}`.split(' '),
    `user-pw=${password}`,
    ...'! rtph264depay ! h264parse ! avdec_h264 max-threads=1'.split(' '),
    ...'! videoconvert ! video/x-raw,format=I420 ! checksumsink hash=md5 sync=false'.split(' '),
  ]);
  const hashes = () => [...program.output.stdout.matchAll(/^\S+ ([0-9a-f]{32})$/gm)].map((match) => match[1]!);
  return { name: 'GStreamer', program, hashes };
}

describe('real readers', () => {
  test('decode every picture through offline, live, offline, and live in another size, without a complaint', {
    timeout,
  }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const folder = temporaryFolder(t);
    const files = [
      await makeClip(folder, 'first', { seconds: 2, size: '640x360' }),
      await makeClip(folder, 'second', { seconds: 2, size: '352x288' }),
    ];
    const clips: string[][] = [];
    for (const file of files) clips.push((await decodePictures(file)).map(({ hash }) => hash));
    const decoders = [ffmpeg(t, media, 'tcp'), ffmpeg(t, media, 'udp'), gstreamer(t, media)];
    await until('all readers play', () => media.server.snapshot(0).reader.readers === decoders.length);
    const watcher = await media.play('/stream1');
    await watcher.until((r) => r.units.length > 0);
    const card = parameterSets(watcher);
    // Each of them gets the card as often as the watcher.
    const showCard = () => {
      const goal = countUnder(watcher, card) + 3;
      return watcher.until((r) => countUnder(r, card) >= goal);
    };
    await showCard();
    for (const file of files) {
      await start(t, 'ffmpeg', pushArgs(file, `${media.rtmp}/stream1`)).ended;
      await showCard();
    }
    const nearlyLast = clips[1]!.at(-keptBack)!;
    for (const { name, program, hashes } of decoders) {
      await until(`${name} has nearly all pictures`, () => hashes().includes(nearlyLast), 30_000);
      program.kill('SIGTERM');
      assert.equal((await program.ended).stderr, '', `${name} complains`);
      assertLife(name, hashes(), clips[0]!, clips[1]!);
    }
  });
});

/** Every picture of both clips, in order, with cards before and between them. */
function assertLife(
  name: string,
  hashes: readonly string[],
  first: readonly string[],
  second: readonly string[],
): void {
  const known = [new Set(first), new Set(second)];
  const kinds = hashes.map((hash) => known.findIndex((clip) => clip.has(hash)));
  assert.deepEqual(
    hashes.filter((_, i) => kinds[i] === 0),
    first,
    name,
  );
  const ofSecond = hashes.filter((_, i) => kinds[i] === 1);
  assert.deepEqual(ofSecond, second.slice(0, ofSecond.length), name);
  assert.ok(ofSecond.length > second.length - keptBack, name);
  const order = kinds.filter((kind, i) => i === 0 || kind !== kinds[i - 1]);
  assert.deepEqual(order.slice(0, 4), [-1, 0, -1, 1], `${name}: card, stream, card, stream`);
  assert.ok(kinds.indexOf(0) >= 2, `${name}: cards before the first stream`);
}
