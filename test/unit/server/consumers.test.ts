import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConsumerBoot } from '../../../src/control/messages.ts';
import { Consumers } from '../../../src/server/consumers.ts';
import { until } from '../../support/program.ts';

test('consumers that were stopped go on having been busy and idle: less than before would count as a failure', async (t) => {
  const ignore = () => undefined;
  const consumers = new Consumers(2, {
    entry: new URL('../../support/idle-consumer.ts', import.meta.url),
    logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    boot: () => ({}) as ConsumerBoot,
    onReady: ignore,
    load: () => [],
  });
  t.after(() => consumers.terminate());
  await consumers.start();
  await until('their time is measured', () => consumers.times.every(({ active }) => active > 0));
  const before = consumers.times;
  await consumers.stop();
  const after = consumers.times;
  assert.deepEqual(consumers.ready, []);
  for (const [index, { active, lives }] of after.entries()) {
    assert.ok(active >= before[index]!.active);
    assert.equal(lives, 1);
  }
});
