import { headerTag, naluTag, pps, prefixed, sps } from '../unit/ingest/publisher-rig.ts';
import { RtmpClient, type RtmpClientOptions } from './rtmp-client.ts';
import type { RtspClient } from './rtsp-client.ts';

/** Bytes of a slice in front of its number: NAL unit header and the beginning of a slice header at macroblock 0. */
const headBytes = 3;
const idrHead = [0x65, 0x88, 0x84];
const sliceHead = [0x41, 0x9a, 0x24];

/** A picture of one slice that carries a number; its bytes hold no start code and differ from their neighbours. */
export function numberedPicture(number: number, keyframe: boolean, bytes = 400): Buffer {
  const unit = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i++) unit[i] = 0x80 | ((i * 7 + number) & 0x7f);
  unit.set(keyframe ? idrHead : sliceHead);
  for (let i = 0; i < 4; i++) unit[headBytes + i] = 0x80 | ((number >>> (21 - 7 * i)) & 0x7f);
  return unit;
}

/** Of access units that were looked at: tests look at all of them again with each that comes. */
const known = new WeakMap<readonly Buffer[], number>();

/** The number of the picture in a received access unit, -1 when it is none of {@link numberedPicture}. */
export function pictureNumber(units: readonly Buffer[]): number {
  const found = known.get(units) ?? readNumber(units);
  known.set(units, found);
  return found;
}

function readNumber(units: readonly Buffer[]): number {
  const unit = units.find((candidate) => [1, 5].includes(candidate[0]! & 0x1f));
  if (unit === undefined || unit.length < headBytes + 4) return -1;
  const head = (unit[0]! & 0x1f) === 5 ? idrHead : sliceHead;
  if (head.some((byte, i) => unit[i] !== byte)) return -1;
  let number = 0;
  for (let i = 0; i < 4; i++) number = (number << 7) | (unit[headBytes + i]! & 0x7f);
  return numberedPicture(number, head === idrHead, unit.length).equals(unit) ? number : -1;
}

/** The numbers of the pictures that a reader has, in order; what is not from a {@link NumberedStream} is left out. */
export function receivedNumbers(reader: RtspClient): number[] {
  return reader.units.map(({ units }) => pictureNumber(units)).filter((number) => number >= 0);
}

/** True when every number is one more than the one before it. */
export function isRun(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number === numbers[i - 1]! + 1);
}

export interface NumberedStreamOptions extends RtmpClientOptions {
  /** Number of the first picture. */
  readonly first?: number;
  readonly bytes?: number;
  /** Pictures from one keyframe to the next. */
  readonly gop?: number;
  readonly intervalMs?: number;
}

/** A publisher that sends numbered pictures in real time until it is stopped or cut off. */
export class NumberedStream {
  readonly client: RtmpClient;
  /** Number of the next picture. */
  next: number;
  /** Monotonic ms at which the newest picture was sent. */
  sentMs = 0;
  readonly #options: NumberedStreamOptions;
  readonly #first: number;
  #startMs = performance.now();
  #pausedMs = 0;
  #timer: NodeJS.Timeout;

  private constructor(options: NumberedStreamOptions, client: RtmpClient) {
    this.client = client;
    this.#options = options;
    this.#first = options.first ?? 0;
    this.next = this.#first;
    client.send(0, headerTag([sps], [pps]));
    this.#timer = setInterval(() => this.#send(), options.intervalMs ?? 20);
    void client.ended.then(() => clearInterval(this.#timer));
    this.#send();
  }

  /** Connects and publishes; throws when that is refused. The stream ends with the test. */
  static async start(
    context: { after(cleanup: () => void): void },
    options: NumberedStreamOptions,
  ): Promise<NumberedStream> {
    const client = await RtmpClient.publish(options);
    context.after(() => client.destroy());
    return new NumberedStream(options, client);
  }

  /** Pictures sent so far. */
  get sent(): number {
    return this.next - this.#first;
  }

  get closed(): boolean {
    return this.client.closed;
  }

  /** Sends no more pictures; the connection stays. */
  pause(): void {
    clearInterval(this.#timer);
    this.#pausedMs = performance.now();
  }

  /** Goes on after a pause as behind a link that stood still: what comes is as late against its time stamps as the pause was long. */
  resumeLate(): void {
    this.#startMs += performance.now() - this.#pausedMs;
    this.resume();
  }

  /** Goes on after a pause, with time stamps that have gone on too. */
  resume(): void {
    this.#timer = setInterval(() => this.#send(), this.#options.intervalMs ?? 20);
  }

  stop(): void {
    this.pause();
    this.client.stop();
  }

  #send(): void {
    const { bytes, gop = 10 } = this.#options;
    const keyframe = this.sent % gop === 0;
    const picture = numberedPicture(this.next++, keyframe, bytes);
    this.sentMs = performance.now();
    this.client.send(Math.round(this.sentMs - this.#startMs), naluTag(prefixed(4, picture), { key: keyframe }));
  }
}
