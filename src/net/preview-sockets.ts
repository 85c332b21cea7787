import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { MessagePort } from 'node:worker_threads';
import { type WebSocket, WebSocketServer } from 'ws';
import { plainAddress } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { HttpCounts } from '../status/counts.ts';
import { PreviewSocket } from './preview-socket.ts';

/** Where previews come from. */
export interface PreviewSource {
  /** A camera of now has this index. */
  has(camera: number): boolean;
  /**
   * Has a consumer make a preview of a camera. `localAddress` is where the viewer reached us. Returns the way to it, null when no
   * consumer is ready; whoever closes it ends the preview.
   */
  open(camera: number, localAddress: string): MessagePort | null;
  /** The server is being stopped. */
  readonly draining: boolean;
}

/** Status codes of the WebSocket protocol (RFC 6455 clause 7.4.1 and its registry). */
export const closeCode = { goingAway: 1001, refused: 1008, tryLater: 1013 } as const;

/** A connection that is to become a WebSocket, with what was read beyond its request. */
export interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** Calls back when something ends, until the returned function is called. */
type Watch = (end: () => void) => () => void;

/** What {@link PreviewSockets} are made with. */
export interface PreviewSocketsOptions {
  readonly source: PreviewSource;
  readonly counts: HttpCounts;
  readonly clock: Clock;
  /** A viewer that does not keep to the protocol, or takes nothing. */
  readonly onRefused: (reason: string, address: string) => void;
}

/** Apart, because the types of `ws` do not know `closeTimeout` yet. */
const webSocketOptions = {
  noServer: true,
  clientTracking: false,
  // Video does not shrink, and viewers have nothing to say. Pings are answered in `PreviewSocket`, where it is known what waits.
  perMessageDeflate: false,
  autoPong: false,
  /** Milliseconds for the viewer's part of the closing handshake. */
  closeTimeout: limits.http.writeStallMs,
  /** Bytes. */
  maxPayload: limits.preview.messageBytes,
};

/**
 * The viewers of live previews: each is a WebSocket of the HTTP port and a preview that a consumer makes for it. Who may have one
 * was decided before.
 */
export class PreviewSockets {
  readonly #options: PreviewSocketsOptions;
  readonly #server = new WebSocketServer(webSocketOptions);
  readonly #viewers = new Set<PreviewSocket>();
  #ticker: NodeJS.Timeout | null = null;

  constructor(options: PreviewSocketsOptions) {
    this.#options = options;
    this.#server.on('wsClientError', ({ message }, socket, request) => {
      options.onRefused(`not WebSocket: ${message}`, addressOf(request));
      socket.end(
        `HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
    });
  }

  /** Makes a WebSocket of a connection, whose request was for a preview of `camera`. `watch` tells when the login ends. */
  accept(request: IncomingMessage, { socket, head }: Upgrade, camera: number, watch: Watch): void {
    const { localAddress = '' } = request.socket;
    const address = addressOf(request);
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      limitBytes(socket, this.#options.clock, () => {
        // What is no WebSocket was told already.
        if (webSocket.readyState === webSocket.OPEN)
          this.#options.onRefused('the viewer of a preview sends too much', address);
        webSocket.terminate();
      });
      // Its close follows.
      webSocket.on('error', ({ code }: NodeJS.ErrnoException) => {
        if (code?.startsWith('WS_ERR_')) this.#options.onRefused(`not WebSocket: ${code}`, address);
      });
      this.#serve(webSocket, camera, localAddress, () =>
        this.#options.onRefused('the client takes no answers', address),
      );
      const forget = watch(() => webSocket.close(closeCode.refused, 'the login has ended; log in again'));
      webSocket.once('close', forget);
    });
  }

  /** Ends all previews. */
  close(reason = 'the server stops; connect again when it is back'): void {
    for (const viewer of this.#viewers) viewer.close(closeCode.goingAway, reason);
  }

  #serve(webSocket: WebSocket, camera: number, localAddress: string, onStalled: () => void): void {
    const { source, counts, clock } = this.#options;
    counts.answers.add(101);
    const refusal = this.#refusal(camera);
    const port = refusal === null ? source.open(camera, localAddress) : null;
    if (port === null) {
      const [code, reason] = refusal ?? [closeCode.tryLater, 'the server is not ready; connect again in a second'];
      webSocket.close(code, reason);
      return;
    }
    const viewer = new PreviewSocket(webSocket, port, {
      camera,
      clock,
      isDraining: () => source.draining,
      onRestarted: () => {
        counts.previewRestarts++;
      },
      onStalled,
    });
    this.#viewers.add(viewer);
    counts.previews++;
    webSocket.once('close', () => {
      this.#viewers.delete(viewer);
      counts.previews--;
      if (this.#viewers.size === 0) this.#stopTicking();
    });
    this.#ticker ??= setInterval(() => this.#tick(), limits.preview.clockMs).unref();
  }

  /** Why a preview of this camera cannot be had. */
  #refusal(camera: number): [code: number, reason: string] | null {
    const { source } = this.#options;
    const { viewers, viewersPerCamera } = limits.preview;
    if (source.draining) return [closeCode.goingAway, 'the server stops; connect again when it is back'];
    if (!source.has(camera)) return [closeCode.refused, `there is no camera ${camera}; reload the list of streams`];
    if (this.#viewers.size >= viewers)
      return [closeCode.tryLater, `${viewers} previews are open, and that is the most; close one and connect again`];
    let ofCamera = 0;
    for (const viewer of this.#viewers) if (viewer.camera === camera) ofCamera++;
    if (ofCamera < viewersPerCamera) return null;
    const most = `${viewersPerCamera} previews of this camera are open, and that is the most`;
    return [closeCode.tryLater, `${most}; close one and connect again`];
  }

  #tick(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const viewer of this.#viewers) viewer.tick(nowMs);
  }

  #stopTicking(): void {
    if (this.#ticker !== null) clearInterval(this.#ticker);
    this.#ticker = null;
  }
}

/** Tells once when more came within a second than viewers have to say. */
function limitBytes(socket: Duplex, clock: Clock, onTooMuch: () => void): void {
  let sinceMs = clock.nowMs();
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    const nowMs = clock.nowMs();
    if (nowMs - sinceMs >= 1000) {
      sinceMs = nowMs;
      bytes = 0;
    }
    bytes += chunk.length;
    if (bytes <= limits.preview.bytesPerSecond) return;
    socket.off('data', onData);
    onTooMuch();
  };
  socket.on('data', onData);
}

function addressOf({ socket }: IncomingMessage): string {
  return plainAddress(socket.remoteAddress ?? '');
}
