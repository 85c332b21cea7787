import type { MessagePort } from 'node:worker_threads';
import type { WebSocket } from 'ws';
import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { ConsumerToPreview, PreviewToConsumer } from '../control/messages.ts';
import { closeCode } from './preview-sockets.ts';

/** What a {@link PreviewSocket} is made with. */
export interface PreviewSocketOptions {
  readonly camera: number;
  readonly clock: Clock;
  readonly isDraining: () => boolean;
  /** Frames were left out because the viewer was too slow. */
  readonly onRestarted: () => void;
  /** The viewer took nothing for too long, and is cut off. */
  readonly onStalled: () => void;
}

/** Fragments without compression, each a message of its own. */
const asBinary = { binary: true, compress: false } as const;

/**
 * One viewer: what the consumer makes goes out as it comes. When the connection does not take it, the consumer is told to stop, and
 * to go on when it does again; one that takes nothing at all for a while is ended.
 */
export class PreviewSocket {
  readonly camera: number;
  readonly #options: PreviewSocketOptions;
  readonly #webSocket: WebSocket;
  readonly #port: MessagePort;
  /** Of all fragments so far, and of those that the consumer was told of. */
  #takenBytes = 0;
  #toldBytes = 0;
  /** Memory of the fragments that wait for the connection, in their order. */
  readonly #waiting: ArrayBuffer[] = [];
  /** Decoding time and arrival of the newest frame; the latter is NaN before the first of a stream. */
  #mediaMs = 0;
  #arrivalMs = Number.NaN;
  #isClockDue = false;
  #wanted = true;
  /** Bytes that waited at the last tick, and when they were last seen to become fewer. */
  #waitingBytes = 0;
  #progressMs: number;
  #pingedMs: number;

  constructor(webSocket: WebSocket, port: MessagePort, options: PreviewSocketOptions) {
    const nowMs = options.clock.nowMs();
    this.camera = options.camera;
    this.#options = options;
    this.#webSocket = webSocket;
    this.#port = port;
    this.#progressMs = nowMs;
    this.#pingedMs = nowMs;
    webSocket.on('close', () => port.close());
    // Its close follows.
    webSocket.on('error', () => {});
    webSocket.on('ping', (data: Buffer) => {
      // A viewer that asks and does not read gets one answer.
      if (webSocket.bufferedAmount === 0) webSocket.pong(data);
    });
    port.on('message', (message: ConsumerToPreview) => this.#onMessage(message));
    port.on('close', () => this.#onPreviewEnded('internal'));
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
    this.#port.close();
  }

  /** Once a second: the clock, the way back to the consumer, signs of life, and the stall check. */
  tick(nowMs: number): void {
    const waitingBytes = this.#webSocket.bufferedAmount;
    if (waitingBytes === 0 || waitingBytes < this.#waitingBytes) this.#progressMs = nowMs;
    this.#waitingBytes = waitingBytes;
    if (nowMs - this.#progressMs >= limits.http.writeStallMs) {
      this.#options.onStalled();
      this.#webSocket.terminate();
      return;
    }
    if (this.#isClockDue) this.#sendClock(nowMs);
    if (nowMs - this.#pingedMs >= limits.preview.pingMs) {
      this.#pingedMs = nowMs;
      this.#webSocket.ping();
    }
    this.#tellConsumer();
  }

  #onMessage(message: ConsumerToPreview): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    if (message.type === 'fragment') this.#onFragment(message);
    else if (message.type === 'state') this.#sendText({ type: 'state', live: message.live });
    else if (message.type === 'start') {
      const { mime, width, height, init } = message;
      this.#sendText({ type: 'codec', mime, width, height });
      this.#webSocket.send(init, asBinary);
      // The first fragment of a stream is told at once, and nothing before it.
      this.#arrivalMs = Number.NaN;
      this.#isClockDue = false;
    } else if (message.type === 'restarted') this.#options.onRestarted();
    else this.#onPreviewEnded(message.reason);
  }

  #onFragment({ memory, offset, length, mediaMs, arrivalMs }: Extract<ConsumerToPreview, { type: 'fragment' }>): void {
    const isFirst = Number.isNaN(this.#arrivalMs);
    this.#takenBytes += length;
    this.#mediaMs = mediaMs;
    this.#arrivalMs = arrivalMs;
    this.#isClockDue = true;
    this.#waiting.push(memory);
    this.#webSocket.send(Buffer.from(memory, offset, length), asBinary, this.#onSent);
    if (isFirst) this.#sendClock(this.#options.clock.nowMs());
    const isTooMuch = this.#webSocket.bufferedAmount > limits.preview.queuedBytes;
    const isChange = isTooMuch && this.#wanted;
    if (isTooMuch) this.#wanted = false;
    if (isChange || this.#takenBytes - this.#toldBytes > limits.preview.underWayBytes / 4) this.#tellConsumer();
  }

  /** A fragment has gone out; or, with an error, the connection closes. */
  readonly #onSent = (error?: Error | null): void => {
    const memory = this.#waiting.shift() ?? null;
    if (error) return;
    if (this.#webSocket.bufferedAmount <= limits.preview.resumeBytes) this.#wanted = true;
    this.#tellConsumer(memory);
  };

  #sendClock(nowMs: number): void {
    this.#isClockDue = false;
    const nowWallMs = Math.round(this.#options.clock.wallMs());
    const arrivalWallMs = Math.round(nowWallMs - (nowMs - this.#arrivalMs));
    this.#sendText({ type: 'clock', mediaMs: this.#mediaMs, arrivalWallMs, nowWallMs });
  }

  #sendText(message: object): void {
    this.#webSocket.send(JSON.stringify(message));
  }

  #tellConsumer(memory: ArrayBuffer | null = null): void {
    this.#toldBytes = this.#takenBytes;
    const message: PreviewToConsumer = { wanted: this.#wanted, takenBytes: this.#takenBytes, memory };
    this.#port.postMessage(message, memory === null ? [] : [memory]);
  }

  /** The consumer ended it, for this reason or because it is no more. */
  #onPreviewEnded(reason: ErrorCode): void {
    const { isDraining } = this.#options;
    if (reason === 'shutdown' || isDraining())
      this.#webSocket.close(closeCode.goingAway, 'the server stops; connect again when it is back');
    else if (reason === 'camera_removed')
      this.#webSocket.close(closeCode.refused, 'the camera was removed; reload the list of streams');
    else this.#webSocket.close(closeCode.tryLater, 'the preview was interrupted; connect again in a second');
  }
}
