/** One ONVIF client for each device: asks for the profiles, subscribes, pulls, and leaves in order or not. */
import { testCredentials } from '../../test/support/media-server.ts';
import { authorize, envelope, type HttpResult, post, securityXml } from '../../test/support/onvif-peer.ts';
import type { SeededRandom } from '../fleet/seeded-random.ts';

/** Milliseconds between two rounds of a client. */
const roundMs = 3000;
const pulls = 3;

export interface OnvifFigures {
  readonly requests: number;
  readonly events: number;
  readonly failed: number;
  readonly lastProblem: string;
}

export class OnvifClients {
  readonly #ports: readonly number[];
  readonly #random: SeededRandom;
  #requests = 0;
  #events = 0;
  #failed = 0;
  #lastProblem = '';
  #stopped = false;
  readonly #stop = Promise.withResolvers<void>();

  constructor(ports: readonly number[], random: SeededRandom) {
    this.#ports = ports;
    this.#random = random;
  }

  get figures(): OnvifFigures {
    return {
      requests: this.#requests,
      events: this.#events,
      failed: this.#failed,
      lastProblem: this.#lastProblem,
    };
  }

  start(): void {
    for (const port of this.#ports) void this.#serve(port);
  }

  stop(): void {
    this.#stopped = true;
    this.#stop.resolve();
  }

  async #serve(port: number): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#round(port);
      } catch (error) {
        if (this.#stopped) return;
        this.#failed++;
        this.#lastProblem = `port ${port}: ${(error as Error).message}`;
      }
      await this.#wait(this.#random.between(0.5 * roundMs, 1.5 * roundMs));
    }
  }

  async #round(port: number): Promise<void> {
    const profiles = await this.#ask(port, '/onvif/media_service', '<trt:GetProfiles/>', this.#random.chance(0.5));
    if (!profiles.includes('Profile_1')) throw new Error('an answer without profiles');
    const subscription = await this.#ask(port, '/onvif/event_service', '<tev:CreatePullPointSubscription/>');
    const path = /\/onvif\/events\/subscription\/[^<]+/.exec(subscription)?.[0];
    if (path === undefined) throw new Error('an answer without a subscription');
    for (let i = 0; i < pulls && !this.#stopped; i++) {
      const body =
        '<tev:PullMessages><tev:Timeout>PT1S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit></tev:PullMessages>';
      const messages = await this.#ask(port, path, body);
      this.#events += messages.split('NotificationMessage>').length >> 1;
    }
    // A client that crashed leaves its subscription to time.
    if (this.#random.chance(0.7))
      await this.#ask(port, path, '<u:Unsubscribe xmlns:u="http://docs.oasis-open.org/wsn/b-2"/>');
  }

  /** Asks with a token in the envelope, or with HTTP digest. */
  async #ask(port: number, path: string, body: string, digest = false): Promise<string> {
    const { user, password } = testCredentials;
    this.#requests++;
    let answer: HttpResult;
    if (digest) {
      const challenge = await post(port, envelope(body), { path });
      const offered = [challenge.headers['www-authenticate']].flat().join(', ');
      const headers = { Authorization: authorize(offered, password, path, user) };
      answer = await post(port, envelope(body), { path, headers });
    } else answer = await post(port, envelope(body, securityXml({ user, password, createdMs: Date.now() })), { path });
    if (answer.status !== 200)
      throw new Error(`HTTP ${answer.status} to ${body.slice(0, 40)}: ${answer.body.slice(0, 300)}`);
    return answer.body;
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, this.#stop.promise]);
    clearTimeout(timer);
  }
}
