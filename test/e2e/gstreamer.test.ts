import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { assertSamePictures, hashOf, pictures, readArgs } from '../support/ffmpeg-reader.ts';
import { decodePictures, makeClip, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, testCredentials } from '../support/media-server.ts';
import { start, until } from '../support/program.ts';

const timeout = 180_000;
/** Milliseconds until a program has decoded what it has. */
const decodeMs = 90_000;
const fps = 25;

/** A pipeline that publishes in real time, and writes what it publishes to `copy` as a byte stream. */
function publishArgs(sink: string, url: string, copy: string): string[] {
  return [
    '-q',
    ...`videotestsrc is-live=true num-buffers=${3 * fps} pattern=ball`.split(' '),
    ...`! video/x-raw,format=I420,width=320,height=180,framerate=${fps}/1`.split(' '),
    ...`! x264enc tune=zerolatency speed-preset=veryfast key-int-max=${fps} ! video/x-h264,profile=main`.split(' '),
    ...`! tee name=t t. ! queue ! flvmux streamable=true ! ${sink} location=${url}`.split(' '),
    ...`t. ! queue ! h264parse ! video/x-h264,stream-format=byte-stream ! filesink location=${copy}`.split(' '),
  ];
}

describe('GStreamer pushes, ffmpeg reads', { concurrency: 3 }, () => {
  for (const sink of ['rtmpsink', 'rtmp2sink']) {
    test(`every picture of ${sink} arrives in order with its time stamp`, { timeout }, async (t) => {
      const media = await startTestServer({}, {}, ['/live/cam1']);
      t.after(media.stop);
      const { rtmp, rtsp, server } = media;
      const copy = join(temporaryFolder(t), 'copy.h264');
      const reader = start(t, 'ffmpeg', readArgs(`${rtsp}/live/cam1`, 'tcp'));
      await until('the reader plays', () => server.snapshot(0).reader.readers === 1);
      const pusher = start(t, 'gst-launch-1.0', publishArgs(sink, `${rtmp}/live/cam1`, copy));
      assert.deepEqual(await pusher.ended, { code: 0, stdout: '', stderr: '' });
      const sent = await decodePictures(copy, ['-r', String(fps)]);
      assert.equal(sent.length, 3 * fps);
      assert.equal(new Set(sent.map(hashOf)).size, sent.length, 'every picture is different');
      await until('the path is free again', () => server.connections === 0);
      assertSamePictures(await pictures(reader, sent, media), sent);
    });
  }
});

describe('ffmpeg pushes, GStreamer reads', { concurrency: 3 }, () => {
  for (const protocol of ['tcp', 'udp'] as const) {
    test(`every picture is decoded once and in order over ${protocol}`, { timeout }, async (t) => {
      const media = await startTestServer();
      t.after(media.stop);
      const { rtmp, server } = media;
      const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 3, audio: true });
      const sent = await decodePictures(clip);
      const { user, password } = testCredentials;
      const source = `location=rtsp://127.0.0.1:${server.addresses.rtspPort}/stream1 protocols=${protocol} latency=100`;
      const reader = start(t, 'gst-launch-1.0', [
        '-q',
        ...`rtspsrc ${source} user-id=${user}`.split(' '),
        `user-pw=${password}`,
        ...'! rtph264depay ! h264parse ! avdec_h264 max-threads=1'.split(' '),
        ...'! videoconvert ! video/x-raw,format=I420 ! checksumsink hash=md5 sync=false'.split(' '),
      ]);
      await until('the reader plays', () => server.snapshot(0).reader.readers === 1);
      const pusher = start(t, 'ffmpeg', pushArgs(clip, `${rtmp}/stream1`));
      assert.equal((await pusher.ended).code, 0);
      // Before and behind the stream it sees the offline card.
      const known = new Set(sent.map(hashOf));
      const lines = () => [...reader.output.stdout.matchAll(/^\S+ ([0-9a-f]{32})$/gm)].map((match) => match[1]!);
      const isDecoded = () => lines().includes(sent.at(-1)!.hash);
      await until('the last picture is decoded', isDecoded, decodeMs);
      const hashes = lines();
      const first = hashes.findIndex((hash) => known.has(hash));
      assert.deepEqual(hashes.slice(first, first + sent.length), sent.map(hashOf));
      assert.equal(reader.output.stderr, '');
    });
  }
});
