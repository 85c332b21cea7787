import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limits } from '../../../src/base/limits.ts';
import { HandOvers } from '../../../src/net/hand-overs.ts';

const { handOvers, everyMs } = limits.turns;

class Scene {
  nowMs = 1000;
  readonly done: string[] = [];
  readonly delays: (() => void)[] = [];
  readonly waiting = new HandOvers({ nowMs: () => this.nowMs, wallMs: () => 0 }, (callback, ms) => {
    assert.equal(ms, everyMs);
    this.delays.push(callback);
  });

  comes(name: string, address = '192.0.2.1'): void {
    this.waiting.add(address, {}, () => this.done.push(name));
  }

  tick(): void {
    this.nowMs += everyMs;
    this.delays.shift()!();
  }
}

describe('accepted connections on their way to their threads', () => {
  it('one goes at once', () => {
    const scene = new Scene();
    scene.comes('drone');
    assert.deepEqual(scene.done, ['drone']);
    assert.equal(scene.delays.length, 0);
  });

  it('of a thousand some go at a time, in their order, and none is lost', () => {
    const scene = new Scene();
    const names = Array.from({ length: 1000 }, (_, i) => `drone ${i}`);
    for (const name of names) scene.comes(name);
    assert.equal(scene.done.length, handOvers);
    assert.equal(scene.waiting.waiting, 1000 - handOvers);
    for (let slices = 1; scene.delays.length > 0; slices++) {
      assert.equal(scene.delays.length, 1, 'one timer');
      scene.tick();
      assert.ok(scene.done.length <= (slices + 1) * handOvers);
    }
    assert.deepEqual(scene.done, names);
  });

  it('those of a flood from one address hold nobody of another up', () => {
    const scene = new Scene();
    for (let i = 0; i < 500; i++) scene.comes('flood', '198.51.100.66');
    scene.comes('drone', '192.0.2.7');
    scene.tick();
    assert.ok(scene.done.includes('drone'));
  });

  it('those of a flood from one IPv6 network neither', () => {
    const scene = new Scene();
    for (let i = 1; i <= 500; i++) scene.comes('flood', `2001:db8:1:2::${i.toString(16)}`);
    scene.comes('drone', '2001:db8:1:3::1');
    scene.tick();
    assert.ok(scene.done.includes('drone'));
  });

  it('who comes later finds the slice empty again', () => {
    const scene = new Scene();
    for (let i = 0; i < handOvers; i++) scene.comes(`${i}`);
    scene.nowMs += everyMs;
    scene.comes('later');
    assert.equal(scene.done.at(-1), 'later');
  });
});
