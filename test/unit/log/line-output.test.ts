import assert from 'node:assert/strict';
import type { write, writeSync } from 'node:fs';
import { describe, type TestContext, test } from 'node:test';
import { LineOutput } from '../../../src/line-output.ts';

type Written = (error: NodeJS.ErrnoException | null, bytes: number) => void;

/** A descriptor whose writes are carried out by hand. */
class Descriptor {
  content = '';
  /** Code of the error that the next writes meet, '' for none. */
  error = '';
  /** Bytes that one write takes. */
  room = Number.POSITIVE_INFINITY;
  writes = 0;
  #waiting: (() => void) | null = null;

  readonly write = ((_fd: number, bytes: Buffer, at: number, length: number, _place: null, done: Written) => {
    assert.equal(this.#waiting, null, 'one write at a time');
    this.#waiting = () => {
      const count = Math.min(length, this.room);
      if (this.error === '') this.#take(bytes.subarray(at, at + count));
      const error = this.error === '' ? null : Object.assign(new Error(this.error), { code: this.error });
      done(error, error === null ? count : 0);
    };
  }) as unknown as typeof write;

  readonly writeSync = ((_fd: number, bytes: Buffer) => {
    if (this.error !== '') throw Object.assign(new Error(this.error), { code: this.error });
    const part = bytes.subarray(0, this.room);
    this.#take(part);
    return part.length;
  }) as unknown as typeof writeSync;

  /** The write that is under way ends. Returns whether there was one. */
  settle(): boolean {
    const settle = this.#waiting;
    this.#waiting = null;
    settle?.();
    return settle !== null;
  }

  #take(bytes: Buffer): void {
    this.writes++;
    this.content += bytes.toString('latin1');
  }
}

function rig(t: TestContext, gatherBytes = 0, waitingBytes = 1000) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const system = new Descriptor();
  const dropped: number[] = [];
  const onDropped = (lines: number) => dropped.push(lines);
  const output = new LineOutput({
    fd: 1,
    writeBytes: 100,
    gatherBytes,
    delayMs: 200,
    waitingBytes,
    onDropped,
    system,
  });
  return { system, dropped, output, tick: (ms: number) => t.mock.timers.tick(ms) };
}

const line = (name: string, bytes = 30): string => `${name.padEnd(bytes - 1, '.')}\n`;

describe('line output', () => {
  test('whole lines are gathered into one write, and a longer one has its own', (t) => {
    const { system, output } = rig(t);
    const lines = [...['a', 'b', 'c', 'd', 'e'].map((name) => line(name)), line('long', 300), line('f')];
    for (const text of lines) output.write(text);
    while (system.settle());
    assert.equal(system.content, lines.join(''));
    // The first line alone, since nothing was under way; then as many as fit.
    assert.equal(system.writes, 5);
  });

  test('little waits for more, but not for long', (t) => {
    const { system, output, tick } = rig(t, 70);
    output.write(line('a'));
    tick(199);
    assert.equal(system.settle(), false);
    tick(1);
    assert.equal(system.settle(), true);
    for (const name of ['b', 'c', 'd']) output.write(line(name));
    assert.equal(system.settle(), true);
    assert.equal(system.content, ['a', 'b', 'c', 'd'].map((name) => line(name)).join(''));
  });

  test('a write that takes only a part is carried on where it ended', (t) => {
    const { system, output } = rig(t);
    system.room = 7;
    for (const name of ['a', 'b', 'c']) output.write(line(name));
    while (system.settle());
    assert.equal(system.content, ['a', 'b', 'c'].map((name) => line(name)).join(''));
  });

  for (const error of ['ENOSPC', 'EIO', 'EAGAIN', 'EDQUOT'])
    test(`${error}: nothing is thrown, the newest lines are dropped and counted, and all goes on when it is over`, (t) => {
      const { system, output, dropped, tick } = rig(t);
      system.error = error;
      for (let i = 0; i < 40; i++) output.write(line(`${i}`));
      for (let i = 0; i < 10; i++) {
        system.settle();
        tick(1000);
      }
      assert.equal(system.content, '');
      system.error = '';
      while (system.settle());
      assert.equal(system.content, Array.from({ length: 33 }, (_, i) => line(`${i}`)).join(''));
      assert.deepEqual(dropped, [7]);
      output.write(line('after'));
      while (system.settle());
      assert.ok(system.content.endsWith(line('after')));
    });

  test('a pipe without a reader ends the log for good', (t) => {
    const { system, output, tick } = rig(t);
    system.error = 'EPIPE';
    for (let i = 0; i < 10; i++) output.write(line(`${i}`));
    assert.equal(system.settle(), true);
    system.error = '';
    output.write(line('after'));
    tick(10_000);
    assert.equal(system.settle(), false);
    output.flush();
    assert.equal(system.content, '');
  });

  test('the flush at the end writes what waits, also the rest of a write that had failed', (t) => {
    const { system, output } = rig(t);
    system.room = 10;
    output.write(line('a'));
    system.settle();
    system.error = 'EAGAIN';
    system.settle();
    output.write(line('b'));
    system.error = '';
    output.flush();
    assert.equal(system.content, line('a') + line('b'));
  });

  test('the flush at the end leaves a write that is under way to the system', (t) => {
    const { system, output } = rig(t);
    output.write(line('a'));
    output.write(line('b'));
    output.flush();
    assert.equal(system.content, line('b'));
    system.settle();
    assert.equal(system.content, line('b') + line('a'));
    output.write(line('c'));
    assert.equal(system.settle(), true);
  });

  for (const error of ['ENOSPC', 'EPIPE'])
    test(`the flush at the end gives up on ${error}, and the program may go on`, (t) => {
      const { system, output, tick } = rig(t, 70);
      output.write(line('a'));
      system.error = error;
      output.flush();
      system.error = '';
      output.write(line('b'));
      for (let i = 0; i < 2; i++) {
        tick(1000);
        system.settle();
      }
      assert.equal(system.content, line('a') + line('b'));
    });

  test('a flush waits two seconds for a reader, and the next ones not at all until somebody reads', (t) => {
    const { system, output } = rig(t, 70);
    const sleep = t.mock.method(Atomics, 'wait', () => 'timed-out');
    let nowMs = 0;
    t.mock.method(performance, 'now', () => (nowMs += 500));
    const waits = (): number => {
      const before = sleep.mock.callCount();
      output.flush();
      return sleep.mock.callCount() - before;
    };
    system.error = 'EAGAIN';
    output.write(line('a'));
    assert.equal(waits(), 4);
    assert.equal(waits(), 0);
    system.error = '';
    assert.equal(waits(), 0);
    assert.equal(system.content, line('a'));
    system.error = 'EAGAIN';
    output.write(line('b'));
    assert.equal(waits(), 4);
  });
});
