/** Readers that nobody should have to wait for: some take nothing until they are cut off, some leave after a moment. */
import { testCredentials } from '../../test/support/media-server.ts';
import { RtspClient } from '../../test/support/rtsp-client.ts';
import type { SeededRandom } from '../fleet/seeded-random.ts';

const tls = { rejectUnauthorized: false };
/** Milliseconds that a slow reader takes nothing, more than fills all buffers between and lets its time run out. */
const deafMs = 70_000;
/** Milliseconds that a visitor stays at most. */
const visitMs = 6000;
const pauseMs = 500;

export interface RestlessFigures {
  readonly visits: number;
  readonly slow: number;
  /** Visits that did not come to a picture: the server was there, so they have to. */
  readonly failed: number;
  readonly lastProblem: string;
}

export class RestlessReaders {
  readonly #port: number;
  readonly #paths: readonly string[];
  readonly #random: SeededRandom;
  readonly #open = new Set<RtspClient>();
  #visits = 0;
  #slow = 0;
  #failed = 0;
  #lastProblem = '';
  #stopped = false;
  readonly #stop = Promise.withResolvers<void>();

  constructor(port: number, paths: readonly string[], random: SeededRandom) {
    this.#port = port;
    this.#paths = paths;
    this.#random = random;
  }

  get figures(): RestlessFigures {
    return { visits: this.#visits, slow: this.#slow, failed: this.#failed, lastProblem: this.#lastProblem };
  }

  start(slow: number, visitors: number): void {
    for (let i = 0; i < slow; i++) void this.#again(() => this.#beSlow());
    for (let i = 0; i < visitors; i++) void this.#again(() => this.#visit());
  }

  stop(): void {
    this.#stopped = true;
    this.#stop.resolve();
    for (const reader of this.#open) reader.close();
  }

  async #again(what: () => Promise<void>): Promise<void> {
    while (!this.#stopped) {
      try {
        await what();
      } catch (error) {
        if (this.#stopped) return;
        this.#failed++;
        this.#lastProblem = (error as Error).message;
      }
      await this.#wait(pauseMs);
    }
  }

  async #beSlow(): Promise<void> {
    const reader = await this.#play(false);
    this.#slow++;
    reader.socket.pause();
    await this.#wait(deafMs);
    this.#leave(reader);
  }

  async #visit(): Promise<void> {
    const secure = this.#random.chance(0.3);
    const reader = await this.#play(secure);
    await reader.until(({ units }) => units.length > 0);
    this.#visits++;
    await this.#wait(this.#random.between(0, visitMs));
    const way = this.#random.whole(0, 2);
    if (way === 0) await reader.request('TEARDOWN', reader.url);
    else if (way === 1 && !secure) reader.socket.resetAndDestroy();
    this.#leave(reader);
  }

  async #play(secure: boolean): Promise<RtspClient> {
    const path = this.#paths[this.#random.whole(0, this.#paths.length - 1)]!;
    const reader = await RtspClient.play({
      port: this.#port,
      path,
      credentials: testCredentials,
      ...(secure && { tls }),
    });
    this.#open.add(reader);
    if (this.#stopped) this.#leave(reader);
    return reader;
  }

  #leave(reader: RtspClient): void {
    this.#open.delete(reader);
    reader.close();
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, this.#stop.promise]);
    clearTimeout(timer);
  }
}
