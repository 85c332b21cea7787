import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { publisherWord, readerWord, StreamCounters } from '../../../src/shm/stream-counters.ts';
import { MetricsText } from '../../../src/status/metrics-text.ts';
import { writeStreamMetrics } from '../../../src/status/stream-metrics.ts';
import { StreamTable } from '../../../src/status/stream-table.ts';
import { parseMetrics } from '../../support/metrics-parser.ts';
import { testCamera } from '../../support/test-camera.ts';

/** A camera's counters, as its publisher's thread writes them. */
class Rig {
  readonly counters = new StreamCounters(StreamCounters.create(2, 2));
  readonly table = new StreamTable(this.counters);
  readonly camera = testCamera();
  readonly words = this.counters.publisher(0);

  /** A stream that starts at `atMs`. */
  start(atMs: number): void {
    this.table.started(0);
    this.words.reset();
    this.words.set(publisherWord.startedMs, atMs);
  }

  /** Frames of 100 bytes, one every 40 ms up to `lastMs`. */
  receive(frames: number, firstMs: number, lastMs: number): void {
    if (this.words.get(publisherWord.frames) === 0) this.words.set(publisherWord.firstArrivalMs, firstMs);
    const gaps = this.words.get(publisherWord.frames) === 0 ? frames - 1 : frames;
    this.words.add(publisherWord.frames, frames);
    this.words.add(publisherWord.bytes, frames * 100);
    this.words.add(publisherWord.arrivalDeltaSquares, gaps * 40 * 40);
    this.words.set(publisherWord.lastArrivalMs, lastMs);
  }

  read(nowMs: number, live = true) {
    return this.table.read(this.camera, live, nowMs);
  }
}

describe('StreamTable', () => {
  test('sums go on from stream to stream, also before the new publisher has reset the counters', () => {
    const rig = new Rig();
    rig.start(1000);
    rig.receive(26, 1000, 2000);
    assert.equal(rig.read(2000).total.frames, 26);
    assert.equal(rig.read(2500, false).total.frames, 26);
    rig.table.started(0);
    assert.equal(rig.read(2600).total.frames, 26);
    assert.equal(rig.read(2600).stream, null);
    rig.words.reset();
    assert.equal(rig.read(2700).total.frames, 26);
    rig.words.set(publisherWord.startedMs, 2700);
    rig.receive(5, 2700, 2860);
    const { total, starts, stream } = rig.read(3000);
    assert.deepEqual([total.frames, total.bytes, starts, stream?.frames, stream?.uptimeMs], [31, 3100, 2, 5, 300]);
    assert.equal(stream?.silentMs, 140);
  });

  test('a camera that has the place of another one begins with nothing', () => {
    const rig = new Rig();
    rig.start(1000);
    rig.receive(26, 1000, 2000);
    rig.counters.reader(0, 1).add(readerWord.framesSent, 20);
    rig.table.replaced(0);
    const { total, starts, reader } = rig.read(3000, false);
    assert.deepEqual([total.frames, total.bytes, starts, reader.framesSent], [0, 0, 0, 0]);
    rig.start(4000);
    rig.receive(5, 4000, 4160);
    rig.counters.reader(0, 1).add(readerWord.framesSent, 3);
    rig.counters.reader(0, 1).set(readerWord.readers, 1);
    const after = rig.read(5000);
    assert.deepEqual([after.total.frames, after.starts, after.reader.framesSent, after.reader.readers], [5, 1, 3, 1]);
  });

  test('two starts without a stream in between count nothing twice', () => {
    const rig = new Rig();
    rig.start(1000);
    rig.receive(10, 1000, 1360);
    rig.table.started(0);
    rig.table.started(0);
    assert.equal(rig.read(2000).total.frames, 10);
  });

  test('rates are those of the last seconds', () => {
    const rig = new Rig();
    rig.start(1000);
    rig.receive(51, 1000, 3000);
    const { rates } = rig.read(3000).stream!;
    assert.equal(rates.fps, 25.5);
    assert.equal(rates.bitsPerSecond, 51 * 100 * 4);
    assert.ok(rates.jitterMs < 1e-6);
    rig.receive(100, 3040, 7000);
    // The first reading that is 5 s later than the start begins a window; rates reach back to the one before.
    assert.equal(rig.read(7000).stream!.rates.fps, 151 / 6);
    rig.receive(60, 7080, 13_000);
    assert.equal(rig.read(13_000).stream!.rates.fps, 10);
    assert.equal(rig.read(15_000).stream!.rates.fps, 60 / 8);
  });

  test('readers are summed over the consumers', () => {
    const rig = new Rig();
    rig.counters.reader(0, 0).add(readerWord.readers, 2);
    rig.counters.reader(0, 1).add(readerWord.readers, 1);
    rig.counters.reader(0, 1).add(readerWord.overflow, 7);
    const { reader } = rig.read(0, false);
    assert.deepEqual([reader.readers, reader.overflow], [3, 7]);
  });

  test('the metrics of a stream are its figures, under labels of any text', () => {
    const rig = new Rig();
    rig.start(1000);
    rig.receive(51, 1000, 3000);
    const camera = testCamera({ name: 'Drone "A" \\ 1', rtspPath: '/a' });
    const text = new MetricsText('prometheus');
    writeStreamMetrics(text, {
      cameras: [camera, testCamera({ index: 1 })],
      read: (one) => rig.table.read(one, one === camera, 3000),
      verdicts: new Map([[0, { blame: 'network', text: 'late' }]]),
    });
    const { values } = parseMetrics(text.end());
    const labels = '{camera="Drone \\"A\\" \\\\ 1",path="/a"}';
    assert.equal(values.get(`skyweir_stream_frames_total${labels}`), 51);
    assert.equal(values.get(`skyweir_stream_frames_per_second${labels}`), 25.5);
    assert.equal(values.get(`skyweir_stream_verdict{camera="Drone \\"A\\" \\\\ 1",path="/a",blame="network"}`), 1);
    assert.equal(values.get('skyweir_stream_live{camera="Stream 2",path="/stream2"}'), 0);
    assert.equal(values.get('skyweir_stream_uptime_seconds{camera="Stream 2",path="/stream2"}'), undefined);
  });
});
