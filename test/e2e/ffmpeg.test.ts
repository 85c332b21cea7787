import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertSamePictures, hashOf, pictures, readArgs } from '../support/ffmpeg-reader.ts';
import { decodePictures, makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer } from '../support/media-server.ts';
import { start, until } from '../support/program.ts';

describe('ffmpeg pushes, ffmpeg reads', { concurrency: 3 }, () => {
  for (const transport of ['tcp', 'udp'] as const) {
    test(`every picture arrives in order with the publisher's time stamps over ${transport}`, {
      timeout: 180_000,
    }, async (t) => {
      const media = await startTestServer();
      t.after(media.stop);
      const { rtmp, rtsp, server } = media;
      const folder = temporaryFolder(t);
      const clip = await makeClip(folder, 'clip', { seconds: 4, audio: true });
      const sent = await decodePictures(clip);

      const reader = start(t, 'ffmpeg', readArgs(`${rtsp}/stream1`, transport));
      await until('the reader plays', () => server.snapshot(0).reader.readers === 1);
      const pusher = start(t, 'ffmpeg', pushArgs(clip, `${rtmp}/stream1`));
      assert.equal((await pusher.ended).code, 0);
      assertSamePictures(await pictures(reader, sent, media), sent);
    });
  }

  test('the server and stream key apart, as OBS sends them', { timeout: 180_000 }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const { rtmp, rtsp, server } = media;
    const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 3 });
    const sent = await decodePictures(clip);
    const reader = start(t, 'ffmpeg', readArgs(`${rtsp}/stream2`, 'tcp'));
    await until('the reader plays', () => server.snapshot(1).reader.readers === 1);
    const app = ['-rtmp_app', '', '-rtmp_playpath', 'stream2', '-rtmp_tcurl', rtmp];
    const pusher = start(t, 'ffmpeg', pushArgs(clip, rtmp, app));
    assert.equal((await pusher.ended).code, 0);
    assertSamePictures(await pictures(reader, sent, media, 1), sent);
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

describe('odd but valid streams of ffmpeg', { concurrency: 3 }, () => {
  for (const recipe of recipes) {
    test(recipe.name, { timeout: 180_000 }, async (t) => {
      const media = await startTestServer();
      t.after(media.stop);
      const { rtmp, rtsp, server } = media;
      const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 3, extra: recipe.clip ?? [] });
      const sent = await decodePictures(clip);
      const reader = start(t, 'ffmpeg', readArgs(`${rtsp}/stream1`, 'tcp'));
      await until('the reader plays', () => server.snapshot(0).reader.readers === 1);
      const pusher = start(t, 'ffmpeg', pushArgs(clip, `${rtmp}/stream1${recipe.suffix ?? ''}`, recipe.push));
      assert.deepEqual(await pusher.ended, { code: 0, stdout: '', stderr: '' });
      const received = await pictures(reader, sent, media);
      // Time stamps go out in decoding order, so pictures that are reordered keep their order but not their distances.
      if (recipe.reordered) assert.deepEqual(received.map(hashOf), sent.map(hashOf));
      else assertSamePictures(received, sent);
    });
  }
});
