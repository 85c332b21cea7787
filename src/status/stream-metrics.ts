import type { Camera } from '../control/messages.ts';
import type { Violation } from '../ingest-rules/ingest-rules.ts';
import type { Blame, Verdict } from '../stats/verdict.ts';
import { labelText, lastLabel, type MetricFamily, type MetricsText } from './metrics-text.ts';
import type { RunningStream, StreamFigures } from './stream-table.ts';

const labels = ['camera', 'path'] as const;

interface StreamFamily extends MetricFamily {
  readonly value: (figures: StreamFigures) => number;
}

interface RunningFamily extends MetricFamily {
  readonly value: (stream: RunningStream) => number;
}

/** One sample for each camera. */
const always: readonly StreamFamily[] = [
  {
    name: 'skyweir_stream_live',
    type: 'gauge',
    help: '1 while the camera has a publisher',
    value: ({ live }) => (live ? 1 : 0),
  },
  {
    name: 'skyweir_stream_starts_total',
    type: 'counter',
    help: 'Streams that have started; all but the first are reconnects',
    value: ({ starts }) => starts,
  },
  {
    name: 'skyweir_stream_frames_total',
    type: 'counter',
    help: 'Frames received from publishers',
    value: ({ total }) => total.frames,
  },
  {
    name: 'skyweir_stream_bytes_total',
    type: 'counter',
    help: 'Bytes of those frames',
    value: ({ total }) => total.bytes,
  },
  {
    name: 'skyweir_stream_keyframes_total',
    type: 'counter',
    help: 'Those of them that decoding can start at',
    value: ({ total }) => total.keyframes,
  },
  {
    name: 'skyweir_stream_sei_only_total',
    type: 'counter',
    help: 'Messages without a picture, whose SEI goes with the next picture',
    value: ({ total }) => total.seiOnly,
  },
  {
    name: 'skyweir_stream_non_h264_total',
    type: 'counter',
    help: 'Video messages of another codec, dropped',
    value: ({ total }) => total.nonH264,
  },
  {
    name: 'skyweir_stream_truncated_total',
    type: 'counter',
    help: 'Frames that were cut short, dropped',
    value: ({ total }) => total.truncated,
  },
  {
    name: 'skyweir_stream_discontinuities_total',
    type: 'counter',
    help: "Jumps of the publisher's clock",
    value: ({ total }) => total.discontinuities,
  },
  {
    name: 'skyweir_stream_tolerated_total',
    type: 'counter',
    help: 'Oddities of publishers that were tolerated',
    value: ({ total }) => total.tolerated,
  },
  {
    name: 'skyweir_stream_ingest_shed_frames_total',
    type: 'counter',
    help: 'Frames received that this server did not even store, because it could not keep up',
    value: ({ total }) => total.shed,
  },
  {
    name: 'skyweir_stream_lateness_seconds_total',
    type: 'counter',
    help: 'Time that frames arrived later, against their time stamps, than the promptest before them; over the frames it is their mean lateness',
    value: ({ total }) => total.lateSum / 1000,
  },
  {
    name: 'skyweir_stream_readers',
    type: 'gauge',
    help: 'Readers that play the camera',
    value: ({ reader }) => reader.readers,
  },
  {
    name: 'skyweir_stream_popped_frames_total',
    type: 'counter',
    help: 'Frames that at least one reader got, summed over the consumers',
    value: ({ reader }) => reader.frames,
  },
  {
    name: 'skyweir_stream_popped_bytes_total',
    type: 'counter',
    help: 'Bytes of those frames',
    value: ({ reader }) => reader.bytes,
  },
  {
    name: 'skyweir_stream_sent_frames_total',
    type: 'counter',
    help: 'Frames sent, summed over the readers',
    value: ({ reader }) => reader.framesSent,
  },
  {
    name: 'skyweir_stream_overflow_frames_total',
    type: 'counter',
    help: 'Frames that readers lost because they were too far behind, summed over the readers',
    value: ({ reader }) => reader.overflow,
  },
  {
    name: 'skyweir_stream_shed_frames_total',
    type: 'counter',
    help: 'Those of them that this server left out because it could not keep up',
    value: ({ reader }) => reader.shed,
  },
  {
    name: 'skyweir_stream_slow_readers_total',
    type: 'counter',
    help: 'Readers that were disconnected because they were too slow',
    value: ({ reader }) => reader.cutOff,
  },
  {
    name: 'skyweir_stream_pacing_sleeps_total',
    type: 'counter',
    help: 'Times that a frame of a burst was held back to spread it',
    value: ({ reader }) => reader.pacingSleeps,
  },
  {
    name: 'skyweir_stream_pacing_seconds_total',
    type: 'counter',
    help: 'Time that frames were held back for that',
    value: ({ reader }) => reader.pacingSleepMs / 1000,
  },
];

/** One sample for each camera that is live. */
const whileLive: readonly RunningFamily[] = [
  {
    name: 'skyweir_stream_uptime_seconds',
    type: 'gauge',
    help: 'Since the stream started; only while it runs, like all below',
    value: ({ uptimeMs }) => uptimeMs / 1000,
  },
  {
    name: 'skyweir_stream_silence_seconds',
    type: 'gauge',
    help: 'Since the newest frame',
    value: ({ silentMs }) => silentMs / 1000,
  },
  {
    name: 'skyweir_stream_frames_per_second',
    type: 'gauge',
    help: 'Frames received in a second, over the last 5 seconds or since the scrape before',
    value: ({ rates }) => rates.fps,
  },
  {
    name: 'skyweir_stream_bits_per_second',
    type: 'gauge',
    help: 'Bitrate, over the same time',
    value: ({ rates }) => rates.bitsPerSecond,
  },
  {
    name: 'skyweir_stream_jitter_seconds',
    type: 'gauge',
    help: 'Standard deviation of the time between two arrivals, over the same time',
    value: ({ rates }) => rates.jitterMs / 1000,
  },
  {
    name: 'skyweir_stream_queue_depth_frames',
    type: 'gauge',
    help: 'Frames that the slowest reader had still to fetch, on average over the same time',
    value: ({ rates }) => rates.queueDepth,
  },
  {
    name: 'skyweir_stream_queue_depth_max_frames',
    type: 'gauge',
    help: 'The same, largest since the last block of statistics (--stats-interval)',
    value: ({ deepestQueue }) => deepestQueue,
  },
  {
    name: 'skyweir_stream_arrival_gap_max_seconds',
    type: 'gauge',
    help: 'Longest time between two arrivals since the last block of statistics',
    value: ({ longestGapMs }) => longestGapMs / 1000,
  },
  {
    name: 'skyweir_stream_lateness_max_seconds',
    type: 'gauge',
    help: 'Largest lateness of a frame against its time stamp since the last block of statistics',
    value: ({ largestLatenessMs }) => largestLatenessMs / 1000,
  },
  {
    name: 'skyweir_stream_width_pixels',
    type: 'gauge',
    help: 'Width of the picture, 0 while unknown',
    value: ({ width }) => width,
  },
  {
    name: 'skyweir_stream_height_pixels',
    type: 'gauge',
    help: 'Height of the picture, 0 while unknown',
    value: ({ height }) => height,
  },
];

const verdictFamily: MetricFamily = {
  name: 'skyweir_stream_verdict',
  type: 'gauge',
  help: '1 for whom the newest block of statistics blames for missing frames: none, source, network, server or reader',
  labels: ['camera', 'path', 'blame'],
};

const ruleFamily: MetricFamily = {
  name: 'skyweir_stream_rule_broken',
  type: 'gauge',
  help: '1 for each ingest rule that the stream breaks now; see docs/ingest-rules.md',
  labels: ['camera', 'path', 'rule'],
};

/** Every family of {@link writeStreamMetrics}, in its order. */
export const streamFamilies: readonly MetricFamily[] = [
  ...[...always, ...whileLive].map(({ name, type, help }) => ({ name, type, help, labels })),
  verdictFamily,
  ruleFamily,
];

/** As UTF-8: names and paths are written some thirty times a scrape. */
const knownLabels = new WeakMap<Camera, Uint8Array>();
const blameLabels = new Map<Blame, Uint8Array>();

/** Of the scrape before: a column of numbers for each family. Kept, or each scrape leaves some hundred KB to be cleared away. */
let columns = new Float64Array(0);

/** What the metrics of the streams are made from. */
export interface StreamMetricsSource {
  /** Those that are shown, in their order. */
  readonly cameras: readonly Camera[];
  /** Their figures. */
  readonly read: (camera: Camera) => StreamFigures;
  /** Of the newest blocks of statistics, by camera index. */
  readonly verdicts: ReadonlyMap<number, Verdict>;
  readonly violations?: (index: number) => readonly Violation[];
}

/** The families of all streams. */
export function writeStreamMetrics(text: MetricsText, source: StreamMetricsSource): void {
  const { cameras, read, verdicts, violations } = source;
  const count = cameras.length;
  const labelled = cameras.map(labelsOf);
  // Cameras are read one after another, and shown family by family. In between only numbers are kept.
  const needed = (always.length + whileLive.length) * count;
  if (columns.length < needed) columns = new Float64Array(needed);
  const values = columns;
  const running = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const figures = read(cameras[i]!);
    let at = i;
    // By index: an iterator would leave an object behind for each of some thirty thousand values.
    for (let place = 0; place < always.length; place++, at += count) values[at] = always[place]!.value(figures);
    const { stream } = figures;
    if (stream === null) continue;
    running[i] = 1;
    for (let place = 0; place < whileLive.length; place++, at += count) values[at] = whileLive[place]!.value(stream);
  }
  for (const [place, family] of [...always, ...whileLive].entries()) {
    text.family(family);
    const column = values.subarray(place * count, (place + 1) * count);
    text.samples(labelled, column, place < always.length ? null : running);
  }
  text.family(verdictFamily);
  for (let i = 0; i < count; i++) {
    const verdict = running[i] === 0 ? undefined : verdicts.get(cameras[i]!.index);
    if (verdict !== undefined) text.flag(labelled[i]!, blameLabelOf(verdict.blame));
  }
  text.family(ruleFamily);
  if (violations === undefined) return;
  for (const camera of cameras) {
    for (const { rule } of violations(camera.index))
      text.sample(labelText({ camera: camera.name, path: camera.rtspPath, rule }), 1);
  }
}

/** The path is that of readers: no two cameras share one. */
function labelsOf(camera: Camera): Uint8Array {
  let known = knownLabels.get(camera);
  if (known === undefined) {
    known = Buffer.from(labelText({ camera: camera.name, path: camera.rtspPath }));
    knownLabels.set(camera, known);
  }
  return known;
}

function blameLabelOf(blame: Blame): Uint8Array {
  let known = blameLabels.get(blame);
  if (known === undefined) {
    known = lastLabel('blame', blame);
    blameLabels.set(blame, known);
  }
  return known;
}
