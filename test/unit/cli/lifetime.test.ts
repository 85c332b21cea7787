import assert from 'node:assert/strict';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, test } from 'node:test';

const fixture = join(import.meta.dirname, 'lifetime.fixture.ts');

/** A process that runs a made-up server; `steps` are what it reports, in order. */
class Life {
  readonly steps: string[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #exit: Promise<unknown[]>;

  constructor(server: string) {
    this.#child = spawn(process.execPath, [fixture, server]);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#exit = once(this.#child, 'close');
  }

  /** Waits for a report, then sends the signal. */
  async signalAfter(step: string, signal: NodeJS.Signals): Promise<void> {
    await this.#until(step);
    this.#child.kill(signal);
  }

  /** The exit code, after the process has ended. */
  async end(): Promise<number | null> {
    await this.#until(null);
    const [code] = await this.#exit;
    return code as number | null;
  }

  async #until(step: string | null): Promise<void> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) return;
      this.steps.push(value);
      if (value === step) return;
    }
  }
}

describe('the life of the process', { concurrency: true }, () => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`${signal} stops the server, then ends with 0`, async () => {
      const life = new Life('orderly');
      await life.signalAfter('ready', signal);
      assert.equal(await life.end(), 0);
      assert.deepEqual(life.steps, ['started', 'ready', 'stopping', 'stop called', 'stopped', 'code 0']);
    });
  }

  test('a server that does not stop in time is cut off, still with 0', async () => {
    const life = new Life('stuck');
    await life.signalAfter('ready', 'SIGTERM');
    assert.equal(await life.end(), 0);
    assert.ok(life.steps.includes('cut off'));
  });

  test('a drain timeout that was changed since the start counts', async () => {
    const life = new Life('shortened');
    await life.signalAfter('ready', 'SIGTERM');
    assert.equal(await life.end(), 0);
    assert.ok(life.steps.includes('after 50 ms'));
  });

  test('a second signal of another kind ends at once with 130', async () => {
    const life = new Life('patient');
    await life.signalAfter('ready', 'SIGINT');
    await life.signalAfter('stop called', 'SIGTERM');
    assert.equal(await life.end(), 130);
  });

  test('the same signal a moment later ends at once with 130', async () => {
    const life = new Life('patient');
    await life.signalAfter('ready', 'SIGINT');
    await life.signalAfter('a moment later', 'SIGINT');
    assert.equal(await life.end(), 130);
  });

  test('the same signal twice in one moment, as npm sends it, is one wish', async () => {
    const life = new Life('twice');
    assert.equal(await life.end(), 0);
    assert.ok(life.steps.includes('stopped'));
  });

  test('a start that fails passes its error on', async () => {
    const life = new Life('failing start');
    assert.equal(await life.end(), 1);
    assert.deepEqual(life.steps, ['error: the port is in use']);
  });

  test('a start that hangs does not outlive a signal', async () => {
    const life = new Life('hanging start');
    await life.signalAfter('starting', 'SIGINT');
    assert.equal(await life.end(), 0);
  });

  test('a server that cannot be announced is stopped', async () => {
    const life = new Life('failing ready');
    assert.equal(await life.end(), 1);
    assert.deepEqual(life.steps, ['started', 'stop called', 'error: cannot store']);
  });

  test('a server that ends by itself ends the process with 1', async () => {
    const life = new Life('dying');
    assert.equal(await life.end(), 1);
    assert.ok(life.steps.includes('the server ended by itself'));
  });

  test('a server that fails ends the process with 1', async () => {
    const life = new Life('crashing');
    assert.equal(await life.end(), 1);
    assert.ok(life.steps.includes('the server failed'));
  });
});
