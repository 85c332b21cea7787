/**
 * Hostile and broken peers against the real server, with healthy publishers and readers beside them. A row passes when only
 * its own connections are affected, each ends with the reason that the row names, in one line of the log, and afterwards
 * address, camera and limits are free for the next one. The healthy ones must not lose a frame over all rows.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { testCredentials } from '../../support/media-server.ts';
import { isRun, NumberedStream, receivedNumbers } from '../../support/numbered-stream.ts';
import { until } from '../../support/program.ts';
import { RtspClient } from '../../support/rtsp-client.ts';
import { serves, statusEndings } from './after-row.ts';
import { deadlineOf, deadlines } from './deadlines.ts';
import { httpFigures, isCounted } from './http-operator.ts';
import type { Peer } from './peer.ts';
import { type Row, Scene, type StatusEnd } from './row.ts';
import { rows } from './rows.ts';
import { secret } from './rtmp-path-rows.ts';
import { type Figures, HostileServer } from './server.ts';

/** Milliseconds within which a row is over on the slowest machine; the deadlines that rows wait for are below 7 s. */
const timeout = 120_000;
/** How often each row plays: more often shows what grows with every round. */
const rounds = Number(process.env['HOSTILE_ROUNDS'] ?? 1);
/** Rows that play at the same time. */
const concurrency = 6;
/** Cameras of the healthy ones, and one that rows share; the others belong to a row each. */
const firstCamera = 10;
/** Bytes that the three servers, of some 15 threads, may have grown by after all rows, with everybody gone who was not there before. */
const growthBytes = 320 * 1024 * 1024;
const growthDescriptors = 4;

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
/** Ends that a peer is not blamed for. */
const harmless = ['peer_closed', 'unpublished', 'teardown'];
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const steering = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

describe('hostile peers', () => {
  let server: HostileServer;
  let atStart: Figures;
  const folder = mkdtempSync(join(tmpdir(), 'skyweir-hostile-'));
  const cleanups: (() => void)[] = [];
  const context = { after: (cleanup: () => void) => cleanups.push(cleanup) };
  const streams: NumberedStream[] = [];
  const readers: RtspClient[] = [];
  /** Peers that were served, with their rows. */
  const served: { readonly peer: Peer; readonly row: Row }[] = [];

  before(async () => {
    server = await HostileServer.start(folder);
    const { rtmp, rtsp, rtmps, secureRtsp } = server.ports;
    const credentials = testCredentials;
    for (const [port, transport] of [
      [rtsp, 'tcp'],
      [rtsp, 'udp'],
      [secureRtsp, 'tcp'],
    ] as const)
      readers.push(await RtspClient.play({ port, path: '/stream1', transport, credentials }));
    // Receiver reports are what keeps a session over UDP.
    const reports = setInterval(() => readers[1]!.sendReceiverReport(), 200);
    cleanups.push(() => clearInterval(reports), ...readers.map((reader) => () => reader.close()));
    const tls = { rejectUnauthorized: false };
    streams.push(await NumberedStream.start(context, { port: rtmp, path: '/stream1' }));
    streams.push(await NumberedStream.start(context, { port: rtmps, path: '/stream1', tls }));
    // On the third server too, whose ONVIF devices are attacked most.
    const { gate } = server.ports;
    readers.push(await RtspClient.play({ port: gate.rtsp, path: '/stream1', credentials }));
    streams.push(await NumberedStream.start(context, { port: gate.rtmp, path: '/stream1' }));
    await Promise.all(readers.map((reader) => reader.until((r) => receivedNumbers(r).length >= 20)));
    atStart = await server.figures();
  });

  after(async () => {
    for (const cleanup of cleanups) cleanup();
    await server?.stop().finally(() => server.kill());
    rmSync(folder, { recursive: true, force: true });
    const kept = process.env['HOSTILE_LOG'];
    if (kept !== undefined) writeFileSync(kept, server.lines.map(({ raw }) => `${raw}\n`).join(''));
  });

  for (const deadline of deadlines)
    describe(`one row each, with this deadline short: ${deadline}`, { concurrency }, () => {
      for (let round = 0; round < rounds; round++)
        for (const [i, row] of rows.entries())
          if (!row.alone && deadlineOf(row) === deadline) define(row, firstCamera + i, round);
    });

  describe('one row each, by itself', { concurrency: 1 }, () => {
    for (const [i, row] of rows.entries()) if (row.alone) define(row, firstCamera + i);
  });

  function define(row: Row, index: number, round = 0): void {
    const { ends, refusal } = row;
    const secure = row.protocol === 'HTTP over TLS';
    const options = { timeout, skip: row.protocol.endsWith('IPv6') && !hasIPv6 && 'this machine has no IPv6' };
    test(`${row.id}: ${row.protocol} peer ${row.attack}`, options, async () => {
      await server.shorten(deadlineOf(row));
      // They all come from one address, whose places those of the row before may still take.
      if (row.protocol.endsWith('IPv6')) await connectionsAreBack();
      const scene = new Scene(server, index, round);
      const before = row.protocol.startsWith('HTTP') ? await httpFigures(scene, { secure }) : null;
      const firstLine = server.lines.length;
      try {
        await row.play(scene);
        if (ends === 'refused') await refused(scene, refusal!, firstLine);
        else if (typeof ends === 'object' && 'closed' in ends) await statusEndings(scene, row, firstLine, round === 0);
        else if (row.protocol !== 'WS-Discovery') await endings(scene, ends, row);
      } finally {
        for (const peer of scene.peers) peer.socket.destroy();
        for (const cleanup of scene.cleanups) cleanup();
      }
      if (before !== null) isCounted(before, await httpFigures(scene, { secure }), ends as StatusEnd);
      await serves(scene, row);
    });
  }

  async function connectionsAreBack(): Promise<void> {
    const endMs = performance.now() + timeout / 2;
    while ((await server.figures()).connections > atStart.connections) {
      assert.ok(performance.now() < endMs, 'the connections of the row before are gone');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Every connection of the row has ended for a reason that the row allows, or is still there and was to be. */
  async function endings(scene: Scene, ends: string | readonly string[], row: Row): Promise<void> {
    const survivors = scene.peers.filter(({ bystander }) => ends === 'tolerated' || bystander);
    for (const peer of survivors) assert.equal(peer.closed, false, `${peer.name} is still connected`);
    for (const peer of survivors) peer.socket.destroy();
    for (const peer of scene.peers) {
      served.push({ peer, row });
      await until(`the log says why ${peer.name} was closed`, () => server.endings(peer).length > 0);
      const { reason, raw } = server.endings(peer)[0]!;
      const allowed: readonly string[] = survivors.includes(peer) ? harmless : [ends].flat();
      assert.ok(allowed.includes(reason!), raw);
      await peer.end();
    }
  }

  /** Connections were refused before they were served, and the log says how many. */
  async function refused(scene: Scene, refusal: string, firstLine: number): Promise<void> {
    await until(`${refusal} is counted`, () =>
      server.lines.slice(firstLine).some(({ reason, count = 0 }) => reason === refusal && count > 0),
    );
    for (const peer of scene.peers) peer.socket.destroy();
  }

  test('the healthy publishers and readers have not lost a frame', { timeout }, async () => {
    for (const stream of streams) assert.equal(stream.closed, false);
    for (const [i, reader] of readers.entries()) {
      const goal = streams[[0, 0, 1, 2][i]!]!.next;
      await reader.until((r) => receivedNumbers(r).at(-1)! >= goal);
      const numbers = receivedNumbers(reader);
      assert.ok(isRun(numbers), `reader ${i}`);
      assert.equal(reader.lostPackets, 0);
      assert.equal(new Set(reader.units.map(({ ssrc }) => ssrc)).size, 1);
    }
  });

  test('each connection has one reason in one line', () => {
    for (const { peer, row } of served) assert.equal(server.endings(peer).length, 1, `${row.id} ${peer.name}`);
  });

  test('the log holds no secret, no steering character and no error of ours', () => {
    for (const { raw, level, msg } of server.lines) {
      assert.equal(steering.test(raw), false, JSON.stringify(raw));
      assert.equal(raw.includes(secret), false, raw);
      assert.equal(raw.includes(testCredentials.password), false, raw);
      assert.ok(level !== 'error' && level !== 'fatal', raw);
      assert.ok(!/internal|uncaught/i.test(msg), raw);
    }
    assert.equal(server.errors, '');
  });

  test('connections, descriptors and memory are back', { timeout }, async (t) => {
    let figures = await server.figures();
    const endMs = performance.now() + 60_000;
    const settled = () =>
      figures.connections === atStart.connections &&
      figures.descriptors <= atStart.descriptors + growthDescriptors &&
      figures.residentBytes <= atStart.residentBytes + growthBytes;
    while (!settled() && performance.now() < endMs) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      figures = await server.figures();
    }
    const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
    t.diagnostic(`resident ${megabytes(atStart.residentBytes)} before, ${megabytes(figures.residentBytes)} after`);
    t.diagnostic(`descriptors ${atStart.descriptors} before, ${figures.descriptors} after`);
    assert.ok(settled(), JSON.stringify({ before: atStart, after: figures }));
  });
});
