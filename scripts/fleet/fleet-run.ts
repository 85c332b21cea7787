/** One flight of a fleet, from the preparation to the report. */
import { systemClock } from '../../src/base/clock.ts';
import type { Paint } from '../demo/paint.ts';
import { PlainOutput, TerminalScreen } from '../demo/screen.ts';
import type { ReaderFigures, ReadersFigures } from './camera-readers.ts';
import { CostMeter } from './cost-meter.ts';
import { endingsOf, unsettledAt } from './endings.ts';
import { runCount } from './frame-book.ts';
import type { FleetOptions } from './options.ts';
import { FleetStartError, type Ground, prepareGround } from './prepare.ts';
import type { PublisherFigures } from './publishers.ts';
import type { Totals } from './report.ts';
import { type FleetReport, makeReport, totalsOf } from './report.ts';
import { linkBreaksOf, planSchedule, type Schedule } from './schedule.ts';
import { driftOf, readRings, type ServerSample, sampleEveryMs, sampleOf, trendsOf } from './server-samples.ts';
import { type CameraResult, judge, tailLoss } from './verdict.ts';
import { type FleetView, screenLines, totalsLine } from './view.ts';

/** Milliseconds between two looks at the threads: a look at very many cameras keeps their thread from its work. */
const lookMs = 500;
const rareLookMs = 2000;
const manyCameras = 250;
/** Milliseconds between two lines where there is no terminal. */
const lineMs = 2000;
/** Milliseconds that a reader's thread may take for an answer. */
const answerMs = 10_000;
/** Milliseconds for readers to be there before the first camera starts. */
const readersMs = 15_000;
/**
 * Milliseconds that the end may take in each of its steps: usually, and after Ctrl-C. The last frames are waited for until
 * none has come for `silenceMs`.
 */
const endings = {
  usual: { arrivalMs: 3000, publishersMs: 3000, silenceMs: 2000, tailMs: 20_000, serverMs: 5000 },
  hasty: { arrivalMs: 0, publishersMs: 700, silenceMs: 300, tailMs: 300, serverMs: 600 },
} as const;
const endedEarly = 'ended before the first camera had started';
/** Milliseconds between two looks while something is waited for. */
const waitLookMs = 100;

/** Flies the fleet until its time is over or `stop` resolves; everything has ended when this returns. */
export async function flyFleet(options: FleetOptions, how: Paint, stop: Promise<unknown>): Promise<FleetReport> {
  let stopped = false;
  const wish = new AbortController();
  void stop.then(() => {
    stopped = true;
    wish.abort();
  });
  const startedAt = new Date();
  const schedule = planSchedule(options);
  const ground = await prepared(options, schedule, wish.signal);
  try {
    const flight = new Flight(options, schedule, ground, how);
    await flight.awaitReaders(stop);
    if (stopped) throw new FleetStartError(endedEarly);
    await flight.fly(stop);
    await flight.land(stopped);
    const { cameras, facts, cost, latency, samples, trends } = flight.results(stopped);
    return makeReport({
      options,
      startedAt,
      target: ground.target,
      read: ground.read,
      interrupted: stopped,
      grounded: flight.grounded,
      verdict: judge(cameras, facts),
      cameras,
      cost,
      latency,
      senderLateness: ground.synthetic?.lateness ?? null,
      frameRates: ground.frameRates,
      samples,
      trends,
      slowReaders: ground.slowReaders?.figures() ?? null,
    });
  } finally {
    await ground.clear(stopped ? endings.hasty.serverMs : endings.usual.serverMs);
  }
}

async function prepared(options: FleetOptions, schedule: Schedule, signal: AbortSignal): Promise<Ground> {
  try {
    return await prepareGround(options, schedule, (line) => process.stdout.write(`${line}\n`), signal);
  } catch (error) {
    // Whatever it was busy with fails then; on a terminal FFmpeg and openssl get the same Ctrl-C.
    if (signal.aborted) throw new FleetStartError(endedEarly);
    throw error;
  }
}

class Flight {
  readonly #options: FleetOptions;
  readonly #schedule: Schedule;
  readonly #ground: Ground;
  readonly #how: Paint;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Why the threads of the fleet do not tell what they see; null while they do. That is not the server's fault. */
  #deaf: string | null = null;
  readonly #cost: CostMeter;
  #publishers: readonly PublisherFigures[] = [];
  #read: ReadersFigures | null = null;
  #asked = 0;
  #startMs = 0;
  /** By the system clock, as {@link Flight.#startMs}: when the last streams were ended. */
  #landedMs = 0;
  /** Cameras that an early end has met before they had settled; none without one. */
  #unsettled: readonly boolean[] = [];
  #looking = false;
  readonly #samples: ServerSample[] = [];
  #nextSampleMs = 0;
  #lastLook = { atMs: 0, frames: 0, bytes: 0, framesPerSecond: 0, bitsPerSecond: 0 };

  constructor(options: FleetOptions, schedule: Schedule, ground: Ground, how: Paint) {
    this.#options = options;
    this.#schedule = schedule;
    this.#ground = ground;
    this.#how = how;
    this.#cost = new CostMeter(ground.server?.pid ?? null);
  }

  /** Readers of our own server come first, so that not even the first frame may be missing. */
  async awaitReaders(stop: Promise<unknown>): Promise<void> {
    const { readers, server } = this.#ground;
    if (readers === null || server === null) return;
    const untilMs = systemClock.nowMs() + readersMs;
    const ended = stop.then(() => true);
    for (;;) {
      this.#read = await readers.figures(answerMs);
      if (this.#read.cameras.every(({ playing }) => playing) || systemClock.nowMs() > untilMs) return;
      if (await Promise.race([ended, new Promise<false>((resolve) => setTimeout(resolve, 100, false))])) return;
    }
  }

  /** Carries out the plan. */
  async fly(stop: Promise<unknown>): Promise<void> {
    const { publishers, proxies } = this.#ground;
    const over = Promise.withResolvers<void>();
    this.#startMs = systemClock.nowMs();
    for (const { atMs, camera, kind } of this.#schedule.actions)
      this.#later(atMs, () => {
        this.#asked = Math.max(this.#asked, camera + 1);
        publishers.act(camera, kind);
      });
    for (const [camera, plan] of this.#schedule.links.entries()) if (plan !== null) proxies[camera]!.follow(plan);
    this.#later(this.#schedule.rampMs, () => this.#begin());
    this.#later(this.#schedule.lengthMs, over.resolve);
    const close = this.#show(over.resolve);
    await Promise.race([stop, over.promise]);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#ground.slowReaders?.stop();
    this.#cost.end(this.#read?.cpuSeconds ?? 0, this.#ground.synthetic?.cpuSeconds ?? 0);
    close();
  }

  /** Ends the streams in order and waits until the last frames have come. */
  async land(hasty: boolean): Promise<void> {
    try {
      await this.#endStreams(hasty);
      this.#deaf = null;
    } catch (error) {
      this.#onLookFailed(error as Error);
    }
  }

  async #endStreams(hasty: boolean): Promise<void> {
    const { publishers, readers } = this.#ground;
    const { arrivalMs, publishersMs, silenceMs, tailMs } = hasty ? endings.hasty : endings.usual;
    const before = await this.#arrived(arrivalMs);
    this.#landedMs = systemClock.nowMs();
    if (hasty) this.#unsettled = unsettledAt(this.#schedule, this.#options.count, this.#landedMs - this.#startMs);
    await publishers.stop(publishersMs);
    const after = await publishers.figures();
    this.#publishers = after.map((figures, index) => ({ ...figures, state: before[index]!.state }));
    if (readers === null) return;
    const startMs = systemClock.nowMs();
    let movedMs = startMs;
    let frames = -1;
    for (;;) {
      this.#read = await readers.figures(answerMs);
      const cameras = this.#cameras();
      if (cameras.every(({ tailLost }) => tailLost === 0)) return;
      const nowMs = systemClock.nowMs();
      const read = totalsOf(cameras).frames;
      if (read !== frames) movedMs = nowMs;
      frames = read;
      if (nowMs - movedMs > silenceMs || nowMs - startMs > tailMs) return;
      await new Promise((resolve) => setTimeout(resolve, waitLookMs));
    }
  }

  /** The cameras when none of them is on its way to the server any more, or after `ms`. */
  async #arrived(ms: number): Promise<readonly PublisherFigures[]> {
    const { publishers, server } = this.#ground;
    const untilMs = systemClock.nowMs() + ms;
    for (;;) {
      const figures = await publishers.figures();
      const arrived = figures.every(({ state }) => state !== 'starting');
      if (arrived || server?.ended === true || publishers.failure !== null || systemClock.nowMs() > untilMs)
        return figures;
      await new Promise((resolve) => setTimeout(resolve, waitLookMs));
    }
  }

  /** Why the fleet itself could not fly on; null if it could. */
  get grounded(): string | null {
    return this.#ground.publishers.failure ?? this.#deaf;
  }

  results(interrupted: boolean) {
    const { readers, server } = this.#ground;
    const { grounded } = this;
    const { count, scenario } = this.#options;
    const readBack = readers !== null;
    // It runs on until all is cleared away, so it has ended by itself, be it while the fleet landed.
    const hasEnded = server?.ended === true;
    // Timers may be a moment early.
    const trends = trendsOf(this.#samples, 1000 * Math.ceil((this.#landedMs - this.#startMs) / 1000));
    return {
      cameras: this.#cameras(),
      trends,
      facts: {
        scenario,
        stamped: !this.#options.liveEncode,
        readBack,
        interrupted: interrupted || hasEnded || grounded !== null,
        asked: this.#asked,
        unsettled: this.#unsettled,
        failures: [
          ...(grounded === null ? [] : [grounded]),
          ...(hasEnded ? [`Skyweir ended (${server.lastWords})`] : []),
          ...driftOf(trends),
        ],
        frameRates: this.#ground.frameRates,
        linkBreaks: linkBreaksOf(this.#schedule, count),
        linked: this.#schedule.links.map((link) => link !== null),
        // Skyweir's readers outlive the streams that they read; those of other servers may not.
        ...(server === null && { endings: endingsOf(this.#schedule, count, this.#startMs, this.#landedMs) }),
      },
      samples: this.#samples,
      cost: this.#cost.cost,
      latency: this.#options.synthetic ? (this.#read?.latency ?? null) : null,
    };
  }

  #cameras(): CameraResult[] {
    return this.#publishers.map((publisher, index) => {
      const reader = this.#read?.cameras[index] ?? null;
      return {
        path: this.#ground.paths[index]!,
        clip: this.#ground.clipNames[index]!,
        publisher,
        reader,
        tailLost: this.#unsettled[index] === true ? 0 : this.#tailLost(publisher, reader, index),
      };
    });
  }

  #tailLost(publisher: PublisherFigures, reader: ReaderFigures | null, index: number): number {
    return this.#options.liveEncode
      ? this.#countedLoss(publisher, reader)
      : tailLoss(publisher, reader, runCount, this.#ground.frameRates[index]!);
  }

  /** Frames without known contents can only be counted, and only where each one that was sent had to come. */
  #countedLoss(publisher: PublisherFigures, reader: ReaderFigures | null): number {
    const whole = this.#ground.server !== null && publisher.kills === 0 && publisher.broken === 0;
    if (!whole || reader === null || publisher.finished.length === 0) return 0;
    return Math.max(0, publisher.sent - reader.frames);
  }

  /** All cameras have been asked to start: what is measured from now on does not hold the ramp. */
  #begin(): void {
    this.#ground.synthetic?.measure();
    this.#ground.readers?.measure();
    this.#ground.slowReaders?.start(this.#options.seed);
    this.#cost.begin(this.#read?.cpuSeconds ?? 0, this.#ground.synthetic?.cpuSeconds ?? 0);
  }

  /**
   * Looks at the threads again and again and shows what there is; returns how to end that. `onUseless` is called when there
   * is nothing to fly against any more, or nothing to fly with.
   */
  #show(onUseless: () => void): () => void {
    const { title, server, publishers } = this.#ground;
    const screen = process.stdout.isTTY === true ? new TerminalScreen(process.stdout) : null;
    const plain = new PlainOutput();
    if (screen === null) plain.say(title);
    let nextLineMs = lineMs;
    const timer = setInterval(
      () => {
        if (server?.ended === true || publishers.failure !== null) onUseless();
        void this.#look().then((view) => {
          if (view === null) return;
          if (screen !== null) {
            const { columns, rows } = screen.size;
            screen.draw(screenLines(view, columns, rows, this.#how));
          } else if (view.elapsedMs >= nextLineMs) {
            nextLineMs += lineMs;
            plain.say(totalsLine(view));
          }
        }, this.#onLookFailed);
      },
      this.#options.count > manyCameras ? rareLookMs : lookMs,
    );
    return () => {
      clearInterval(timer);
      screen?.close();
    };
  }

  readonly #onLookFailed = (error: Error): void => {
    this.#looking = false;
    this.#deaf = error.message;
  };

  async #look(): Promise<FleetView | null> {
    if (this.#looking) return null;
    this.#looking = true;
    const { publishers, readers, title } = this.#ground;
    this.#publishers = await publishers.figures();
    if (readers !== null) this.#read = await readers.figures(answerMs);
    this.#looking = false;
    const nowMs = systemClock.nowMs();
    const cameras = this.#cameras();
    const totals = totalsOf(cameras);
    const last = this.#lastLook;
    const seconds = (nowMs - last.atMs) / 1000;
    const sentBytes = this.#publishers.reduce((sum, { bytes }) => sum + bytes, 0);
    const frames = readers === null ? totals.sent : totals.frames;
    const bytes = readers === null ? sentBytes : totals.bytesRead;
    this.#lastLook = {
      atMs: nowMs,
      frames,
      bytes,
      framesPerSecond: (frames - last.frames) / seconds,
      bitsPerSecond: (8 * (bytes - last.bytes)) / seconds,
    };
    await this.#sample(nowMs - this.#startMs, totals);
    const usage = this.#cost.now();
    return {
      title,
      elapsedMs: nowMs - this.#startMs,
      lengthMs: this.#schedule.lengthMs,
      cameras,
      totals,
      framesPerSecond: this.#lastLook.framesPerSecond,
      bitsPerSecond: this.#lastLook.bitsPerSecond,
      serverCores: usage?.cores ?? null,
      serverBytes: usage?.residentBytes ?? null,
    };
  }

  /** Looks at the server about once a minute. */
  async #sample(atMs: number, totals: Totals): Promise<void> {
    const { server } = this.#ground;
    const everyMs = sampleEveryMs(this.#schedule.lengthMs);
    if (server === null || atMs < this.#nextSampleMs) return;
    this.#nextSampleMs += everyMs;
    const usage = this.#cost.usage();
    if (usage === null) return;
    const { user, password } = server.credentials;
    const rings = server.httpPort === 0 ? null : await readRings(server.httpPort, user, password);
    this.#samples.push(sampleOf(atMs, totals, usage, rings));
  }

  #later(ms: number, action: () => void): void {
    this.#timers.push(setTimeout(action, ms));
  }
}
