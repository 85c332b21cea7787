/** The demo as one object: server, drones, readers and the picture of them, from the start to the end. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { errorTable } from '../../src/base/errors.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { PublisherEvent } from '../../src/control/messages.ts';
import { readVersion } from '../../src/version.ts';
import { readClip } from '../flv-file.ts';
import { CameraMeter, sampleOf } from './camera-meter.ts';
import { type DemoServer, startDemoServer } from './demo-server.ts';
import { Drone } from './drone.ts';
import { keyframePlaces, type Manner, mannerOf } from './flight-plan.ts';
import type { DemoOptions } from './options.ts';
import type { Paint } from './paint.ts';
import { Reader } from './reader.ts';
import { PlainOutput, TerminalScreen } from './screen.ts';
import { type Usage, UsageMeter } from './usage.ts';
import {
  clock,
  type DemoView,
  type EventLine,
  eventLine,
  helpLines,
  screenLines,
  someCameras,
  summaryLines,
  tableLines,
  totalsLine,
} from './view.ts';

const clipFile = resolve(import.meta.dirname, '../../assets/demo-clip.flv');

/** Milliseconds between two looks at the counters, two pictures, and two answers about the processor. */
const sampleMs = 100;
const drawMs = 500;
const usageMs = 1000;

/** Milliseconds over which the take-offs are spread, and from one to the next at most. */
const takeOffsMs = 6000;
const takeOffMs = 350;

/** Cameras that have readers; the first has two. */
const watchedCameras = 6;

/** Seconds between two tables where there is no terminal. */
const plainTableSeconds = 5;

/** Milliseconds that the end may take; what is left then is cut off. */
const endMs = 2800;

const keptEvents = 50;

/** Lines of the table that stays on the terminal. */
const lastCameras = 16;

/** Runs the demo until `stop` resolves or its time is over; returns when everything has ended. */
export async function runDemo(options: DemoOptions, how: Paint, stop: Promise<unknown>): Promise<void> {
  const show = new Show(options, how);
  await show.start();
  const timeOver = Promise.withResolvers<void>();
  const timer = options.seconds > 0 ? setTimeout(timeOver.resolve, 1000 * options.seconds) : null;
  await Promise.race([stop, timeOver.promise]);
  if (timer !== null) clearTimeout(timer);
  await show.end();
}

interface ShownCamera {
  readonly name: string;
  readonly path: string;
  readonly meter: CameraMeter;
  readonly manner: Manner | null;
  liveSinceMs: number | null;
}

class Show {
  readonly #options: DemoOptions;
  readonly #how: Paint;
  readonly #terminal = process.stdout.isTTY === true;
  readonly #startMs = systemClock.nowMs();
  readonly #usageMeter = new UsageMeter();
  readonly #events: EventLine[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #usage: Usage = this.#usageMeter.read();
  #output: TerminalScreen | PlainOutput = new PlainOutput();
  #demo: DemoServer | null = null;
  #cameras: ShownCamera[] = [];
  #drones: Drone[] = [];
  #readers: Reader[] = [];
  #ending = false;

  constructor(options: DemoOptions, how: Paint) {
    this.#options = options;
    this.#how = how;
  }

  async start(): Promise<void> {
    // Lines of the threads would run through the picture; on a terminal what matters is among the events.
    const logOptions = { level: this.#terminal ? 'silent' : 'error', format: 'pretty' } as const;
    const demo = await startDemoServer(this.#options, availableParallelism(), this.#logger(), logOptions);
    this.#demo = demo;
    this.#cameras = demo.server.cameras.map(({ index, name, path }) => ({
      name,
      path,
      meter: new CameraMeter(),
      manner: index < this.#options.drones ? mannerOf(index) : null,
      liveSinceMs: null,
    }));
    this.#followEvents(demo);
    this.#startReaders(demo);
    this.#startDrones(demo);
    this.#startDrawing();
  }

  /** Readers leave, drones land, the server stops; then the terminal is given back with the last table on it. */
  async end(): Promise<void> {
    const demo = this.#demo!;
    const last = this.#view();
    const { columns } = this.#output.size;
    const table = tableLines(last, someCameras(last.cameras, lastCameras), columns, this.#how);
    const lines = [...table, '', ...summaryLines(last, columns), `Ended after ${clock(last.elapsedMs)}.`];
    this.#ending = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const reader of this.#readers) reader.stop();
    await within(
      endMs,
      Promise.all(this.#drones.map((drone) => drone.stop())).then(() => demo.server.stop()),
    );
    this.#output.close();
    for (const line of lines) this.#output.say(line);
  }

  #startDrones({ server, localHost }: DemoServer): void {
    const clip = readClip(clipFile);
    const keyframes = keyframePlaces(clip);
    const apart = Math.min(takeOffMs, takeOffsMs / this.#options.drones);
    this.#drones = server.cameras.slice(0, this.#options.drones).map(({ index, path }) => {
      const drone = new Drone({
        host: localHost,
        port: server.addresses.rtmpPort,
        path,
        clip,
        manner: mannerOf(index),
        firstFrame: keyframes[index % keyframes.length]!,
        startAfterMs: index * apart,
      });
      drone.start();
      return drone;
    });
  }

  #startReaders({ server, localHost, credentials }: DemoServer): void {
    const watched = server.cameras.slice(0, Math.min(this.#options.drones, watchedCameras));
    this.#readers = [watched[0]!, ...watched].map(({ path }) => {
      const reader = new Reader(localHost, server.addresses.rtspPort, path, credentials);
      reader.start();
      return reader;
    });
  }

  // ---- what happens ----------------------------------------------------------------------------------------------------

  #followEvents({ server }: DemoServer): void {
    server.events.on('started', ({ camera, publisher }) => {
      const shown = this.#cameras[camera.index]!;
      shown.liveSinceMs = systemClock.nowMs();
      // On a socket for both kinds of addresses IPv4 ones look like "::ffff:192.0.2.7".
      const whose = shown.manner === null ? ` from ${publisher.address.replace(/^::ffff:/, '')}: yours?` : '';
      this.#tell(`${camera.name}: RTMP stream started on ${camera.path}${whose}`);
    });
    server.events.on('stopped', ({ camera, reason }) => {
      this.#cameras[camera.index]!.liveSinceMs = null;
      this.#tell(`${camera.name}: RTMP stream stopped, ${errorTable[reason].text}`);
    });
    server.events.on('notice', ({ camera, notice }) => {
      const text = noticeText(notice);
      if (text !== null) this.#tell(`${camera.name}: ${text}`);
    });
  }

  #tell(text: string): void {
    if (this.#ending) return;
    const event = { atMs: systemClock.nowMs() - this.#startMs, text };
    this.#events.push(event);
    if (this.#events.length > keptEvents) this.#events.shift();
    if (this.#output instanceof PlainOutput) this.#output.say(eventLine(event, this.#output.size.columns, this.#how));
  }

  #logger(): Logger {
    const tell = (_fields: object, message: string): void => this.#tell(message);
    const ignore = (): void => undefined;
    return { debug: ignore, info: ignore, warn: tell, error: tell };
  }

  // ---- what is seen ------------------------------------------------------------------------------------------------------

  #startDrawing(): void {
    this.#every(sampleMs, () => this.#sample());
    this.#every(usageMs, () => {
      this.#usage = this.#usageMeter.read();
    });
    if (!this.#terminal) {
      this.#drawPlainly();
      return;
    }
    const screen = new TerminalScreen(process.stdout);
    this.#output = screen;
    const draw = (): void => {
      const { columns, rows } = screen.size;
      screen.draw(screenLines(this.#view(), columns, rows, this.#how));
    };
    draw();
    this.#every(drawMs, draw);
    process.stdout.on('resize', draw);
  }

  #drawPlainly(): void {
    const output = this.#output;
    const view = this.#view();
    const { rtmpPort, rtspPort } = view.reach;
    output.say(`Skyweir ${view.version} demo: RTMP port ${rtmpPort}, RTSP port ${rtspPort}`);
    for (const line of [...view.remarks, ...helpLines(view, output.size.columns, this.#how), '']) output.say(line);
    let seconds = 0;
    this.#every(1000, () => {
      const now = this.#view();
      output.say(totalsLine(now));
      if (++seconds % plainTableSeconds === 0)
        for (const line of tableLines(now, now.cameras, output.size.columns, this.#how)) output.say(line);
    });
  }

  #sample(): void {
    const nowMs = systemClock.nowMs();
    for (const [index, { meter }] of this.#cameras.entries())
      meter.add(sampleOf(nowMs, this.#demo!.server.snapshot(index)));
  }

  #view(): DemoView {
    const { server, reachableHost, credentials, remarks } = this.#demo!;
    const nowMs = systemClock.nowMs();
    const { rtmpPort, rtspPort } = server.addresses;
    return {
      version: readVersion(),
      elapsedMs: nowMs - this.#startMs,
      nowMs,
      cameras: this.#cameras,
      ...this.#usage,
      reach: { host: reachableHost, rtmpPort, rtspPort, user: credentials.user, password: credentials.password },
      remarks,
      events: this.#events,
    };
  }

  #every(ms: number, action: () => void): void {
    this.#timers.push(setInterval(action, ms));
  }
}

/** What a notice of the server means, null for what the table shows anyway. */
function noticeText(notice: PublisherEvent): string | null {
  switch (notice.type) {
    case 'parameters':
      return null;
    case 'parameters_changed':
      return `the picture is now ${notice.width}x${notice.height}`;
    case 'non_h264':
      return `sends ${notice.codec}; only H.264 is carried`;
    case 'discontinuity':
      return 'its clock was set anew; readers see an even timeline';
    case 'stuck_clock':
      return 'its clock stands still; the time of arrival is used';
    case 'b_frames':
      return 'sends B-frames; switch them off in the encoder';
    case 'no_idr':
      return 'sends no IDR pictures; readers start at the next picture that can be decoded';
    default:
      return null;
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, ms);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
}
