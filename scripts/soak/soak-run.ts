/** One soak from the start of the server to the report. */
import { temporaryFolder } from '../../native-free-bench/system/temporary-folder.ts';
import { SeededRandom } from '../fleet/seeded-random.ts';
import { CheckedCameras, type CheckedFigures } from './checked-cameras.ts';
import { type NumberedFigures, NumberedPairs } from './numbered-pairs.ts';
import { OnvifClients } from './onvif-clients.ts';
import type { SoakOptions } from './options.ts';
import type { Peers, Sample, SoakReport } from './report.ts';
import { RestlessReaders } from './restless-readers.ts';
import { hostilePaths, oddPaths, RoughPeers } from './rough-peers.ts';
import { SoakServer } from './soak-server.ts';
import { type Trend, trendOf } from './trend.ts';
import { type Findings, judge, tolerances } from './verdict.ts';

const host = '127.0.0.1';
/**
 * Share of the run in which threads find their size, and the most of it: with hostile peers the largest message, ring and burst
 * of each kind come by chance, and memory was seen to rise for some ten minutes before it stayed.
 */
const warmUpShare = 0.4;
const mostWarmUpMs = 12 * 60_000;
/** Memory is judged only if it was watched for so long after that: in the first minutes the heaps of all threads still grow. */
const leastWatchedMs = 3 * 60_000;
/** Milliseconds of the same from which on descriptors and threads that grow are told from peers that are still coming. */
const leastCountedMs = 8000;
/** Memory swings with rings that huge frames made grow, and with garbage: it is judged by what it comes back to. */
const memoryShare = 0.1;

const slowReaders = 3;
const visitors = 3;
const hostileLanes = 2;
const oddLanes = 1;
/** Milliseconds between two rough peers of a lane, on average. */
const roughPauseMs = 1500;

/** Milliseconds of each step of the end, usually and after Ctrl-C. */
const endings = {
  usual: { tailMs: 8000, leftMs: 30_000, threadMs: 1000, serverMs: 5000 },
  hasty: { tailMs: 300, leftMs: 0, threadMs: 200, serverMs: 600 },
} as const;

/** Paths of numbered pictures: hostile rows try to take the first two. */
const numberedPaths = ['/stream1', '/stream2', '/soak/numbered3'] as const;

/** Runs until the time is over or `stop` resolves. `say` gets a line for each sample. Throws an Error if it cannot start. */
export async function soak(
  options: SoakOptions,
  stop: Promise<unknown>,
  say: (sample: Sample) => void,
): Promise<SoakReport> {
  const folder = temporaryFolder('skyweir-soak-');
  const startedAt = new Date();
  try {
    const names = (kind: string, count: number): string[] =>
      Array.from({ length: count }, (_, i) => `/soak/${kind}${i + 1}`);
    const steadyPaths = names('steady', options.steady);
    const flappingPaths = names('flapping', options.flapping);
    const known = new Set([...hostilePaths, numberedPaths[2], ...steadyPaths, ...flappingPaths]);
    const paths = [...known, ...oddPaths.filter((path) => !known.has(path))];
    const server = await SoakServer.start({ folder: folder.path, paths, logFile: options.logFile });
    const run = new SoakRun(options, server, steadyPaths, flappingPaths);
    // A peer that fails must not end the others; it is a fault all the same, if not the server's.
    const onUncaught = (error: Error): void => server.log.fault(`the soak itself: ${error.stack ?? error.message}`);
    process.on('uncaughtException', onUncaught);
    try {
      return await run.carryOut(startedAt, stop, say);
    } finally {
      await run.end();
      await server.stop(run.hasty ? endings.hasty.serverMs : endings.usual.serverMs);
      process.off('uncaughtException', onUncaught);
    }
  } finally {
    folder.remove();
  }
}

class SoakRun {
  /** The end was asked for: nothing is waited for. */
  hasty = false;
  readonly #options: SoakOptions;
  readonly #server: SoakServer;
  readonly #checked: CheckedCameras;
  readonly #numbered = new NumberedPairs();
  readonly #restless: RestlessReaders;
  readonly #onvif: OnvifClients;
  readonly #random: SeededRandom;
  readonly #samples: Sample[] = [];
  #rough: RoughPeers | null = null;
  #startMs = 0;

  constructor(
    options: SoakOptions,
    server: SoakServer,
    steadyPaths: readonly string[],
    flappingPaths: readonly string[],
  ) {
    const { bitsPerSecond, seed } = options;
    const { ports } = server;
    const random = new SeededRandom(seed);
    this.#options = options;
    this.#server = server;
    this.#random = random;
    this.#checked = new CheckedCameras({
      host,
      ports,
      steadyPaths,
      flappingPaths,
      bitsPerSecond,
      random: random.fork(0),
    });
    this.#restless = new RestlessReaders(ports.rtsp, steadyPaths, random.fork(1));
    this.#onvif = new OnvifClients(ports.onvif, random.fork(2));
  }

  async carryOut(startedAt: Date, stop: Promise<unknown>, say: (sample: Sample) => void): Promise<SoakReport> {
    void stop.then(() => {
      this.hasty = true;
    });
    const before = (await this.#server.size()).descriptors;
    await this.#numbered.start(this.#server.ports, numberedPaths);
    await this.#checked.start();
    this.#restless.start(slowReaders, visitors);
    this.#onvif.start();
    if (this.#options.hostile) {
      this.#rough = new RoughPeers(this.#server, this.#random.fork(3));
      this.#rough.start(hostileLanes, oddLanes, roughPauseMs);
    }
    this.#startMs = performance.now();
    const lengthMs = this.#options.minutes * 60_000;
    while (!this.hasty && !this.#server.ended && performance.now() - this.#startMs < lengthMs) {
      await this.#wait(this.#options.everySeconds * 1000, stop);
      if (this.#server.ended) break;
      const sample = await this.#sample();
      this.#samples.push(sample);
      say(sample);
    }
    const seconds = (performance.now() - this.#startMs) / 1000;

    // Rough peers and visitors go first; then the streams end, and what was sent must be there.
    this.#quieten();
    const { tailMs } = this.hasty ? endings.hasty : endings.usual;
    const checked = await this.#checked.stop(tailMs);
    const numbered = await this.#numbered.pause(tailMs);
    const missing = this.#server.ended ? 0 : this.#numbered.missing;
    await this.end();
    const left = this.hasty || this.#server.ended ? null : { before, after: await this.#leftDescriptors(before) };
    return this.#report(startedAt, seconds, left, checked, numbered, this.hasty ? 0 : missing);
  }

  /** Ends all peers; may be called again. */
  async end(): Promise<void> {
    this.#quieten();
    this.#numbered.close();
    await this.#checked.end(this.hasty ? endings.hasty.threadMs : endings.usual.threadMs);
  }

  #quieten(): void {
    this.#rough?.stop();
    this.#restless.stop();
    this.#onvif.stop();
  }

  async #leftDescriptors(before: number): Promise<number> {
    const untilMs = performance.now() + endings.usual.leftMs;
    for (;;) {
      const { descriptors } = await this.#server.size();
      if (descriptors <= before + tolerances.leftDescriptors || performance.now() > untilMs || this.hasty)
        return descriptors;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  async #sample(): Promise<Sample> {
    const [size, checked] = [await this.#server.size(), await this.#checked.figures()];
    const numbered = this.#numbered.figures();
    const { log } = this.#server;
    const sum = (record: Readonly<Record<string, number>>): number => Object.values(record).reduce((a, b) => a + b, 0);
    return {
      ...size,
      atMs: performance.now() - this.#startMs,
      streams: log.started - log.stopped,
      sent: checked.sent + numbered.sent,
      received: checked.received + numbered.received,
      unexplained: sum(checked.unexplained) + sum(numbered.unexplained),
      endings: sum(Object.fromEntries(log.reasons)),
    };
  }

  #report(
    startedAt: Date,
    seconds: number,
    left: Findings['left'],
    checked: CheckedFigures,
    numbered: NumberedFigures,
    missing: number,
  ): SoakReport {
    const { log } = this.#server;
    const warmUpMs = Math.min(mostWarmUpMs, seconds * 1000 * warmUpShare);
    const warm = this.#samples.filter(({ atMs }) => atMs >= warmUpMs);
    const trend = (figure: (sample: Sample) => number, share?: number): Trend | null =>
      trendOf(
        warm.map((sample) => ({ atMs: sample.atMs, value: figure(sample) })),
        share,
      );
    const count = (figure: (sample: Sample) => number): Trend | null =>
      seconds * 1000 - warmUpMs >= leastCountedMs ? trend(figure) : null;
    const memory = (figure: (sample: Sample) => number): Trend | null =>
      seconds * 1000 - warmUpMs >= leastWatchedMs ? trend(figure, memoryShare) : null;
    const peers: Peers = {
      checked,
      numbered,
      restless: this.#restless.figures,
      onvif: this.#onvif.figures,
      rough: this.#rough?.figures ?? null,
    };
    const { restless, onvif } = peers;
    const because = (what: string, problem: string): string => (problem === '' ? what : `${what} (${problem})`);
    const findings: Findings = {
      resident: memory(({ residentBytes }) => residentBytes),
      heap: memory(({ heapBytes }) => heapBytes),
      descriptors: count(({ descriptors }) => descriptors),
      threads: count(({ threads }) => threads),
      left,
      unexplained: {
        ...checked.unexplained,
        ...numbered.unexplained,
        'numbered pictures that never came': missing,
        [because('visits without a picture', restless.lastProblem)]: restless.failed,
        [because('ONVIF requests refused', onvif.lastProblem)]: onvif.failed,
      },
      faultCount: log.faultCount,
      faults: log.faults,
      framesReceived: checked.received + numbered.received,
    };
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const cores =
      first === undefined || first === last
        ? 0
        : (last!.cpuSeconds - first.cpuSeconds) / ((last!.atMs - first.atMs) / 1000);
    return {
      format: 'skyweir-soak-1',
      startedAt: startedAt.toISOString(),
      options: this.#options,
      seconds,
      warmUpSeconds: warmUpMs / 1000,
      interrupted: this.hasty,
      verdict: judge(findings),
      tolerances,
      findings,
      peers,
      reasons: Object.fromEntries(log.reasons),
      logLines: log.lines,
      cores,
      samples: this.#samples,
    };
  }

  async #wait(ms: number, stop: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, stop]);
    clearTimeout(timer);
  }
}
