import assert from 'node:assert/strict';
import { type Picture, parseFrameMd5 } from './media.ts';
import type { TestServer } from './media-server.ts';
import { type Program, until } from './program.ts';

/** Arguments with which ffmpeg reads a camera and writes a hash of every decoded picture. */
export function readArgs(url: string, transport: 'tcp' | 'udp'): string[] {
  // With several threads the decoder keeps the newest pictures back, and a live stream has no end that would bring them out.
  const input = ['-v', 'error', '-threads', '1', '-rtsp_transport', transport, '-i', url, '-map', '0:v'];
  // Not scaled to the size of the first picture: a stream may change its size.
  const output = ['-autoscale', '0', '-flush_packets', '1', '-fps_mode', 'passthrough'];
  return [...input, ...output, '-enc_time_base', '1/90000', '-f', 'framemd5', '-'];
}

/**
 * Resolves with the pictures of `sent`'s stream that the reader has decoded, when the server has given it all of them. The
 * server is stopped for it: only the end of the stream makes ffmpeg give out the pictures that it keeps back for reordering.
 */
export async function pictures(
  reader: Program,
  sent: readonly Picture[],
  media: TestServer,
  camera = 0,
): Promise<Picture[]> {
  const delivered = () => media.server.snapshot(camera).reader.frames;
  await until(`the reader got ${sent.length} pictures`, () => delivered() >= sent.length);
  await media.stop();
  const { code, stdout, stderr } = await reader.ended;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, 'ffmpeg decodes without a complaint');
  const received = parseFrameMd5(stdout);
  const ours = withoutCard(received, sent);
  const between = received.lastIndexOf(ours.at(-1)!) - received.indexOf(ours[0]!) + 1 - ours.length;
  assert.equal(between, 0, 'nothing else comes between the pictures');
  return ours;
}

/** The pictures that are in `sent`: before, between and after streams a reader sees the offline card. */
export function withoutCard(received: readonly Picture[], sent: readonly Picture[]): Picture[] {
  const hashes = new Set(sent.map(hashOf));
  return received.filter(({ hash }) => hashes.has(hash));
}

/** The same pictures in the same order, at the same distances in time to within a millisecond's rounding. */
export function assertSamePictures(received: readonly Picture[], sent: readonly Picture[]): void {
  assert.deepEqual(received.map(hashOf), sent.map(hashOf));
  // From the second picture on: ffmpeg's RTSP reader has no time stamp for the first packet that it parses.
  for (let i = 2; i < received.length; i++) {
    const [got, expected] = [received[i]!.ms - received[1]!.ms, sent[i]!.ms - sent[1]!.ms];
    assert.ok(Math.abs(got - expected) <= 1.01, `picture ${i} is at ${got} ms, the publisher had it at ${expected} ms`);
  }
}

export function hashOf(picture: Picture): string {
  return picture.hash;
}
