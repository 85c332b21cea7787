/** A simulated drone: our own publishing session over a real socket, with a clip instead of a camera. */
import { randomFillSync } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { AmfDecoder } from '../../src/amf0/decode.ts';
import type { AmfObject } from '../../src/amf0/value.ts';
import { ClientSession } from '../../src/rtmp/client-session.ts';
import type { FlvClip } from '../flv-file.ts';
import { FlightPlan, type Manner, type PlannedFrame } from './flight-plan.ts';

/** What OBS announces. */
const chunkSize = 4096;

/** Milliseconds before a connection that failed is tried again. */
const retryMs = 1000;

/** Bytes that may wait for a server that does not read; then the drone hangs up, as a real one's buffer would be full. */
const waitingBytes = 4 * 1024 * 1024;

export interface DroneOptions {
  readonly host: string;
  readonly port: number;
  /** With a leading slash. */
  readonly path: string;
  readonly clip: FlvClip;
  readonly manner: Manner;
  /** Place in the clip it begins with, of a keyframe. */
  readonly firstFrame: number;
  /** Milliseconds to wait before the first take-off. */
  readonly startAfterMs: number;
}

/** Flies until it is stopped: connects, publishes in real time, and comes back when the connection is lost. */
export class Drone {
  readonly #options: DroneOptions;
  #socket: Socket | null = null;
  #session: ClientSession | null = null;
  #plan: FlightPlan | null = null;
  #frame: PlannedFrame | null = null;
  #takeOffMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(options: DroneOptions) {
    this.#options = options;
  }

  start(): void {
    this.#later(this.#options.startAfterMs, () => this.#connect());
  }

  /** Ends the stream in order; resolves when the connection is closed. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    const socket = this.#socket;
    if (socket === null) return Promise.resolve();
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    this.#hangUp();
    return closed;
  }

  #connect(): void {
    const { host, port, path } = this.#options;
    const socket = connect({ host, port, noDelay: true });
    const session = new ClientSession(
      {
        onOutput: (bytes) => socket.write(bytes),
        onPublishing: () => this.#takeOff(),
        onRejected: () => socket.destroy(),
      },
      {
        app: '',
        streamName: path.slice(1),
        tcUrl: `rtmp://${host}:${port}`,
        flashVer: 'SkyweirDemo/1.0',
        chunkSize,
        nowMs: performance.now(),
        random: (into) => randomFillSync(into),
      },
    );
    this.#socket = socket;
    this.#session = session;
    socket.on('connect', () => session.start());
    socket.on('data', (bytes: Buffer) => {
      try {
        session.receive(bytes, 0, bytes.length, performance.now());
      } catch {
        socket.destroy();
      }
    });
    socket.on('end', () => socket.end());
    // 'close' follows and says everything that matters here.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#onClosed(socket));
  }

  #takeOff(): void {
    const { clip, manner, firstFrame } = this.#options;
    const session = this.#session!;
    const metadata = metadataOf(clip, manner);
    if (metadata !== null) session.sendMetadata(metadata);
    for (const header of clip.headers) session.sendVideo(0, header.body);
    this.#plan = new FlightPlan(clip, manner, firstFrame, Math.random);
    this.#frame = this.#plan.next();
    this.#takeOffMs = performance.now();
    this.#sendDue();
  }

  /** Sends all that is due, however late this is called: the schedule does not wait for anybody. */
  #sendDue(): void {
    const session = this.#session;
    const socket = this.#socket;
    if (session === null || socket === null || !session.publishing) return;
    const flownMs = performance.now() - this.#takeOffMs;
    while (this.#frame !== null && this.#frame.dueMs <= flownMs) {
      session.sendVideo(this.#frame.timestampMs, this.#frame.tag.body);
      this.#frame = this.#plan!.next();
    }
    if (this.#frame === null) this.#hangUp();
    else if (socket.writableLength > waitingBytes) socket.destroy();
    else this.#later(this.#frame.dueMs - flownMs, () => this.#sendDue());
  }

  #hangUp(): void {
    this.#session?.stop();
    this.#socket?.end();
  }

  #onClosed(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#cancel();
    const landed = this.#plan !== null && this.#frame === null;
    this.#socket = null;
    this.#session = null;
    this.#plan = null;
    if (!this.#stopped) this.#later(landed ? this.#options.manner.awayMs : retryMs, () => this.#connect());
  }

  #later(ms: number, action: () => void): void {
    this.#timer = setTimeout(action, Math.max(1, ms));
  }

  #cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** The clip's onMetaData with the frame rate that this drone really has. */
function metadataOf(clip: FlvClip, manner: Manner): AmfObject | null {
  if (clip.metadata === null) return null;
  const decoder = new AmfDecoder(clip.metadata.body);
  decoder.value();
  const values = decoder.remaining > 0 ? decoder.value() : null;
  if (!(values instanceof Map)) return null;
  for (const name of ['framerate', 'videodatarate']) {
    const value = values.get(name);
    if (typeof value === 'number') values.set(name, value * manner.rate);
  }
  return values;
}
