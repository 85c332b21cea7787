import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DeadLink } from '../support/dead-link.ts';
import { readArgs } from '../support/ffmpeg-reader.ts';
import { decodeRtp, type RtpPacket } from '../support/h264-depacketizer.ts';
import { decodePictures, makeClip, parseFrameMd5, pushArgs, temporaryFolder } from '../support/media.ts';
import { startTestServer, testCredentials } from '../support/media-server.ts';
import { start, until } from '../support/program.ts';
import { countUnder, parameterSets } from '../support/stream-starts.ts';

/** Seconds of stream in all: `SKYWEIR_TEST_SECONDS=60` for a long look. */
const seconds = Number(process.env['SKYWEIR_TEST_SECONDS'] ?? 20);
const liveSeconds = Math.round(seconds * 0.3);
const offlineMs = (seconds * 1000 - 2 * liveSeconds * 1000) / 3;
const timeout = seconds * 1000 + 60_000;

/** Width and height of the small pictures that are looked at. */
const [columns, rows] = [32, 18];

/** What a camera shows while it is offline, and which clip it shows live: told apart by size and colour. */
interface Part {
  readonly name: string;
  readonly bytes: number;
  readonly colour: 'dark' | 'red' | 'blue';
}

const yuvBytes = (width: number, height: number) => (width * height * 3) / 2;
const card: Part = { name: 'card', bytes: yuvBytes(1280, 720), colour: 'dark' };
const red: Part = { name: 'red clip', bytes: yuvBytes(640, 360), colour: 'red' };
const blue: Part = { name: 'blue clip', bytes: yuvBytes(352, 288), colour: 'blue' };

/** Encoder arguments that leave one colour of FFmpeg's test picture. */
function tinted(colour: 'r' | 'b'): string[] {
  const mix = ['r', 'g', 'b'].map((own) => `${own}${own}=${own === colour ? 1 : 0.1}`).join(':');
  return ['-tune', 'zerolatency', '-vf', `colorchannelmixer=${mix}`];
}

describe('one RTSP session of ffmpeg', () => {
  test(`decodes ${seconds} s of offline, live, offline, live in another size, offline without an error`, {
    timeout,
  }, async (t) => {
    const media = await startTestServer();
    t.after(media.stop);
    const folder = temporaryFolder(t);
    const clips = await Promise.all([
      makeClip(folder, 'red', { seconds: liveSeconds, size: '640x360', extra: tinted('r') }),
      makeClip(folder, 'blue', { seconds: liveSeconds, size: '352x288', extra: tinted('b') }),
    ]);
    const sent: string[][] = [];
    for (const clip of clips) sent.push((await decodePictures(clip)).map(({ hash }) => hash));

    const tap = await DeadLink.open(t, media.server.addresses.rtspPort, { keep: true });
    const { user, password } = testCredentials;
    const url = `rtsp://${user}:${encodeURIComponent(password)}@127.0.0.1:${tap.port}/stream1`;
    const thumbnails = join(folder, 'thumbnails.rgb');
    const small = [
      '-map',
      '0:v',
      '-vf',
      `scale=${columns}:${rows}:flags=area,format=rgb24`,
      '-fps_mode',
      'passthrough',
    ];
    // Without a time base of its own this output would guess the rate of the first pictures, one a second.
    const args = [...readArgs(url, 'tcp'), ...small, '-enc_time_base', '1/90000', '-f', 'rawvideo', thumbnails];
    const startMs = performance.now();
    const reader = start(t, 'ffmpeg', args);
    await until('the reader plays', () => media.server.snapshot(0).reader.readers === 1);
    const watcher = await media.play('/stream1');
    await watcher.until(({ units }) => units.length > 0);
    const sets = parameterSets(watcher);
    /** For so long, and until whoever reads has got it. */
    const beOffline = () => {
      const goal = countUnder(watcher, sets) + 2;
      return Promise.all([delay(offlineMs), watcher.until((r) => countUnder(r, sets) >= goal)]);
    };
    for (const clip of clips) {
      await beOffline();
      assert.equal((await start(t, 'ffmpeg', pushArgs(clip, `${media.rtmp}/stream1`)).ended).code, 0);
    }
    await beOffline();
    assert.equal(media.server.snapshot(0).reader.readers, 2, 'the reader is still there');
    await media.stop();
    const tookMs = performance.now() - startMs;
    const { code, stdout, stderr } = await reader.ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, 'ffmpeg decodes without a complaint');

    const pictures = parseFrameMd5(stdout);
    const sizes = [...stdout.matchAll(/^0,(?:[^,]*,){3}\s*(\d+),/gm)].map((match) => Number(match[1]));
    assert.equal(sizes.length, pictures.length);
    const parts = runs(sizes);
    assert.deepEqual(
      parts.map(({ value }) => value),
      [card, red, card, blue, card].map(({ bytes }) => bytes),
    );
    for (const [part, clip] of [
      [parts[1]!, sent[0]!],
      [parts[3]!, sent[1]!],
    ] as const) {
      const hashes = pictures.slice(part.from, part.to).map(({ hash }) => hash);
      assert.deepEqual(hashes, clip, 'every picture of the clip, once and in order');
    }
    for (const i of [0, 2, 4]) {
      const shown = parts[i]!.to - parts[i]!.from;
      assert.ok(shown >= Math.floor(offlineMs / 1000) - 2, `${shown} pictures of the card in ${offlineMs} ms`);
    }
    const looks = readFileSync(thumbnails);
    assert.equal(looks.length, pictures.length * columns * rows * 3);
    for (const [i, expected] of [card, red, card, blue, card].entries()) {
      const { from, to } = parts[i]!;
      for (const at of [from, Math.floor((from + to) / 2), to - 1])
        assert.equal(colourOf(looks, at), expected.colour, `picture ${at} is of the ${expected.name}`);
    }

    assert.equal(tap.received.length, 1, 'one connection');
    const packets = rtpPackets(Buffer.concat(tap.received[0]!));
    assertOneTimeline(packets);
    const markers = packets.filter(({ marker }) => marker).length;
    assert.equal(markers, pictures.length, 'every access unit is a picture');
    const elapsedMs = ((packets.at(-1)!.timestamp - packets[0]!.timestamp) >>> 0) / 90;
    t.diagnostic(
      `${pictures.length} pictures, ${packets.length} packets, ${(elapsedMs / 1000).toFixed(1)} s of RTP time`,
    );
    assert.ok(
      elapsedMs > (seconds - 3) * 1000 && elapsedMs < tookMs + 1000,
      `${elapsedMs} ms of RTP time in ${tookMs} ms`,
    );
  });
});

/** Runs of equal values, as index ranges. */
function runs(values: readonly number[]): { value: number; from: number; to: number }[] {
  const all: { value: number; from: number; to: number }[] = [];
  for (const [i, value] of values.entries()) {
    const last = all.at(-1);
    if (last?.value === value) last.to = i + 1;
    else all.push({ value, from: i, to: i + 1 });
  }
  return all;
}

/** What a small picture looks like on average: of one colour, dark without any, or `other`. */
function colourOf(pictures: Buffer, index: number): Part['colour'] | 'other' {
  const bytes = columns * rows * 3;
  const sums = [0, 0, 0];
  for (let at = 0; at < bytes; at++) sums[at % 3]! += pictures[index * bytes + at]!;
  const [r, g, b] = sums.map((sum) => (sum * 3) / bytes) as [number, number, number];
  if (r > 2 * g && r > 2 * b) return 'red';
  if (b > 2 * g && b > 2 * r) return 'blue';
  return Math.max(r, g, b) < 100 && Math.max(r, g, b) < 1.5 * Math.min(r, g, b) ? 'dark' : 'other';
}

/** The RTP packets of the video in what a server says to a reader over TCP. RTSP responses are passed over. */
function rtpPackets(bytes: Buffer): RtpPacket[] {
  const packets: RtpPacket[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] === 0x24) {
      const end = at + 4 + bytes.readUInt16BE(at + 2);
      if (bytes[at + 1] === 0 && end <= bytes.length) packets.push(decodeRtp(bytes.subarray(at + 4, end)));
      at = end;
    } else {
      const end = bytes.indexOf('\r\n\r\n', at);
      assert.ok(
        end > 0 && bytes.toString('latin1', at, at + 5) === 'RTSP/',
        `neither response nor frame at byte ${at}`,
      );
      const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', at, end));
      at = end + 4 + Number(length?.[1] ?? 0);
    }
  }
  return packets;
}

/** One source, no sequence number left out, one time stamp for each access unit, later than the one before. */
function assertOneTimeline(packets: readonly RtpPacket[]): void {
  assert.deepEqual([...new Set(packets.map(({ ssrc }) => ssrc))], [packets[0]!.ssrc]);
  for (let i = 1; i < packets.length; i++) {
    const [before, packet] = [packets[i - 1]!, packets[i]!];
    assert.equal(packet.sequence, (before.sequence + 1) & 0xffff);
    const ticks = (packet.timestamp - before.timestamp) | 0;
    if (before.marker) assert.ok(ticks > 0, `packet ${i}: time steps by ${ticks} ticks`);
    else assert.equal(ticks, 0, `packet ${i} belongs to the access unit before`);
  }
}
