import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LaterAnswer } from '../../../../src/onvif/service.ts';
import { deviceOf, EventClient, messagesIn, type Seen } from './event-client.ts';

const slots = 4;

type Step =
  | { readonly kind: 'change'; readonly slot: number; readonly live: boolean }
  | { readonly kind: 'pull' | 'short pull'; readonly limit: number }
  | { readonly kind: 'flap'; readonly slot: number; readonly times: number }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'disconnect' | 'synchronize' | 'replace' };

const slot = fc.integer({ min: 0, max: slots - 1 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('change' as const), slot, live: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('pull' as const, 'short pull' as const),
      limit: fc.integer({ min: 1, max: 30 }),
    }),
  },
  fc.record({ kind: fc.constant('flap' as const), slot, times: fc.integer({ min: 2, max: 90 }) }),
  fc.record({ kind: fc.constant('time' as const), ms: fc.integer({ min: 0, max: 40_000 }) }),
  fc.record({ kind: fc.constantFrom('disconnect' as const, 'synchronize' as const, 'replace' as const) }),
);

/** A client that keeps pulling: what it was told of each camera, and its subscription, made again when that has ended. */
class Watcher {
  readonly known = new Map<string, boolean>();
  /** Its first subscription had ended. */
  subscribedAgain = false;
  readonly #client: EventClient;
  #path: string;
  #waiting: LaterAnswer | null = null;

  constructor(client: EventClient) {
    this.#client = client;
    this.#path = client.subscribe();
  }

  pull(timeout: string, limit: number): void {
    if (this.#waiting !== null) return;
    this.subscribeAgain();
    const answer = this.#client.pull(this.#path, timeout, limit);
    if (typeof answer === 'string') {
      this.#learn(messagesIn(answer));
      return;
    }
    this.#waiting = answer;
    answer.onAnswer = (body) => {
      this.#waiting = null;
      const messages = messagesIn(body);
      assert.notEqual(messages.length, 0, 'empty before the deadline');
      this.#learn(messages);
    };
  }

  /** Lets the deadline of a waiting pull come, as the server's timer does. */
  tick(): void {
    const waiting = this.#waiting;
    if (waiting === null || waiting.deadlineMs > this.#client.nowMs) return;
    this.#waiting = null;
    assert.deepEqual(messagesIn(waiting.expire(this.#client.nowMs)), []);
  }

  disconnect(): void {
    this.#waiting?.cancel();
    this.#waiting = null;
  }

  synchronize(): void {
    this.subscribeAgain();
    this.#client.call('SetSynchronizationPoint', '', this.#path);
  }

  drain(): void {
    this.disconnect();
    this.subscribeAgain();
    for (let i = 0; i < slots * 40; i++) this.#learn(this.#client.messages(this.#path, 30));
  }

  subscribeAgain(): void {
    if (this.#client.isThere(this.#path)) return;
    this.subscribedAgain = true;
    this.#path = this.#client.subscribe();
  }

  #learn(messages: readonly Seen[]): void {
    for (const { source, state } of messages) {
      if (state === undefined) this.known.delete(source);
      else this.known.set(source, state);
    }
  }
}

test('a client that keeps pulling ends with the true state of every camera, whatever happened in between', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let cameras: (number | null)[] = [0, 1, 2, 3];
      let made = slots;
      const client = new EventClient(deviceOf(...cameras));
      const watcher = new Watcher(client);
      const truth = cameras.map(() => false);
      const change = (at: number, live: boolean) => {
        client.setState(at, live);
        if (cameras[at] !== null) truth[at] = live;
      };
      for (const one of steps) {
        if (one.kind === 'change') change(one.slot, one.live);
        else if (one.kind === 'flap') for (let i = 0; i < one.times; i++) change(one.slot, i % 2 === 0);
        else if (one.kind === 'pull') watcher.pull('PT30S', one.limit);
        else if (one.kind === 'short pull') watcher.pull('PT0S', one.limit);
        else if (one.kind === 'disconnect') watcher.disconnect();
        else if (one.kind === 'synchronize') watcher.synchronize();
        else if (one.kind === 'time') {
          client.nowMs += one.ms;
          watcher.tick();
        } else {
          // The place after the last that changed goes, comes back, or gets another camera.
          const at = made % slots;
          cameras = cameras.with(at, cameras[at] === null || made % 3 === 0 ? ++made : null);
          if (cameras[at] === null) made++;
          truth[at] = false;
          client.service.replaceDevice(deviceOf(...cameras), client.nowMs);
        }
      }
      // A subscription that is made again starts anew; what is gone by then is not told.
      watcher.drain();
      for (let at = 0; at < slots; at++) {
        const known = watcher.known.get(`VideoSource_${at + 1}`);
        if (cameras[at] !== null) assert.equal(known, truth[at]);
        else if (!watcher.subscribedAgain) assert.equal(known, undefined);
      }
    }),
    { numRuns: 1500, interruptAfterTimeLimit: 5000, markInterruptAsFailure: false },
  );
});
