import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { type Allowance, freshAllowance, ReadTurns, type TurnTaker } from '../../../src/net/read-turns.ts';

const { share, burstMs, everyMs, sliceMs } = limits.turns;

/** Turns whose time is ours. */
class Scene {
  nowMs = 0;
  readonly delays: { readonly callback: () => void; readonly ms: number }[] = [];
  readonly turns = new ReadTurns({ nowMs: () => this.nowMs, wallMs: () => 0 }, (callback, ms) => {
    this.delays.push({ callback, ms });
  });

  /** The next turn comes. */
  tick(): void {
    this.nowMs += everyMs;
    this.delays.shift()!.callback();
  }

  /** Something that lasts as long as a slice. */
  readonly last = (): void => {
    this.nowMs += sliceMs;
  };
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

  it('those who wait are served for a slice of time, first come first served', () => {
    const scene = new Scene();
    const order: string[] = [];
    const waits = (name: string, ms: number): void => {
      scene.turns.wait(
        new Connection(() => {
          order.push(name);
          scene.nowMs += ms;
        }),
      );
    };
    for (const name of ['a', 'b', 'c']) waits(name, sliceMs / 2);
    waits('long', 5 * sliceMs);
    waits('last', 0);
    assert.equal(scene.delays.length, 1, 'one timer for all');
    scene.tick();
    assert.deepEqual(order, ['a', 'b']);
    scene.tick();
    assert.deepEqual(order, ['a', 'b', 'c', 'long']);
    scene.tick();
    assert.deepEqual(order, ['a', 'b', 'c', 'long', 'last']);
    assert.equal(scene.delays.length, 0, 'nobody waits, so no timer runs');
  });

  it('an address with many that wait, again and again, holds nobody of another up', () => {
    const scene = new Scene();
    const order: string[] = [];
    const joins = (name: string, address: string): void => {
      const connection: Connection = new Connection(() => {
        order.push(name);
        scene.last();
        if (name === 'hog') scene.turns.wait(connection);
      }, address);
      scene.turns.wait(connection);
    };
    for (let i = 0; i < 100; i++) joins('hog', '198.51.100.66');
    for (const name of ['a', 'b']) joins(name, '192.0.2.1');
    joins('c', '192.0.2.2');
    for (let turn = 0; turn < 6; turn++) scene.tick();
    assert.deepEqual(order, ['hog', 'a', 'c', 'hog', 'b', 'hog']);
    assert.equal(scene.turns.waiting, 100);
  });

  it('strangers share one slice between them', () => {
    const { turns, ...scene } = new Scene();
    const strangers = [new Connection(), new Connection(), new Connection()];
    assert.ok(turns.admits(strangers[0]!, 100));
    turns.charge(sliceMs / 2);
    assert.ok(turns.admits(strangers[1]!, 100 + everyMs / 2));
    turns.charge(sliceMs / 2);
    assert.ok(!turns.admits(strangers[2]!, 100 + everyMs / 2), 'the slice is used up');
    assert.equal(turns.waiting, 1);
    assert.ok(!turns.admits(strangers[0]!, 100 + 2 * everyMs), 'somebody waits already');
    scene.delays[0]!.callback();
    assert.deepEqual([strangers[2]!.turns, strangers[0]!.turns], [1, 1]);
    assert.ok(turns.admits(strangers[1]!, 100 + 3 * everyMs), 'the next slice');
  });

  it('what costs a slice may be done at once when nobody waits, but not twice in one slice', () => {
    const scene = new Scene();
    const done: string[] = [];
    const work = (name: string, by = new Connection()): Connection => {
      scene.turns.inTurn(by, scene.nowMs, () => {
        done.push(name);
        scene.last();
      });
      return by;
    };
    work('first');
    assert.deepEqual(done, ['first'], 'nobody waits');
    const second = work('second');
    assert.deepEqual(done, ['first'], 'the first just had its turn');
    scene.nowMs += 1000;
    const third = work('third');
    assert.deepEqual(done, ['first'], 'somebody waits');
    scene.turns.leave(third);
    scene.tick();
    assert.deepEqual(done, ['first', 'second'], 'what was left is not done');
    assert.equal(second.turns + third.turns, 0, 'the work stands in place of reading on');
    scene.nowMs += everyMs;
    work('fourth');
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
