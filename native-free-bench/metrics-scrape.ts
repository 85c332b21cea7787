/**
 * What one scrape of /metrics costs the main thread with many live streams: the text is made from shared counters like those of
 * real streams, in both formats. `node native-free-bench/metrics-scrape.ts [--streams 1000] [--consumers 2] [--scrapes 200]`
 */
import { parseArgs } from 'node:util';
import type { Camera } from '../src/control/messages.ts';
import { ReaderTally, readTallies } from '../src/shm/reader-tally.ts';
import { publisherWord, readerWord, StreamCounters } from '../src/shm/stream-counters.ts';
import type { Verdict } from '../src/stats/verdict.ts';
import { newHttpCounts, PublisherCounts } from '../src/status/counts.ts';
import { type MetricsFormat, MetricsText } from '../src/status/metrics-text.ts';
import type { ServerFacts } from '../src/status/server-facts.ts';
import { writeServerMetrics } from '../src/status/server-metrics.ts';
import { writeStreamMetrics } from '../src/status/stream-metrics.ts';
import { StreamTable } from '../src/status/stream-table.ts';

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000' },
    consumers: { type: 'string', default: '2' },
    scrapes: { type: 'string', default: '200' },
  },
});
const streams = Number(values.streams);
const consumers = Number(values.consumers);
const scrapes = Number(values.scrapes);

const cameras: Camera[] = Array.from({ length: streams }, (_, index) => {
  const path = `/stream${index + 1}`;
  const name = `Camera ${index + 1}`;
  const [hardware, channel] = [index >> 4, (index & 15) + 1];
  return { index, name, path, rtspPath: path, listener: '1935', hardware, channel, offlineInfo: true };
});
const counters = new StreamCounters(StreamCounters.create(streams, consumers));
const table = new StreamTable(counters);
const verdicts = new Map<number, Verdict>(cameras.map(({ index }) => [index, { blame: 'none', text: '' }]));

/** One more second of 30 frames for every stream. */
function advance(second: number): void {
  for (const { index } of cameras) {
    const publisher = counters.publisher(index);
    publisher.set(publisherWord.startedMs, 1 + index / 1000);
    publisher.set(publisherWord.firstArrivalMs, 100);
    publisher.set(publisherWord.lastArrivalMs, second * 1000 - 7.318);
    for (const [word, amount] of [
      [publisherWord.frames, 30],
      [publisherWord.bytes, 562_500 + index],
      [publisherWord.keyframes, 1],
      [publisherWord.lateSum, 31.27 + index / 7],
      [publisherWord.arrivalDeltaSquares, 33_400.17],
      [publisherWord.queueDepthSum, 41],
    ] as const)
      publisher.add(word, amount);
    for (let consumer = 0; consumer < consumers; consumer++) {
      counters.reader(index, consumer).add(readerWord.frames, 30);
      counters.reader(index, consumer).add(readerWord.pacingSleepMs, 12.345);
    }
  }
}

const facts: ServerFacts = {
  version: '0.0.0',
  uptimeMs: 1000,
  draining: false,
  overloaded: false,
  listening: true,
  consumersReady: consumers,
  consumers,
  threads: [],
  failures: { ingest: 0, consumer: 0, acceptor: 0 },
  listeners: [],
  readers: { ...readTallies(ReaderTally.create(consumers)), open: 0 },
  publishers: new PublisherCounts(),
  onvif: { connections: 0, requests: 0, faults: 0, authFailures: 0, refused: 0, tunnels: 0 },
  http: newHttpCounts(),
  hooks: [],
};

console.log(`${streams} streams, ${consumers} consumers, ${scrapes} scrapes of each format`);
let second = 0;
for (const format of ['prometheus', 'openmetrics'] as const satisfies readonly MetricsFormat[]) {
  const times: number[] = [];
  let memory: Buffer<ArrayBuffer> | undefined;
  let bytes = 0;
  let lines = 0;
  for (let scrape = 0; scrape < scrapes; scrape++) {
    advance(++second);
    const before = performance.now();
    const text = new MetricsText(format, memory);
    writeServerMetrics(text, facts);
    const nowMs = second * 1000;
    writeStreamMetrics(text, { cameras, read: (camera) => table.read(camera, true, nowMs), verdicts });
    const body = text.bytes();
    times.push(performance.now() - before);
    memory = text.memory;
    bytes = body.length;
    lines = body.toString('latin1').split('\n').length - 1;
  }
  const first = times[0]!;
  const sorted = times.sort((a, b) => a - b);
  const at = (part: number): string => sorted[Math.floor(part * (sorted.length - 1))]!.toFixed(1);
  console.log(
    `${format.padEnd(11)}  first ${first.toFixed(1)} ms, median ${at(0.5)} ms, p99 ${at(0.99)} ms, ${lines} lines, ${(bytes / 1e6).toFixed(2)} MB`,
  );
}
