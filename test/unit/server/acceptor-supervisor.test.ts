import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { NotReadyError } from '../../../src/config/errors.ts';
import type { AcceptorBoot, ListenOptions } from '../../../src/control/messages.ts';
import { AcceptorSupervisor, describeListenError } from '../../../src/server/acceptor-supervisor.ts';

const listen = {} as ListenOptions;

/** A supervisor of an acceptor that opens its first ports when the test says so. */
class Scene {
  readonly ports: string[] = [];
  started = 0;
  readonly supervisor: AcceptorSupervisor;

  constructor(t: TestContext) {
    const ignore = () => undefined;
    this.supervisor = new AcceptorSupervisor({
      entry: new URL('../../support/slow-acceptor.ts', import.meta.url),
      logger: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      boot: () => ({}) as AcceptorBoot,
      silentMs: () => 0,
      onStarted: () => this.started++,
      onListening: ({ listeners }) => this.ports.push(listeners[0]!.key),
      onIngest: ignore,
      onRejected: ignore,
      onFailed: assert.fail,
    });
    t.after(() => this.supervisor.terminate());
  }

  /** The ports of the acceptor that is starting are open. */
  open(): void {
    const { port1, port2 } = new MessageChannel();
    port1.close();
    assert.ok(this.supervisor.send({ type: 'consumer', index: 0, port: port2 }, [port2]));
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
