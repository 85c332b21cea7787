import type { ErrorCode } from '../base/errors.ts';
import { round } from '../base/round.ts';
import type { Camera } from '../control/messages.ts';
import { describeViolation } from '../ingest-rules/ingest-rules.ts';
import type { Counts } from './counts.ts';
import { judgeReadiness } from './readiness.ts';
import type { ServerFacts } from './server-facts.ts';
import type { PublisherInfo, PublishPort, StatusSource } from './status-source.ts';
import { seconds } from './stream-body.ts';
import type { StreamFigures } from './stream-table.ts';

/** What the overview is made from. */
export type OverviewSource = Pick<
  StatusSource,
  'version' | 'facts' | 'streams' | 'verdicts' | 'violations' | 'publishers' | 'promisedFps' | 'wallMs'
>;

/**
 * Everything that a page shows and asks for again and again, at one moment, in columns: a thousand cameras are some 80 kB of JSON.
 * `all` has a place for each camera in the order of the names, `live` one for each that has a publisher; `live.camera` holds
 * their places in `all`. `names` tells one list of names from another.
 */
export function overviewBody(source: OverviewSource, names: string): Record<string, unknown> {
  const facts = source.facts();
  const streams = source.streams();
  return {
    names,
    time: source.wallMs(),
    server: serverBody(facts),
    all: {
      readers: streams.map(({ reader }) => reader.readers),
      starts: streams.map(({ starts }) => starts),
    },
    live: liveColumns(source, streams),
  };
}

/** Column by column, because a page keeps them so, and because names of fields need not be told a thousand times. */
function liveColumns(source: OverviewSource, streams: readonly StreamFigures[]): Record<string, unknown[]> {
  const publishers = new Map(source.publishers().map((info) => [info.camera, info]));
  const columns: Record<string, unknown[]> = Object.fromEntries([...liveNames].map((name) => [name, []]));
  for (const [place, { camera, live, total, reader, stream }] of streams.entries()) {
    if (!live) continue;
    const { index } = camera;
    const verdict = source.verdicts.get(index);
    const values: Record<LiveName, unknown> = {
      camera: place,
      publisher: addressOf(publishers.get(index)),
      uptime: stream === null ? 0 : Math.round(stream.uptimeMs / 1000),
      silent: stream === null ? 0 : seconds(stream.silentMs),
      width: stream?.width ?? 0,
      height: stream?.height ?? 0,
      fps: round(stream?.rates.fps ?? 0, 1),
      promised: round(source.promisedFps(index), 2),
      kbps: round((stream?.rates.bitsPerSecond ?? 0) / 1000, 0),
      jitter: round(stream?.rates.jitterMs ?? 0, 0),
      late: round(stream?.rates.latenessMs ?? 0, 0),
      queue: round(stream?.rates.queueDepth ?? 0, 1),
      frames: total.frames,
      bytes: total.bytes,
      keyframes: total.keyframes,
      lost: reader.overflow,
      refused: total.nonH264 + total.truncated,
      blame: stream === null ? null : (verdict?.blame ?? null),
      why: stream === null ? null : (verdict?.text ?? null),
      rules: source.violations(index).map(describeViolation).join('; '),
    };
    for (const name of liveNames) columns[name]!.push(values[name]);
  }
  return columns;
}

const liveNames = [
  'camera',
  'publisher',
  'uptime',
  'silent',
  'width',
  'height',
  'fps',
  'promised',
  'kbps',
  'jitter',
  'late',
  'queue',
  'frames',
  'bytes',
  'keyframes',
  'lost',
  'refused',
  'blame',
  'why',
  'rules',
] as const;

type LiveName = (typeof liveNames)[number];

function serverBody(facts: ServerFacts): Record<string, unknown> {
  const { publishers, readers } = facts;
  return {
    version: facts.version,
    uptime: Math.round(facts.uptimeMs / 1000),
    ...judgeReadiness(facts),
    overloaded: facts.overloaded,
    threads: facts.threads.map(({ kind, index, busy, loopDelayMs, bitsPerSecond, connections }) => {
      return { kind, index, busy: round(busy, 3), delay: round(loopDelayMs, 0), bitsPerSecond, connections };
    }),
    failures: facts.failures,
    listeners: facts.listeners.map(({ rejected, ...listener }) => ({ ...listener, rejected: countBody(rejected) })),
    publish: {
      requested: publishers.requested,
      granted: publishers.granted,
      refused: countBody(publishers.refused.all),
      ends: countBody(publishers.ends.all),
    },
    readers: { open: readers.open },
    http: { connections: facts.http.connections, authFailures: facts.http.authFailures },
  };
}

/** How often each reason occurred, most frequent first. */
function countBody(counts: Counts<ErrorCode>['all']): Record<string, number> {
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}

/** What changes with the configuration only: names, paths and ports, and what the reasons mean. */
export interface OverviewNames {
  readonly cameras: readonly Camera[];
  readonly ports: ReadonlyMap<string, PublishPort>;
  readonly rtspPort: number;
  readonly hardware: readonly string[];
  readonly reasons: Readonly<Record<string, string>>;
  /** Whether publishers of a camera need more than its path. */
  readonly asksForKey: (camera: Camera) => boolean;
}

/** The names in columns; `listeners` holds the ports, and `listener` the place of each camera's in it. */
export function namesBody({
  cameras,
  ports,
  rtspPort,
  hardware,
  reasons,
  asksForKey,
}: OverviewNames): Record<string, unknown> {
  const keys = [...ports.keys()];
  return {
    cameras: {
      index: cameras.map(({ index }) => index),
      name: cameras.map(({ name }) => name),
      path: cameras.map(({ path }) => path),
      rtspPath: cameras.map(({ rtspPath }) => rtspPath),
      hardware: cameras.map((camera) => camera.hardware),
      listener: cameras.map(({ listener }) => keys.indexOf(listener)),
      asksForKey: cameras.map(asksForKey),
    },
    listeners: [...ports.values()],
    rtspPort,
    hardware,
    reasons,
  };
}

function addressOf(publisher: PublisherInfo | undefined): string {
  return publisher?.address ?? '';
}
