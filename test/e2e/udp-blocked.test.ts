import { describe, type TestContext, test } from 'node:test';
import { decodePictures, makeClip, parseFrameMd5, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer, testCredentials } from '../support/media-server.ts';
import { start, until } from '../support/program.ts';

const timeout = 60_000;
const blocked = { consumer: new URL('../support/blocked-udp-consumer.ts', import.meta.url) };
const { user, password } = testCredentials;

const readers: Record<string, (t: TestContext, media: TestServer) => () => (string | undefined)[]> = {
  ffmpeg: (t, media) => {
    const input = `-v error -threads 1 -timeout 1000000 -i ${media.rtsp}/stream1 -map 0:v`.split(' ');
    const output = '-fps_mode passthrough -flush_packets 1 -enc_time_base 1/90000 -f framemd5 -'.split(' ');
    const program = start(t, 'ffmpeg', [...input, ...output]);
    return () => parseFrameMd5(program.output.stdout).map(({ hash }) => hash);
  },
  GStreamer: (t, media) => {
    const url = `rtsp://127.0.0.1:${media.server.addresses.rtspPort}/stream1`;
    const program = start(t, 'gst-launch-1.0', [
      '-q',
      ...`rtspsrc location=${url} latency=100 timeout=1000000 user-id=${user}`.split(' '),
      `user-pw=${password}`,
      ...'! rtph264depay ! h264parse ! avdec_h264 max-threads=1'.split(' '),
      ...'! videoconvert ! video/x-raw,format=I420 ! checksumsink hash=md5 sync=false'.split(' '),
    ]);
    return () => [...program.output.stdout.matchAll(/^\S+ ([0-9a-f]{32})$/gm)].map((match) => match[1]);
  },
};

describe('UDP that does not get through', () => {
  for (const [name, open] of Object.entries(readers)) {
    test(`${name} goes on over TCP, and its first session is gone`, { timeout }, async (t) => {
      const media = await startTestServer({}, blocked);
      t.after(media.stop);
      const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 4 });
      const sent = new Set((await decodePictures(clip)).map(({ hash }) => hash));
      start(t, 'ffmpeg', ['-stream_loop', '-1', ...pushArgs(clip, `${media.rtmp}/stream1`)]);
      await until('the stream runs', () => media.server.connections === 1);
      const hashes = open(t, media);
      await until('pictures come', () => hashes().filter((hash) => sent.has(hash!)).length >= 25, 30_000);
      await until('one session is left', () => media.server.snapshot(0).reader.readers === 1);
    });
  }
});
