import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { Hook } from '../../../src/hooks/hook.ts';
import type { DeadLetter, QueueBounds } from '../../../src/hooks/hook-queue.ts';
import type { Outcome } from '../../../src/hooks/outcome.ts';
import type { HookSender, Sent } from '../../../src/net/hook-delivery.ts';
import { RunningHook } from '../../../src/server/running-hook.ts';
import { testCamera } from '../../support/test-camera.ts';

const hourMs = 3_600_000;

class Rig {
  readonly hook: RunningHook;
  readonly delivered: string[] = [];
  readonly dead: string[] = [];
  readonly log: string[] = [];
  attempts = 0;
  nowMs = 0;
  outcome: Outcome = { result: 'delivered', detail: 'HTTP 204' };
  readonly #context: TestContext;
  #events = 0;

  constructor(context: TestContext, bounds: Partial<QueueBounds> = {}) {
    this.#context = context;
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const line = (_fields: object, message: string): unknown => this.log.push(message);
    this.hook = new RunningHook(hookTo('http://example.org/'), this.#sender, {
      clock: { nowMs: () => this.nowMs, wallMs: () => this.nowMs },
      logger: { debug: line, info: line, warn: line, error: line },
      dead: (_name, letters: readonly DeadLetter[]) =>
        this.dead.push(...letters.map(({ item, cause }) => `${cause} ${item.id}`)),
      random: () => 1,
      bounds: { ...limits.hooks, ...bounds },
    });
  }

  /** The configuration changes, whether or not the hook does. */
  replace(url: string): void {
    this.hook.replace(hookTo(url), this.#sender);
  }

  get #sender(): HookSender {
    return { send: (content) => this.#send(content), close: () => undefined };
  }

  async #send(content: string): Promise<Sent> {
    this.attempts++;
    if (this.outcome.result === 'delivered') this.delivered.push(JSON.parse(content).id);
    return { outcome: this.outcome, answer: '', status: null };
  }

  add(camera: number): void {
    const record = { camera: testCamera({ index: camera }), publisher: null, wallMs: 0, reason: null };
    this.hook.add({ id: `${camera}-${++this.#events}`, type: 'started', record }, null);
  }

  /** Time passes, with everything that happens meanwhile. */
  async wait(ms: number, stepMs = 500): Promise<void> {
    await settled();
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.nowMs += stepMs;
      this.#context.mock.timers.tick(stepMs);
      await settled();
    }
  }
}

function hookTo(url: string): Hook {
  return new Hook({ name: 'noc', url }, { secret: null, ca: null });
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('a hook that runs', () => {
  test('a target that is dead for an hour costs a few attempts, and then everything arrives in order', async (t) => {
    const rig = new Rig(t);
    rig.outcome = { result: 'retry', scope: 'target', detail: 'connect ECONNREFUSED' };
    for (let i = 0; i < 300; i++) {
      rig.add(i % 3);
      await rig.wait(hourMs / 300, hourMs / 300);
    }
    assert.ok(rig.attempts < 30, `${rig.attempts} attempts`);
    assert.deepEqual([rig.hook.facts().queuedEvents, rig.hook.facts().reachable], [300, false]);
    rig.outcome = { result: 'delivered', detail: 'HTTP 204' };
    await rig.wait(5 * 60_000, 10_000);
    await settled();
    assert.equal(rig.delivered.length, 300);
    for (const camera of [0, 1, 2]) {
      const own = rig.delivered.filter((id) => id.startsWith(`${camera}-`)).map((id) => Number(id.split('-')[1]));
      assert.deepEqual(
        own,
        own.toSorted((a, b) => a - b),
      );
    }
    assert.deepEqual(rig.log, ['a hook does not reach its target; events wait', 'a hook reaches its target again']);
    const { delivered, failures, queuedBytes, last } = rig.hook.facts();
    assert.deepEqual([delivered, failures, queuedBytes, last?.detail], [300, rig.attempts - 300, 0, 'HTTP 204']);
  });

  test('another target is asked at once, the same one not before its time', async (t) => {
    const rig = new Rig(t);
    rig.outcome = { result: 'retry', scope: 'target', detail: 'HTTP 503', afterMs: hourMs };
    rig.add(0);
    rig.add(1);
    await settled();
    rig.outcome = { result: 'delivered', detail: 'HTTP 204' };
    rig.replace('http://example.org/');
    await rig.wait(60_000, 10_000);
    assert.deepEqual(rig.delivered, []);
    rig.replace('http://example.org/moved');
    await rig.wait(1000);
    assert.deepEqual(rig.delivered, ['0-1', '1-2']);
  });

  test('what does not fit is counted and given up, oldest first', async (t) => {
    const rig = new Rig(t, { events: 3 });
    rig.outcome = { result: 'retry', scope: 'target', detail: 'no answer in time' };
    rig.add(0);
    await rig.wait(0);
    for (let i = 0; i < 4; i++) rig.add(1);
    assert.deepEqual(rig.dead, ['dropped 1-2', 'dropped 1-3']);
    assert.equal(rig.hook.facts().dead.dropped, 2);
    assert.equal(rig.hook.facts().queuedEvents, 3);
  });

  test('closed, it gives up what waits and makes no further attempt', async (t) => {
    const rig = new Rig(t);
    rig.outcome = { result: 'retry', scope: 'target', detail: 'no answer in time' };
    rig.add(0);
    rig.add(0);
    await rig.wait(0);
    rig.hook.close('removed');
    assert.deepEqual(rig.dead, ['removed 0-1', 'removed 0-2']);
    const { attempts } = rig;
    rig.add(0);
    await rig.wait(60_000, 1000);
    assert.equal(rig.attempts, attempts);
  });
});
