import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { NotReadyError } from '../../../src/config/errors.ts';
import type { AcceptorBoot, ListenOptions } from '../../../src/control/messages.ts';
import { AcceptorSupervisor, describeListenError } from '../../../src/server/acceptor-supervisor.ts';
import { RestartPause } from '../../../src/server/thread.ts';
import { until } from '../../support/program.ts';

const listen = {} as ListenOptions;

/** A supervisor of an acceptor that opens its first ports when the test says so. */
class Scene {
  readonly ports: string[] = [];
  /** What was told of failures, and what was logged of them. */
  readonly failed: string[] = [];
  readonly errors: string[] = [];
  started = 0;
  /** Threads that were started, or tried. */
  boots = 0;
  /** The port that is in use when the next ones start; 0 is none. */
  taken = 0;
  readonly supervisor: AcceptorSupervisor;

  constructor(t: TestContext) {
    const ignore = () => undefined;
    this.supervisor = new AcceptorSupervisor({
      entry: new URL('../../support/slow-acceptor.ts', import.meta.url),
      logger: { debug: ignore, info: ignore, warn: ignore, error: (_, text) => void this.errors.push(text) },
      boot: () => {
        this.boots++;
        return { taken: this.taken } as unknown as AcceptorBoot;
      },
      silentMs: () => 0,
      onStarted: () => this.started++,
      onListening: ({ listeners }) => this.ports.push(listeners[0]!.key),
      onIngest: ignore,
      onRejected: ignore,
      onFailed: (reason) => this.failed.push(reason),
    });
    t.after(() => this.supervisor.terminate());
  }

  /** The ports of the acceptor that is starting are open. */
  open(): void {
    const { port1, port2 } = new MessageChannel();
    port1.close();
    assert.ok(this.supervisor.send({ type: 'consumer', index: 0, port: port2 }, [port2]));
  }

  /** Starts one that listens. */
  async start(): Promise<void> {
    const starting = this.supervisor.start();
    this.open();
    await starting;
  }

  /** The thread ends, though nobody has asked for that. */
  fail(): void {
    this.supervisor.send({ type: 'stop' });
  }
}

test('a change is refused while the acceptor starts, and the start goes on', async (t) => {
  const scene = new Scene(t);
  const { supervisor } = scene;
  const starting = supervisor.start();
  const change = supervisor.change(listen);
  scene.open();
  await assert.rejects(change, (error) => error instanceof NotReadyError && /being started again/.test(error.message));
  await starting;
  assert.ok(supervisor.listening);
  assert.deepEqual({ ports: scene.ports, started: scene.started }, { ports: ['boot'], started: 1 });
  assert.deepEqual(scene.failed, []);
});

test('each change gets the answer to itself', async (t) => {
  const scene = new Scene(t);
  const { supervisor } = scene;
  const starting = supervisor.start();
  scene.open();
  await starting;
  await Promise.all([supervisor.change(listen), supervisor.change(listen)]);
  await supervisor.change(listen);
  assert.deepEqual(scene.ports, ['boot', 'change 1', 'change 2', 'change 3']);
  assert.equal(scene.started, 1);
});

const restarted = 'The listeners failed and are being started again.';

test('a reason for which it cannot be started again is told once, not at each attempt', async (t) => {
  const scene = new Scene(t);
  await scene.start();
  scene.taken = 1935;
  scene.fail();
  await until('it has been tried twice', () => scene.boots === 3);
  scene.taken = 1936;
  await until('another reason is told', () => scene.failed.length === 3);
  const inUse = (port: number) => describeListenError('--rtmp-port', port, 'EADDRINUSE');
  assert.deepEqual(scene.failed, [restarted, inUse(1935), inUse(1936)]);
  assert.equal(scene.errors.length, 3);
  assert.equal(scene.supervisor.failures, scene.boots);
});

test('an end while it is being started again is no failure', async (t) => {
  const scene = new Scene(t);
  await scene.start();
  scene.fail();
  await until('it is being started again', () => scene.boots === 2);
  await scene.supervisor.stop();
  // The start that has come to nothing is heard of a moment later.
  await new Promise(setImmediate);
  assert.deepEqual(scene.failed, [restarted]);
  assert.equal(scene.errors.length, 1);
});

test('a thread that fails while it starts is waited for longer and longer, one that has started is not', () => {
  const pause = new RestartPause();
  assert.deepEqual(
    Array.from({ length: 6 }, () => pause.next()),
    [200, 400, 800, 1600, 2000, 2000],
  );
  pause.reset();
  assert.equal(pause.next(), 200);
});

test('a port that cannot be opened is blamed on what names it', () => {
  for (const code of ['EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'])
    assert.equal(
      describeListenError('--http-port', 8080, code, '--http-host'),
      `--http-host: this machine has no such address (${code}); name one of its own with --http-host`,
    );
  assert.match(
    describeListenError('--rtmp-port', 1935, 'EMFILE'),
    /^--rtmp-port 1935: cannot listen \(EMFILE\); choose/,
  );
});
