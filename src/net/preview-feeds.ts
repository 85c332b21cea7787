import type { MessagePort } from 'node:worker_threads';
import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { ConsumerToPreview, MainToConsumer, PreviewToConsumer } from '../control/messages.ts';
import type { FeedLoop } from '../egress/feed-loop.ts';
import type { OfflineSource } from '../egress/offline-source.ts';
import { PreviewSession, type PreviewSink } from '../egress/preview.ts';
import type { Fragment } from '../mp4/fragment.ts';
import type { InitSegment } from '../mp4/init-segment.ts';

/** What {@link PreviewFeeds} are made with. */
export interface PreviewFeedsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly loop: FeedLoop;
  readonly offline: OfflineSource;
}

type PreviewRequest = Extract<MainToConsumer, { readonly type: 'preview' }>;

/** The previews that a consumer makes: one session for each viewer, whose fragments go to the main thread. */
export class PreviewFeeds {
  readonly #options: PreviewFeedsOptions;
  readonly #viewers = new Map<PreviewSession, PreviewViewer>();

  constructor(options: PreviewFeedsOptions) {
    this.#options = options;
  }

  open({ camera, localAddress, port }: PreviewRequest): void {
    const { clock, loop, offline } = this.#options;
    const card = offline.open(camera, localAddress);
    const viewer = new PreviewViewer(port, (sink) => new PreviewSession(camera.index, sink, card, offline.parameters));
    const { session } = viewer;
    this.#viewers.set(session, viewer);
    port.on('close', () => {
      this.#viewers.delete(session);
      loop.leave(session);
    });
    session.begin(!offline.covers(camera.index), clock.nowMs());
    loop.join(session);
  }

  /** Coarse timekeeping, as often as that of readers. */
  sweep(nowMs: number): void {
    for (const session of this.#viewers.keys()) {
      try {
        this.#options.loop.sweep(session, nowMs);
      } catch (error) {
        this.fail(session, error);
      }
    }
  }

  /** The cameras from now on. */
  keepCameras(served: ReadonlySet<number>): void {
    for (const session of this.#viewers.keys()) if (!served.has(session.camera)) this.#end(session, 'camera_removed');
  }

  /** A preview threw: it ends, the others do not notice. */
  fail(session: PreviewSession, error: unknown): void {
    this.#options.logger.error({ err: error, camera: session.camera }, 'internal error in a preview');
    this.#end(session, 'internal');
  }

  /** The server stops. */
  close(): void {
    for (const session of this.#viewers.keys()) this.#end(session, 'shutdown');
  }

  #end(session: PreviewSession, reason: ErrorCode): void {
    const viewer = this.#viewers.get(session);
    this.#viewers.delete(session);
    this.#options.loop.leave(session);
    viewer?.end(reason);
  }
}

/** The way from a preview to the main thread, and what is under way on it. */
class PreviewViewer implements PreviewSink {
  readonly session: PreviewSession;
  readonly #port: MessagePort;
  /** Bytes of fragments that were posted so far, and those of them that the main thread has taken. */
  #postedBytes = 0;
  #takenBytes = 0;
  /** The viewer's connection has room. */
  #wanted = true;

  constructor(port: MessagePort, open: (sink: PreviewSink) => PreviewSession) {
    this.#port = port;
    this.session = open(this);
    port.on('message', (message: PreviewToConsumer) => {
      this.#wanted = message.wanted;
      this.#takenBytes = message.takenBytes;
      if (message.memory !== null) this.session.recycle(message.memory);
      this.#regulate();
    });
  }

  start({ mime, width, height, bytes }: InitSegment): void {
    this.#post({ type: 'start', mime, width, height, init: bytes });
  }

  fragment({ memory, offset, length }: Fragment, mediaMs: number, arrivalMs: number): void {
    this.#postedBytes += length;
    this.#post({ type: 'fragment', memory, offset, length, mediaMs, arrivalMs }, [memory]);
    this.#regulate();
  }

  state(live: boolean): void {
    this.#post({ type: 'state', live });
  }

  restarted(): void {
    this.#post({ type: 'restarted' });
  }

  end(reason: ErrorCode): void {
    this.#post({ type: 'ended', reason });
    this.#port.close();
  }

  /** A main thread that is busy takes late: what waits for it is bounded too. */
  #regulate(): void {
    const underWay = this.#postedBytes - this.#takenBytes;
    if (!this.#wanted || underWay > limits.preview.underWayBytes) this.session.pause();
    else this.session.resume();
  }

  #post(message: ConsumerToPreview, transfer: ArrayBuffer[] = []): void {
    this.#port.postMessage(message, transfer);
  }
}
