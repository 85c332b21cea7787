import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { type Allowance, freshAllowance, ReadTurns, type TurnTaker } from '../../../src/net/read-turns.ts';

const { share, burstMs, everyMs } = limits.turns;

/** Turns whose time is ours. */
class Scene {
  readonly delays: { readonly callback: () => void; readonly ms: number }[] = [];
  readonly turns = new ReadTurns((callback, ms) => void this.delays.push({ callback, ms }));

  /** The next turn comes. */
  tick(): void {
    this.delays.shift()!.callback();
  }
}

class Connection implements TurnTaker {
  readonly allowance: Allowance = freshAllowance(0);
  readonly address: string;
  turns = 0;
  readonly #then: () => void;

  constructor(then: () => void = () => {}, address = '192.0.2.1') {
    this.#then = then;
    this.address = address;
  }

  onTurn(): void {
    this.turns++;
    this.#then();
  }
}

describe('turns to read', () => {
  it('a connection within its share never waits', () => {
    const { turns, delays } = new Scene();
    const camera = new Connection();
    for (let nowMs = 0; nowMs < 10_000; nowMs += 10)
      assert.ok(turns.spend(camera, nowMs, 10 * share * 0.9), `at ${nowMs} ms`);
    assert.equal(delays.length, 0);
  });

  it('a burst is allowed once, not twice in a row', () => {
    const { turns } = new Scene();
    const camera = new Connection();
    assert.ok(turns.spend(camera, 100, burstMs));
    assert.ok(!turns.spend(camera, 100 + burstMs, 2));
    assert.equal(turns.waiting, 1);
  });

  it('who waits goes on when its turn comes, and starts without a debt', () => {
    const scene = new Scene();
    const hog = new Connection();
    assert.ok(!scene.turns.spend(hog, 0, burstMs * 100));
    assert.equal(scene.delays[0]!.ms, everyMs);
    scene.tick();
    assert.equal(hog.turns, 1);
    assert.equal(scene.turns.waiting, 0);
    assert.ok(!scene.turns.spend(hog, burstMs * 0.5, 1), 'it has to ask again after one read');
  });

  it('those who wait are taken one a turn, first come first served', () => {
    const scene = new Scene();
    const order: string[] = [];
    for (const name of ['a', 'b', 'c']) scene.turns.wait(new Connection(() => order.push(name)));
    assert.equal(scene.delays.length, 1, 'one timer for all');
    scene.tick();
    assert.deepEqual(order, ['a']);
    scene.tick();
    scene.tick();
    assert.deepEqual(order, ['a', 'b', 'c']);
    assert.equal(scene.delays.length, 0, 'nobody waits, so no timer runs');
  });

  it('an address with many that wait, again and again, holds nobody of another up', () => {
    const scene = new Scene();
    for (let i = 0; i < 100; i++) {
      const hog: Connection = new Connection(() => scene.turns.wait(hog), '198.51.100.66');
      scene.turns.wait(hog);
    }
    const order: string[] = [];
    for (const name of ['a', 'b']) scene.turns.wait(new Connection(() => order.push(name), '192.0.2.1'));
    scene.turns.wait(new Connection(() => order.push('c'), '192.0.2.2'));
    for (let turn = 0; turn < 5; turn++) scene.tick();
    assert.deepEqual(order, ['a', 'c', 'b']);
    assert.equal(scene.turns.waiting, 100);
  });

  it('what costs as much as a turn may be done at once when nobody waits, but not twice in one turn', () => {
    const scene = new Scene();
    const done: string[] = [];
    const work = (name: string, nowMs: number, by = new Connection()): Connection => {
      scene.turns.inTurn(by, nowMs, () => done.push(name));
      return by;
    };
    work('first', 100);
    assert.deepEqual(done, ['first'], 'nobody waits');
    const second = work('second', 100 + everyMs - 1);
    assert.deepEqual(done, ['first'], 'the first just had its turn');
    const third = work('third', 1000);
    assert.deepEqual(done, ['first'], 'somebody waits');
    scene.turns.leave(third);
    scene.tick();
    assert.deepEqual(done, ['first', 'second'], 'what was left is not done');
    assert.equal(second.turns + third.turns, 0, 'the work stands in place of reading on');
    work('fourth', 100 + everyMs);
    assert.deepEqual(done, ['first', 'second', 'fourth']);
  });

  it('who asks again while it waits keeps its place, and who leaves is not called', () => {
    const scene = new Scene();
    const [gone, other] = [new Connection(), new Connection()];
    scene.turns.wait(gone);
    scene.turns.wait(other);
    assert.ok(!scene.turns.spend(gone, 50, 0), 'it waits already');
    assert.equal(scene.turns.waiting, 2);
    scene.turns.leave(gone);
    scene.tick();
    assert.equal(gone.turns, 0);
    assert.equal(other.turns, 1);
  });
});
