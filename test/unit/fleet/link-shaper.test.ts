import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clearLink } from '../../../scripts/fleet/link-plan.ts';
import { LinkShaper } from '../../../scripts/fleet/link-shaper.ts';

/** All that comes out by `nowMs`. */
function drain(shaper: LinkShaper, nowMs: number): string {
  let text = '';
  for (let bytes = shaper.take(nowMs); bytes !== null; bytes = shaper.take(nowMs)) text += bytes.toString();
  return text;
}

describe('one direction of a link', () => {
  test('a clear one lets everything through at once', () => {
    const shaper = new LinkShaper(1000);
    shaper.push(Buffer.from('ab'), 5);
    shaper.push(Buffer.from('c'), 5);
    assert.equal(drain(shaper, 5), 'abc');
    assert.deepEqual([shaper.waiting, shaper.nextMs(5)], [0, Number.POSITIVE_INFINITY]);
  });

  test('delay holds bytes for exactly that long and keeps their order when it becomes shorter', () => {
    const shaper = new LinkShaper(1000);
    shaper.setPhase({ ...clearLink, delayMs: 100 }, 0);
    shaper.push(Buffer.from('a'), 0);
    assert.equal(shaper.nextMs(0), 100);
    shaper.setPhase({ ...clearLink, delayMs: 10 }, 20);
    shaper.push(Buffer.from('b'), 20);
    assert.equal(drain(shaper, 99), '');
    assert.equal(drain(shaper, 100), 'ab');
  });

  test('a throttled one carries its rate, neither more nor less', () => {
    const shaper = new LinkShaper(100_000);
    shaper.setPhase({ ...clearLink, rateShare: 0.5 }, 0);
    shaper.push(Buffer.alloc(100_000), 0);
    let carried = 0;
    let nowMs = 0;
    while (shaper.waiting > 0) {
      nowMs = Math.max(nowMs + 1, shaper.nextMs(nowMs));
      carried += drain(shaper, nowMs).length;
    }
    assert.equal(carried, 100_000);
    assert.ok(Math.abs(nowMs - 2000) < 50, `${nowMs} ms for 2 s worth of bytes`);
  });

  test('a black-out holds everything and loses nothing', () => {
    const shaper = new LinkShaper(1000);
    shaper.push(Buffer.from('a'), 0);
    shaper.setPhase({ ...clearLink, blackout: true }, 0);
    shaper.push(Buffer.from('b'), 500);
    assert.deepEqual([drain(shaper, 5000), shaper.nextMs(5000)], ['', Number.POSITIVE_INFINITY]);
    shaper.setPhase(clearLink, 5000);
    assert.equal(drain(shaper, 5000), 'ab');
  });
});
