import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { readArgs } from '../support/ffmpeg-reader.ts';
import { decodePictures, makeClip, parseFrameMd5, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, type TestServer, testCredentials } from '../support/media-server.ts';
import { type Program, start, until } from '../support/program.ts';
import { closed } from '../support/raw-socket.ts';

const timeout = 180_000;

/** Reads a camera through a tunnel; `hashes` is of the pictures that are decoded so far. */
interface Decoder {
  readonly program: Program;
  hashes(): (string | undefined)[];
}

const decoders: Record<string, (t: Parameters<typeof start>[0], media: TestServer) => Decoder> = {
  ffmpeg(t, media) {
    const args = readArgs(`${media.rtsp}/stream1`, 'tcp').map((arg) => (arg === 'tcp' ? 'http' : arg));
    const program = start(t, 'ffmpeg', args);
    return { program, hashes: () => parseFrameMd5(program.output.stdout).map(({ hash }) => hash) };
  },
  GStreamer(t, media) {
    const { user, password } = testCredentials;
    const program = start(t, 'gst-launch-1.0', [
      '-q',
      ...`rtspsrc location=rtsph://127.0.0.1:${media.server.addresses.rtspPort}/stream1 latency=100`.split(' '),
      `user-id=${user}`,
      `user-pw=${password}`,
      ...'! rtph264depay ! h264parse ! avdec_h264 max-threads=1'.split(' '),
      ...'! videoconvert ! video/x-raw,format=I420 ! checksumsink hash=md5 sync=false'.split(' '),
    ]);
    const lines = () => [...program.output.stdout.matchAll(/^\S+ ([0-9a-f]{32})$/gm)];
    return { program, hashes: () => lines().map((match) => match[1]) };
  },
};

describe('RTSP over HTTP', () => {
  for (const [name, open] of Object.entries(decoders)) {
    for (const consumers of ['1', '2']) {
      // With two consumers GET and POST of a reader come to different ones: each gets the next connection in turn.
      test(`${name} reads every picture, GET and POST in ${consumers} thread(s)`, { timeout }, async (t) => {
        const media = await startTestServer({ consumers });
        t.after(media.stop);
        const clip = await makeClip(temporaryFolder(t), 'clip', { seconds: 2 });
        const sent = (await decodePictures(clip)).map(({ hash }) => hash);
        const { program, hashes } = open(t, media);
        await until('the reader plays', () => media.server.snapshot(0).reader.readers === 1);
        start(t, 'ffmpeg', pushArgs(clip, `${media.rtmp}/stream1`));
        const received = () => hashes().filter((hash) => sent.includes(hash!));
        // The last pictures leave the reader's pipeline when later ones come, which are of the card, one a second.
        await until('it has nearly all pictures', () => received().length >= sent.length - 10);
        program.kill('SIGTERM');
        assert.equal((await program.ended).stderr, '');
        assert.deepEqual(received(), sent.slice(0, received().length));
        await until('its place is free', () => media.server.snapshot(0).reader.readers === 0);
      });
    }
  }
});

test('a reader through an ONVIF port is seen off when the server is stopped', { timeout }, async (t) => {
  const media = await startTestServer({ auth: false });
  t.after(media.stop);
  const { port } = media.server.addresses.onvif[0]!;
  const [get, post] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  let received = '';
  get.on('data', (bytes) => {
    received += bytes.toString('latin1');
  });
  const gone = Promise.all([closed(get), closed(post)]);
  get.write('GET / HTTP/1.0\r\nx-sessioncookie: abc\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n');
  await until('its GET is answered', () => received.includes('200 OK'));
  post.write('POST / HTTP/1.0\r\nx-sessioncookie: abc\r\nContent-Length: 32767\r\n\r\n');
  const url = `rtsp://127.0.0.1:${port}/stream1`;
  const ask = async (request: string, sequence: number, header: string): Promise<void> => {
    const text = `${request} RTSP/1.0\r\nCSeq: ${sequence}\r\n${header}\r\n\r\n`;
    post.write(Buffer.from(text).toString('base64'));
    await until(`${request} is answered`, () => received.includes(`CSeq: ${sequence}\r\n`));
  };
  await ask(`SETUP ${url}/trackID=0`, 1, 'Transport: RTP/AVP/TCP;interleaved=0-1');
  await ask(`PLAY ${url}`, 2, `Session: ${/Session: ([^;\r]+)/.exec(received)![1]}`);
  // An RTCP BYE makes no sense before the first packet.
  await until('it sees the card', () => received.length > 3000);
  await media.server.stop();
  await gone;
  assert.ok(received.includes('\x81\xcb\x00\x01'), 'it got a BYE');
});
