import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import type { ConsumerToAcceptor } from '../../src/control/messages.ts';
import { createRing } from '../../src/shm/frame-ring.ts';
import { ReaderSlot } from '../../src/shm/ring-reader.ts';
import { ConsumerHarness, LiveStream } from '../support/consumer-harness.ts';
import { until } from '../support/program.ts';
import type { ReceivedUnit, RtspClient } from '../support/rtsp-client.ts';
import { numberOf, smallRing, typesOf } from '../support/test-stream.ts';

function numbers(client: RtspClient): number[] {
  return client.units.map((unit) => numberOf(unit.units));
}

function isRun(list: readonly number[]): boolean {
  return list.every((number, i) => i === 0 || number === list[i - 1]! + 1);
}

/** RTP packets that a unit came in, and one more that may have been needed for headers. */
function packetsOf({ units }: ReceivedUnit): number {
  return Math.ceil(units.reduce((sum, { length }) => sum + length, 0) / 1400) + units.length;
}

/** One SSRC, sequence numbers without a gap, time stamps that only rise. */
function assertOneTimeline(units: readonly ReceivedUnit[]): void {
  for (const [i, unit] of units.entries()) {
    assert.equal(unit.ssrc, units[0]!.ssrc);
    if (i > 0) assert.ok(((unit.rtpTime - units[i - 1]!.rtpTime) | 0) > 0, `time steps back at ${i}`);
  }
}

describe('consumer thread', { timeout: 300_000 }, () => {
  for (const transport of ['tcp', 'udp'] as const) {
    test(`plays over ${transport.toUpperCase()} from a keyframe, in order, without loss, with true times`, async () => {
      const harness = await ConsumerHarness.start();
      try {
        const publisher = harness.publish(0, { intervalMs: 10 });
        const startWallMs = systemClock.wallMs();
        const client = await harness.reader({ transport });
        await client.until(({ units }) => units.length >= 60);
        publisher.stop();
        assert.deepEqual(typesOf(client.units[0]!.units), [7, 8, 5]);
        assert.ok(isRun(numbers(client)), String(numbers(client)));
        assert.equal(client.lostPackets, 0);
        assertOneTimeline(client.units);
        const [report] = client.reports;
        assert.equal(report!.ssrc, client.units[0]!.ssrc);
        assert.ok(report!.packets <= 2 * packetsOf(client.units[0]!), 'the first report comes with the first packets');
        assert.ok(report!.wallMs > startWallMs - 1000 && report!.wallMs < systemClock.wallMs() + 1000);
        // By the report, the first picture is of the moment at which it was written.
        const [first] = client.units;
        const reportedMs = report!.wallMs - ((report!.rtpTime - first!.rtpTime) | 0) / 90;
        const wroteMs = publisher.wroteMs[numbers(client)[0]!]! + systemClock.wallMs() - systemClock.nowMs();
        assert.ok(Math.abs(reportedMs - wroteMs) < 200, `${reportedMs - wroteMs} ms apart`);
      } finally {
        await harness.close();
      }
    });
  }

  test('several readers of one camera get the same frames; a camera without readers costs nothing', async () => {
    const harness = await ConsumerHarness.start({ cameras: 2 });
    try {
      const publisher = harness.publish();
      const other = harness.publish(1);
      const clients = await Promise.all([
        harness.reader(),
        harness.reader({ transport: 'udp' }),
        harness.reader({ path: '/STREAM0' }),
      ]);
      await Promise.all(clients.map((client) => client.until(({ units }) => units.length >= 40)));
      assert.equal(harness.counters().readers, 3);
      assert.equal(harness.doorbell.interested(0), true);
      assert.equal(harness.doorbell.interested(1), false);
      publisher.stop();
      other.stop();
      for (const client of clients) assert.ok(isRun(numbers(client)));
      while (harness.counters().framesSent < 120) await delay(10);
      const { frames, framesSent, overflow } = harness.counters();
      assert.ok(frames >= 40 && frames < framesSent);
      assert.equal(overflow, 0);
      for (const client of clients) client.close();
      while (harness.counters().readers > 0) await delay(10);
      assert.equal(harness.doorbell.interested(0), false);
      while (harness.closedReaders.length < 3) await delay(10);
      assert.deepEqual(harness.closedReaders.toSorted(), ['s1', 's2', 's3']);
    } finally {
      await harness.close();
    }
  });

  test('a reader that stops reading loses frames up to a keyframe and disturbs nobody', async () => {
    const harness = await ConsumerHarness.start();
    try {
      const slow = await harness.reader();
      const fast = await harness.reader();
      // No faster than the fast one reads: the ring has room for a tenth of a second of this.
      const wanted = ({ written }: LiveStream) => written - fast.units.length < 10;
      const publisher = harness.publish(0, { bytes: 100_000, intervalMs: 3, wanted });
      await slow.until(({ units }) => units.length >= 3);
      slow.socket.pause();
      await fast.until(({ units }) => units.length >= 250, 60_000);
      assert.ok(isRun(numbers(fast)), 'the fast reader has every frame');
      while (harness.counters().overflow === 0) await delay(10);
      slow.socket.resume();
      const before = slow.units.length;
      await slow.until(({ units }) => units.length >= before + 120, 60_000);
      publisher.stop();
      const list = numbers(slow);
      const gaps = slow.units.filter((_, i) => i > 0 && list[i] !== list[i - 1]! + 1);
      assert.ok(gaps.length > 0);
      for (const unit of gaps) assert.deepEqual(typesOf(unit.units), [7, 8, 5], 'it resumes at a keyframe');
      assert.equal(slow.lostPackets, 0, 'what is lost never had packets');
      assertOneTimeline(slow.units);
    } finally {
      await harness.close();
    }
  });

  test('a publisher that reconnects continues the session: one SSRC, one timeline', async () => {
    const harness = await ConsumerHarness.start();
    try {
      const clients = await Promise.all([harness.reader(), harness.reader({ transport: 'udp' })]);
      const first = harness.publish();
      await clients[0]!.until(({ units }) => units.length >= 20);
      first.stop();
      await delay(300);
      const second = new LiveStream(harness, 0, harness.rings[0]!, { id: 2, first: 10_000 });
      await Promise.all(clients.map((client) => client.until((c) => numbers(c).at(-1)! >= 10_020)));
      // A crash leaves no end of stream in the ring.
      second.stop(false);
      await delay(100);
      const third = new LiveStream(harness, 0, harness.rings[0]!, { id: 3, first: 20_000 });
      await Promise.all(clients.map((client) => client.until((c) => numbers(c).at(-1)! >= 20_020)));
      third.stop();
      for (const client of clients) {
        assertOneTimeline(client.units);
        assert.equal(client.lostPackets, 0);
        const list = numbers(client);
        const at = list.indexOf(10_000);
        assert.ok(at > 0 && list.includes(20_000), 'each stream is there from its first keyframe');
        const gap = ((client.units[at]!.rtpTime - client.units[at - 1]!.rtpTime) | 0) / 90;
        const wroteMs = second.wroteMs[10_000]! - first.wroteMs[list[at - 1]!]!;
        assert.ok(wroteMs > 250 && Math.abs(gap - wroteMs) < 200, `${gap} ms between streams ${wroteMs} ms apart`);
        assert.deepEqual(client.units[at]!.units[0]!.at(4), 2, 'with the new parameter sets');
      }
    } finally {
      await harness.close();
    }
  });

  test('a fresh ring is followed when the old one is drained', async () => {
    const harness = await ConsumerHarness.start();
    try {
      const client = await harness.reader();
      const old = harness.publish();
      await client.until(({ units }) => units.length >= 20);
      const ring = createRing(smallRing);
      // As the ring store does it: what is written before the thread knows of the ring waits for it.
      ReaderSlot.claim(ring, 0);
      old.stop();
      const fresh = new LiveStream(harness, 0, ring, { id: 2, first: 10_000 });
      await until('the thread is late', () => fresh.written > 10_005);
      harness.send({ type: 'ring', camera: 0, ring });
      await client.until((c) => numbers(c).at(-1)! >= 10_030);
      fresh.stop();
      const list = numbers(client);
      const at = list.indexOf(10_000);
      assert.equal(list[at - 1], old.written - 1, 'nothing of the old ring is left out');
      assert.ok(isRun(list.slice(0, at)) && isRun(list.slice(at)));
      assertOneTimeline(client.units);
      assert.equal(client.lostPackets, 0);
    } finally {
      await harness.close();
    }
  });

  test('an acceptor that takes the place of a failed one hears of the readers that are there', async () => {
    const harness = await ConsumerHarness.start();
    try {
      const [staying, leaving] = await Promise.all([harness.reader(), harness.reader()]);
      const { port1, port2 } = new MessageChannel();
      const heard: ConsumerToAcceptor[] = [];
      port2.on('message', (message: ConsumerToAcceptor) => heard.push(message));
      harness.send({ type: 'acceptor', port: port1 }, [port1]);
      await until('it hears of them', () => heard.length === 1);
      assert.ok(heard[0]!.type === 'kept');
      assert.deepEqual(heard[0]!.ids.toSorted(), ['s1', 's2']);
      leaving.close();
      await until('it hears that one has left', () => heard.length === 2);
      assert.ok(heard[1]!.type === 'closed' && heard[0]!.ids.includes(heard[1]!.id));
      assert.equal(staying.closed, false);
      port2.close();
    } finally {
      await harness.close();
    }
  });

  test('DESCRIBE works without a publisher, and then with its parameter sets', async () => {
    const harness = await ConsumerHarness.start();
    try {
      const client = await harness.client();
      const before = await client.describe();
      assert.equal(before.status, 200);
      assert.match(before.body, /a=rtpmap:96 H264\/90000/);
      assert.match(before.body, /profile-level-id=42C01F;sprop-parameter-sets=Z0LAH9/, 'those of the offline card');
      assert.doesNotMatch(before.body, /a=framerate/);
      const publisher = harness.publish();
      const after = await client.describe();
      publisher.stop();
      assert.match(after.body, /sprop-parameter-sets=Z0IAHgGs2Q==,aM4BgA==/);
      assert.match(after.body, /profile-level-id=42001E/);
    } finally {
      await harness.close();
    }
  });

  test('without a publisher readers get the card, and an error of the listener on it', async () => {
    const harness = await ConsumerHarness.start({ boot: { live: [false] } });
    try {
      const client = await harness.reader();
      // On a slow machine a plain card comes first, and the one with the name begins with a keyframe again.
      await client.until(({ units }) => units.length >= 2 && typesOf(units.at(-1)!.units)[0] === 1);
      const last = client.units.findIndex(({ units }) => typesOf(units)[0] === 1);
      for (const { units } of client.units.slice(0, last)) assert.deepEqual(typesOf(units).slice(0, 3), [7, 8, 5]);
      assert.deepEqual(typesOf(client.units[last]!.units), [1]);
      harness.send({ type: 'listener_error', reason: 'Port 1935 is in use.' });
      await client.until(({ units }) => typesOf(units.at(-1)!.units)[0] === 7);
      harness.send({ type: 'listener_error', reason: null });
      const shown = client.units.length;
      await client.until(({ units }) => units.length > shown && typesOf(units.at(-1)!.units)[0] === 7);
      assertOneTimeline(client.units);
      assert.equal(harness.counters().framesSent, 0);
    } finally {
      await harness.close();
    }
  });

  test('with the GOP cache a reader starts at once; RTP-Info, Range and sender report agree on its first frame', async () => {
    const harness = await ConsumerHarness.start({ boot: { gopCache: true }, ring: { gopCache: true, frames: 3000 } });
    try {
      // The ring has room for half a minute, so that no login takes too long.
      const publisher = harness.publish(0, { gop: 3000, bytes: 300 });
      const client = await harness.client();
      while (publisher.written < 50) await delay(10);
      await client.describe();
      await client.setup();
      const play = await client.request('PLAY', client.url);
      await client.until(({ units, reports }) => units.length >= 60 && reports.length > 0);
      assert.deepEqual(numbers(client).slice(0, 60), [...Array(60).keys()]);
      const info = /seq=(\d+);rtptime=(\d+)/.exec(play.headers.get('rtp-info')!)!;
      assert.equal(client.units[0]!.sequence, Number(info[1]));
      assert.equal(client.units[0]!.rtpTime, Number(info[2]));
      const clock = /clock=(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d\.\d+)Z/.exec(play.headers.get('range')!)!;
      const startMs = Date.parse(`${clock.slice(1, 4).join('-')}T${clock.slice(4, 7).join(':')}Z`);
      const report = client.reports[0]!;
      const byReport = report.wallMs - ((report.rtpTime - Number(info[2])) | 0) / 90;
      assert.ok(Math.abs(byReport - startMs) < 20, `${byReport - startMs} ms apart`);
      publisher.stop();
    } finally {
      await harness.close();
    }
  });

  test('nobody plays without the password, and unknown paths are refused', async () => {
    const harness = await ConsumerHarness.start();
    try {
      const wrong = await harness.client({ credentials: { user: 'admin', password: 'guess' } });
      assert.equal((await wrong.describe()).status, 401);
      assert.equal((await wrong.setup()).status, 401);
      assert.equal(harness.doorbell.interested(0), false);
      const unknown = await harness.client({ path: '/nothing' });
      assert.equal((await unknown.describe()).status, 404);
    } finally {
      await harness.close();
    }
  });

  test('PAUSE stops the media and PLAY continues the timeline; TEARDOWN says BYE', async () => {
    const harness = await ConsumerHarness.start();
    try {
      const publisher = harness.publish();
      const client = await harness.reader();
      await client.until(({ units }) => units.length >= 10);
      await client.request('PAUSE', client.url);
      const paused = client.units.length;
      const written = publisher.written;
      await until('more is published', () => publisher.written >= written + 15);
      // What was sent before its answer has come.
      await client.request('GET_PARAMETER', client.url);
      assert.equal(client.units.length, paused);
      await client.request('PLAY', client.url);
      await client.until(({ units }) => units.length >= paused + 20);
      assertOneTimeline(client.units);
      assert.equal(client.lostPackets, 0);
      assert.equal((await client.request('TEARDOWN', client.url)).status, 200);
      assert.equal(client.saidBye, true);
      publisher.stop();
    } finally {
      await harness.close();
    }
  });

  test('stop says BYE, closes every reader soon, also one that takes nothing, lets go of shared memory and ends the thread', async () => {
    const harness = await ConsumerHarness.start();
    try {
      const publisher = harness.publish(0, { bytes: 50_000, intervalMs: 5 });
      const [tcp, udp, stuck] = await Promise.all([
        harness.reader(),
        harness.reader({ transport: 'udp' }),
        harness.reader(),
      ]);
      await udp!.until(({ units }) => units.length >= 5);
      stuck!.socket.pause();
      await tcp!.until(({ units }) => units.length >= 200);
      publisher.stop(false);
      await tcp!.until((r) => numbers(r).at(-1) === publisher.written - 1);
      const start = performance.now();
      harness.send({ type: 'stop' });
      await harness.message('stopped');
      assert.ok(performance.now() - start < limits.rtsp.writeStallMs, 'nobody waits until it would be cut off');
      await tcp!.until(({ closed }) => closed);
      assert.equal(tcp!.saidBye, true);
      await until('the one over UDP has heard of it', () => udp!.saidBye);
      publisher.write();
      assert.equal(publisher.stream.writer.depth, 0);
      assert.equal(harness.doorbell.interested(0), false);
      assert.equal(harness.counters().readers, 0);
      while (!harness.exited) await delay(10);
    } finally {
      await harness.close();
    }
  });

  test('stop ends a thread that is just starting too', async () => {
    const harness = ConsumerHarness.begin();
    try {
      harness.send({ type: 'stop' });
      await harness.message('stopped');
      await until('the thread has ended', () => harness.exited);
    } finally {
      await harness.close();
    }
  });

  test('a consumer takes back what a predecessor that crashed left', async () => {
    const ring = createRing(smallRing);
    ReaderSlot.claim(ring, 0);
    const harness = await ConsumerHarness.start({ boot: { rings: [ring] } });
    try {
      const publisher = new LiveStream(harness, 0, ring, {});
      publisher.write();
      assert.equal(publisher.stream.writer.depth, 0);
      publisher.stop();
    } finally {
      await harness.close();
    }
  });
});
