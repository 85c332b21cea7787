/** One ingest worker with a few cameras that send far more than the others: what the others feel of it. */
import { setTimeout as delay } from 'node:timers/promises';
import { type LatencySummary, summaryOf } from '../../system/histogram.ts';
import type { PublishFigures, ReadFigures } from '../../system/load-messages.ts';
import { readUsage } from '../../system/process-usage.ts';
import { SkyweirTarget } from '../../system/target-skyweir.ts';
import { temporaryFolder } from '../../system/temporary-folder.ts';
import type { Experiment, Part, PartRecord, Scale } from '../experiment.ts';
import { cameraShape } from '../load-part.ts';
import { Loads } from '../loads.ts';
import { figure, table } from '../markdown.ts';

const cameras = 50;
const mbit = 4.5;
/** Frames of close to a megabyte each. */
const [hotCameras, hotMbit] = [6, 200];
const windowSeconds = 15;
/** Connections on their way at once. */
const connecting = 16;
/** What nobody else may be made to wait, milliseconds. */
const wantedMs = 20;

interface HotFigures {
  readonly cameras: number;
  readonly hotCameras: number;
  readonly windows: readonly Window[];
}

interface Window {
  readonly name: 'alone' | 'beside them';
  readonly latency: LatencySummary;
  readonly lateness: LatencySummary;
  readonly serverCores: number;
  readonly lost: number;
}

function part(scale: Scale, round: number): Part {
  const [count, hot, seconds] = [scale.count(cameras), scale.count(hotCameras), scale.seconds(windowSeconds)];
  return {
    name: `round ${round}`,
    options: { cameras: count, shape: cameraShape(mbit), hotCameras: hot, hotShape: cameraShape(hotMbit), seconds },
    async run({ say }) {
      const folder = temporaryFolder('skyweir-bench-');
      const target = new SkyweirTarget(['--ingest-workers', '1']);
      const shared = { folder: folder.path, processors: '', authentication: false, profileFolder: '' };
      const running = await target.start({ streams: count + hot, ...shared });
      const loads = new Loads(running, say);
      try {
        const streams = Array.from({ length: count + hot }, (_, index) => running.stream(index));
        const publish = { type: 'publish', connecting, port: running.rtmpPort, plainWrites: false };
        const usual = { ...publish, streams: streams.slice(0, count), shape: cameraShape(mbit) };
        const publishers = await loads.start('publishing', 'load-publishers.ts', usual);
        const readers = await loads.start('reading', 'load-readers.ts', {
          ...{ type: 'read', protocol: running.readProtocol, port: running.readPort, credentials: running.credentials },
          ...{ connecting, streams: streams.slice(0, count), readers: count },
        });
        const windows: Window[] = [];
        for (const name of ['alone', 'beside them'] as const) {
          if (name === 'beside them')
            await loads.start('hot', 'load-publishers.ts', {
              ...{ ...publish, streams: streams.slice(count), shape: cameraShape(hotMbit) },
            });
          await delay(4000);
          const before = readUsage(running.process.pids).cpuSeconds;
          publishers.send({ type: 'begin' });
          readers.send({ type: 'begin' });
          await delay(seconds * 1000);
          const published = await publishers.ask<PublishFigures>({ type: 'end' });
          const received = await readers.ask<ReadFigures>({ type: 'end' });
          windows.push({
            name,
            latency: summaryOf(received.latency),
            lateness: summaryOf(published.lateness),
            serverCores: (readUsage(running.process.pids).cpuSeconds - before) / published.seconds,
            lost: received.lost + received.sequenceGaps,
          });
          const { p99Ms, maximumMs } = windows.at(-1)!.latency;
          say(`${name}: p99 ${p99Ms.toFixed(1)} ms, longest ${maximumMs.toFixed(1)} ms`);
        }
        const figures: HotFigures = { cameras: count, hotCameras: hot, windows };
        const isLate = windows.some(({ lateness }) => lateness.p99Ms > wantedMs / 4);
        return { figures, validity: { cost: [], latency: isLate ? ['the generator was late'] : [] } };
      } finally {
        await loads.stop();
        await running.process.stop();
        folder.remove();
      }
    },
  };
}

function render(records: readonly PartRecord[]) {
  const rows = records.flatMap(({ figures, validity }, index) =>
    (figures as HotFigures).windows.map((window) => ({
      window,
      round: index + 1,
      valid: validity.latency.length === 0,
    })),
  );
  const { cameras: count, hotCameras: hot } = records[0]!.figures as HotFigures;
  return {
    blocks: [
      `One ingest worker with ${count} cameras of ${mbit} Mbit/s, each with a reader, alone and with ${hot} more of ${hotMbit} Mbit/s on the same worker. What those ${count} feel, wanted at most ${wantedMs} ms more:`,
      table(
        [
          'Round',
          `${hot} x ${hotMbit} Mbit/s`,
          'p50 ms',
          'p99',
          'p99.9',
          'Longest',
          'Lost',
          'Server cores',
          'Generator late p99 ms',
        ],
        rows.map(({ window, round, valid }) => [
          `${round}${valid ? '' : ' (generator late)'}`,
          window.name === 'alone' ? 'no' : 'yes',
          figure(window.latency.p50Ms, 2),
          figure(window.latency.p99Ms, 2),
          figure(window.latency.p999Ms, 2),
          figure(window.latency.maximumMs, 2),
          String(window.lost),
          figure(window.serverCores, 2),
          figure(window.lateness.p99Ms, 2),
        ]),
      ),
    ],
    charts: [],
  };
}

export const hotWorker: Experiment = {
  name: 'hot-worker',
  question: 'What do cameras feel of one on the same ingest worker that sends far more?',
  minutes: 3,
  parts: (scale) => Array.from({ length: scale.rounds(3) }, (_, index) => part(scale, index + 1)),
  render,
};
