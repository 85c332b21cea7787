import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { AcceptorToMain, IngestToMain } from '../../src/control/messages.ts';
import { Acceptor } from '../../src/net/acceptor.ts';
import { LoadMeter } from '../../src/shm/load-meter.ts';
import { WorkerLoads } from '../../src/shm/worker-load.ts';
import { acceptorBoot } from '../support/acceptor-boot.ts';
import { until } from '../support/program.ts';

test('a consumer that hangs: publishers are refused as overloaded, which is logged each second, until it is well', async (t) => {
  const loads = WorkerLoads.create(1, 1);
  const boot = acceptorBoot(loads);
  const lines: { fields: Record<string, unknown>; text: string }[] = [];
  const write = (fields: object, text: string) => lines.push({ fields: { ...fields }, text });
  const logger = { debug: write, info: write, warn: write, error: write } as unknown as Logger;
  const messages: AcceptorToMain[] = [];
  /** Of the worker: connections that were handed to it. */
  let admitted = 0;
  const toMain = (sent: AcceptorToMain) => {
    messages.push(sent);
    if (sent.type !== 'ingest') return;
    sent.port.on('message', (news: IngestToMain) => {
      if (news.type === 'newcomers') admitted += news.note.accepted.reduce((sum, [, count]) => sum + count, 0);
    });
  };
  const message = (type: AcceptorToMain['type']) => messages.find((candidate) => candidate.type === type);
  let aheadMs = 0;
  const clock = { nowMs: () => systemClock.nowMs() + aheadMs, wallMs: systemClock.wallMs };
  const table = new WorkerLoads(loads);
  /** The consumer looks at its timer, and will be due again in a moment or in a day. */
  const consumer = (sweepMs: number) => new LoadMeter(table.line('consumer', 0), sweepMs).start(clock.nowMs());

  consumer(86_400_000);
  const acceptor = new Acceptor(boot, toMain, clock, logger);
  t.after(async () => {
    acceptor.onMain({ type: 'stop' });
    await until('it has stopped', () => message('stopped') !== undefined);
  });
  await acceptor.listen();
  const listening = message('listening');
  assert.ok(listening?.type === 'listening');
  const { rtmp } = listening.listeners[0]!;

  consumer(250);
  await until('there is no room', () => {
    aheadMs += 1000;
    return table.overloaded;
  });
  const [told] = lines.filter(({ fields }) => fields['reason'] === 'overloaded');
  assert.match(told!.text, /^new publishers are refused until the load falls: consumer 0: busy 100 %, \d+ ms late/);
  for (let i = 0; i < 3; i++) {
    const socket = connect({ host: '127.0.0.1', port: rtmp });
    socket.on('error', () => undefined);
    await once(socket, 'close');
  }
  const refused = () => lines.filter(({ text }) => / refused in the last second: overloaded$/.test(text));
  const count = () => refused().reduce((sum, { fields }) => sum + Number(fields['count']), 0);
  await until('the refusals are logged', () => count() === 3);
  assert.ok(refused().every(({ fields }) => fields['reason'] === 'overloaded'));
  assert.equal(admitted, 0);

  consumer(86_400_000);
  await until('there is room again', () => {
    aheadMs += 1000;
    return !table.overloaded;
  });
  assert.ok(lines.some(({ text }) => text === 'there is room for new publishers again'));
  const socket = connect({ host: '127.0.0.1', port: rtmp });
  await until('a publisher is admitted', () => admitted === 1);
  socket.destroy();
});
