import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodePictures, makeClip, type Picture, parseFrameMd5, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer } from '../support/media-server.ts';
import { type Program, start, until } from '../support/program.ts';

/** Reads a camera with ffmpeg, decoding every picture. */
function readArgs(url: string, transport: 'tcp' | 'udp'): string[] {
  // With several threads the decoder keeps the newest pictures back, and a live stream has no end that would bring them out.
  const input = ['-v', 'error', '-threads', '1', '-rtsp_transport', transport, '-i', url, '-map', '0:v'];
  return [
    ...input,
    '-flush_packets',
    '1',
    '-fps_mode',
    'passthrough',
    '-enc_time_base',
    '1/90000',
    '-f',
    'framemd5',
    '-',
  ];
}

/** Pictures that ffmpeg keeps back, in its decoder and before its output, until more come; a live stream has no end. */
const keptBack = 10;

/** Resolves with the pictures that the reader has decoded when those are all of `sent` but the last that it keeps back. */
async function pictures(reader: Program, sent: Picture[]): Promise<Picture[]> {
  const wanted = sent.length - keptBack;
  await until(`the reader has ${wanted} pictures`, () => parseFrameMd5(reader.output.stdout).length >= wanted);
  reader.kill('SIGTERM');
  const { stdout, stderr } = await reader.ended;
  assert.equal(stderr, '', 'ffmpeg decodes without a complaint');
  return parseFrameMd5(stdout);
}

/** The same pictures in the same order, at the same distances in time to within a millisecond's rounding. */
function assertSamePictures(received: Picture[], sent: Picture[]): void {
  assert.deepEqual(
    received.map((picture) => picture.hash),
    sent.slice(0, received.length).map((picture) => picture.hash),
  );
  // From the second picture on: ffmpeg's RTSP reader has no time stamp for the first packet that it parses.
  for (let i = 2; i < received.length; i++) {
    const [got, expected] = [received[i]!.ms - received[1]!.ms, sent[i]!.ms - sent[1]!.ms];
    assert.ok(Math.abs(got - expected) <= 1.01, `picture ${i} is at ${got} ms, the publisher had it at ${expected} ms`);
  }
}

describe('ffmpeg pushes, ffmpeg reads', () => {
  for (const transport of ['tcp', 'udp'] as const) {
    test(`every picture arrives in order with the publisher's time stamps over ${transport}`, {
      timeout: 60_000,
    }, async (t) => {
      const { rtmp, rtsp, server, stop } = await startTestServer();
      t.after(stop);
      const folder = temporaryFolder(t);
      const clip = await makeClip(folder, 'clip', { seconds: 4, audio: true });
      const sent = await decodePictures(clip);

      const reader = start(t, 'ffmpeg', readArgs(`${rtsp}/stream1`, transport));
      await until('the reader plays', () => server.snapshot(0).reader.readers === 1);
      const pusher = start(t, 'ffmpeg', pushArgs(clip, `${rtmp}/stream1`));
      assertSamePictures(await pictures(reader, sent), sent);
      assert.equal((await pusher.ended).code, 0);
    });
  }

  test('the server and stream key apart, as OBS sends them', { timeout: 60_000 }, async (t) => {
    const { rtmp, rtsp, server, stop } = await startTestServer();
    t.after(stop);
    const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 3 });
    const sent = await decodePictures(clip);
    const reader = start(t, 'ffmpeg', readArgs(`${rtsp}/stream2`, 'tcp'));
    await until('the reader plays', () => server.snapshot(1).reader.readers === 1);
    const app = ['-rtmp_app', '', '-rtmp_playpath', 'stream2', '-rtmp_tcurl', rtmp];
    start(t, 'ffmpeg', pushArgs(clip, rtmp, app));
    assertSamePictures(await pictures(reader, sent), sent);
  });
});

/** Odd streams that are still right: what arrives must be what was sent. */
const recipes: { name: string; clip?: string[]; push?: string[]; suffix?: string; reordered?: boolean }[] = [
  { name: 'several slices a picture', clip: ['-tune', 'zerolatency', '-x264-params', 'slices=4'] },
  { name: 'a first time stamp beyond 24 bits', push: ['-output_ts_offset', '16780'] },
  { name: 'a time stamp that passes 24 bits', push: ['-output_ts_offset', '16775.5'] },
  { name: 'a token behind the stream name', suffix: '?token=a%20b&x=1' },
  { name: 'long distances between keyframes', clip: ['-tune', 'zerolatency', '-g', '600'] },
  { name: 'B-frames', clip: ['-bf', '2'], reordered: true },
];

describe('odd but valid streams of ffmpeg', () => {
  for (const recipe of recipes) {
    test(recipe.name, { timeout: 60_000 }, async (t) => {
      const { rtmp, rtsp, server, stop } = await startTestServer();
      t.after(stop);
      const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 3, extra: recipe.clip ?? [] });
      const sent = await decodePictures(clip);
      const reader = start(t, 'ffmpeg', readArgs(`${rtsp}/stream1`, 'tcp'));
      await until('the reader plays', () => server.snapshot(0).reader.readers === 1);
      const pusher = start(t, 'ffmpeg', pushArgs(clip, `${rtmp}/stream1${recipe.suffix ?? ''}`, recipe.push));
      const received = await pictures(reader, sent);
      // Time stamps go out in decoding order, so pictures that are reordered keep their order but not their distances.
      if (recipe.reordered) assert.deepEqual(received.map(hashOf), sent.slice(0, received.length).map(hashOf));
      else assertSamePictures(received, sent);
      assert.equal((await pusher.ended).stderr, '');
    });
  }
});

function hashOf(picture: Picture): string {
  return picture.hash;
}
