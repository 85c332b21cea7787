/** Which readers are let in: the bound of their connections, at a small one, where who has left makes room. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { AcceptorToConsumer, AcceptorToMain, ConsumerToAcceptor } from '../../src/control/messages.ts';
import { Acceptor } from '../../src/net/acceptor.ts';
import { acceptorBoot } from '../support/acceptor-boot.ts';
import { until } from '../support/program.ts';

const bound = 3;
const timeout = 60_000;

/** A consumer thread as the acceptor sees it: it gets sockets and tells when it is done with them. */
class Consumer {
  readonly port: MessagePort;
  readonly readers: string[] = [];

  constructor(acceptor: Acceptor, index: number) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.on('message', ({ peer, socket }: AcceptorToConsumer) => {
      this.readers.push(peer.id);
      (socket as Socket).on('error', () => undefined);
    });
    acceptor.onMain({ type: 'consumer', index, port: port2 });
  }

  keeps(ids: readonly string[]): void {
    this.port.postMessage({ type: 'kept', ids } satisfies ConsumerToAcceptor);
  }

  done(id: string): void {
    this.port.postMessage({ type: 'closed', id } satisfies ConsumerToAcceptor);
  }
}

async function bench(t: TestContext) {
  const usual = limits.rtsp.connections;
  Object.assign(limits.rtsp, { connections: bound });
  t.after(() => Object.assign(limits.rtsp, { connections: usual }));
  const messages: AcceptorToMain[] = [];
  const message = (type: AcceptorToMain['type']) => messages.find((candidate) => candidate.type === type);
  const silent = () => undefined;
  const logger = { debug: silent, info: silent, warn: silent, error: silent } as unknown as Logger;
  const acceptor = new Acceptor(acceptorBoot(), (sent) => messages.push(sent), systemClock, logger);
  t.after(async () => {
    acceptor.onMain({ type: 'stop' });
    await until('it has stopped', () => message('stopped') !== undefined);
  });
  await acceptor.listen();
  const listening = message('listening');
  assert.ok(listening?.type === 'listening');
  const { rtspPort } = listening;

  /** Connects once. Returns whether a consumer got the reader; otherwise it was refused. */
  const arrive = async (consumer?: Consumer): Promise<boolean> => {
    const served = () => consumer?.readers.length ?? 0;
    const before = served();
    const socket = connect({ host: '127.0.0.1', port: rtspPort });
    t.after(() => socket.destroy());
    socket.on('error', () => undefined);
    let refused = false;
    void once(socket.resume(), 'close').then(() => {
      refused = true;
    });
    await until('it is served or refused', () => served() > before || refused);
    return served() > before;
  };
  /** What a consumer says is heard some time later: there is room when a reader comes through. */
  const arriveAtLast = (consumer: Consumer) => until('there is room for a reader', () => arrive(consumer), 10_000);
  return { acceptor, arrive, arriveAtLast, message };
}

test('a churn of readers, many times what may be there at once: each that leaves makes room for one', {
  timeout,
}, async (t) => {
  const { acceptor, arrive, arriveAtLast } = await bench(t);
  const consumer = new Consumer(acceptor, 0);
  for (let i = 0; i < bound; i++) assert.ok(await arrive(consumer), `reader ${i}`);
  for (let i = 0; i < 3 * bound; i++) {
    assert.equal(await arrive(consumer), false, 'no more than the bound');
    consumer.done(consumer.readers[i]!);
    await arriveAtLast(consumer);
  }
  // What is said of one that is not there, or said again, makes no room.
  consumer.done(consumer.readers[0]!);
  consumer.done('s999');
  const other = consumer.readers.at(-1)!;
  consumer.done(other);
  await arriveAtLast(consumer);
  assert.equal(await arrive(consumer), false);
});

test('the readers of a consumer that ended make room for as many', { timeout }, async (t) => {
  const { acceptor, arrive, arriveAtLast } = await bench(t);
  for (let round = 0; round < 3; round++) {
    const consumer = new Consumer(acceptor, round);
    await arriveAtLast(consumer);
    for (let i = 1; i < bound; i++) assert.ok(await arrive(consumer), `reader ${i} of round ${round}`);
    assert.equal(await arrive(consumer), false);
    consumer.port.close();
  }
});

test('readers that a consumer has kept from an acceptor which failed count like others', { timeout }, async (t) => {
  const { acceptor, arrive, arriveAtLast } = await bench(t);
  const consumer = new Consumer(acceptor, 0);
  consumer.keeps(['s101', 's102']);
  assert.ok(await arrive(consumer));
  assert.equal(await arrive(consumer), false, 'no more than the bound');
  consumer.done('s101');
  await arriveAtLast(consumer);
  assert.equal(await arrive(consumer), false);
});

test('a reader for whom there is no consumer is refused with a reason', { timeout }, async (t) => {
  const { arrive, message } = await bench(t);
  assert.equal(await arrive(), false);
  await until('that is told', () => message('rejected') !== undefined);
  const told = message('rejected');
  assert.ok(told?.type === 'rejected');
  assert.deepEqual(
    told.rejections.map(({ listener, reason, count }) => [listener, reason, count]),
    [[null, 'worker_failed', 1]],
  );
});
