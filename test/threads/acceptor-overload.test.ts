import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { AcceptorBoot, AcceptorToMain, IngestToMain } from '../../src/control/messages.ts';
import { threadEntry } from '../../src/control/thread-entry.ts';
import { threadPriority } from '../../src/control/thread-priority.ts';
import { Acceptor } from '../../src/net/acceptor.ts';
import { Doorbell } from '../../src/shm/doorbell.ts';
import { LoadMeter } from '../../src/shm/load-meter.ts';
import { StreamCounters } from '../../src/shm/stream-counters.ts';
import { WorkerLoads } from '../../src/shm/worker-load.ts';
import { until } from '../support/program.ts';

test('a consumer that hangs: publishers are refused as overloaded, which is logged each second, until it is well', async (t) => {
  const loads = WorkerLoads.create(1, 1);
  const log = { level: 'silent', format: 'json' } as const;
  const boot: AcceptorBoot = {
    log,
    host: '127.0.0.1',
    listen: {
      listeners: [
        {
          key: 'a',
          port: 0,
          tls: false,
          rtmps: null,
          admission: { maxConnections: 10, maxConnectionsPerIp: 0, ratePerSecond: 0 },
        },
      ],
      rtsp: { key: 'rtsp', port: 0 },
      allowIp: [],
      denyIp: [],
      timeouts: { handshakeMs: 60_000, publishMs: 60_000, videoMs: 60_000, receiveMs: 60_000 },
    },
    ingestWorkers: 1,
    ingestEntry: threadEntry('ingest', import.meta.url, '../../').href,
    ingest: {
      log,
      priority: threadPriority(),
      doorbells: [Doorbell.create(1)],
      counters: StreamCounters.create(1, 1),
      loads,
      tls: null,
    },
  };
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
