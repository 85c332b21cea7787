import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { StartError } from '../../../src/config/errors.ts';
import type { ConsumerBoot } from '../../../src/control/messages.ts';
import { Consumers } from '../../../src/server/consumers.ts';
import { until } from '../../support/program.ts';
import { threadLoad } from '../../support/thread-load.ts';

const ignore = () => undefined;

const idle = new URL('../../support/idle-consumer.ts', import.meta.url);
/** The system has no thread for it. */
const nowhere = new URL('nowhere:');

/** Two that have been measured to work. Those that are started after them are never ready if `mute`. */
async function startConsumers(t: TestContext, mute = false, entry = () => idle): Promise<Consumers> {
  let started = 0;
  const consumers = new Consumers(2, {
    get entry() {
      return entry();
    },
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    boot: () => ({ mute: mute && started++ >= 2 }) as unknown as ConsumerBoot,
    onReady: ignore,
    load: () => [],
  });
  t.after(() => consumers.terminate());
  await consumers.start();
  await until('their time is measured', () => consumers.times.every(({ active }) => active > 0));
  return consumers;
}

test('consumers that were stopped go on having been busy and idle', async (t) => {
  const consumers = await startConsumers(t);
  await consumers.stop();
  assert.deepEqual(consumers.ready, []);
  for (const { active, lives } of consumers.times) assert.ok(active > 0 && lives === 1);
});

test('one that fails, and the next one, are told apart from those before', async (t) => {
  const consumers = await startConsumers(t);
  // To this one any message is the wish to end.
  consumers.send(0, { type: 'listener_error', reason: null });
  await until('one has ended', () => consumers.failures === 1);
  assert.deepEqual(
    consumers.times.map(({ lives }) => lives),
    [2, 1],
  );
  await until('another has been started', () => consumers.ready.length === 2);
  assert.deepEqual(
    consumers.times.map(({ lives }) => lives),
    [3, 1],
  );
});

test('one that is starting again is not ready yet', async (t) => {
  const consumers = await startConsumers(t, true);
  assert.deepEqual(consumers.ready, [0, 1]);
  consumers.send(0, { type: 'listener_error', reason: null });
  await until('another has been started', () => consumers.times[0]!.lives === 3);
  assert.deepEqual(consumers.ready, [1]);
});

test('one that the system has no thread for at the moment is started later', async (t) => {
  let [failing, failed] = [0, 0];
  const consumers = await startConsumers(t, false, () => {
    if (failing === 0) return idle;
    failing--;
    failed++;
    return nowhere;
  });
  failing = 2;
  consumers.send(0, { type: 'listener_error', reason: null });
  await until('it has been tried', () => failed === 2);
  await until('it has been started', () => consumers.ready.length === 2);
  assert.equal(consumers.failures, 3);
});

test('no thread for one at the start is a start that failed', async (t) => {
  let started = 0;
  await assert.rejects(
    startConsumers(t, false, () => (started++ === 0 ? idle : nowhere)),
    (error) => error instanceof StartError && /^the consumer thread ended while it started: /.test(error.message),
  );
});

test('one that has ended, and is waited for, is not told of as one that hangs', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const errors: string[] = [];
  const logger = { debug: ignore, info: ignore, warn: ignore, error: (_: object, text: string) => errors.push(text) };
  let silentMs = 0;
  let entry = idle;
  const consumers = new Consumers(1, {
    get entry() {
      return entry;
    },
    logger,
    boot: () => ({ mute: false }) as unknown as ConsumerBoot,
    onReady: ignore,
    load: () => [threadLoad('consumer', 0, { silentMs })],
  });
  t.after(() => consumers.terminate());
  await consumers.start();
  entry = nowhere;
  consumers.send(0, { type: 'listener_error', reason: null });
  await until('it has ended', () => consumers.ready.length === 0);
  for (let sample = 0; sample < 2 * limits.load.hungSamples; sample++) {
    silentMs += limits.load.sampleMs;
    t.mock.timers.tick(limits.load.sampleMs);
  }
  assert.deepEqual(
    errors.filter((text) => text.includes('hangs')),
    [],
  );
});
