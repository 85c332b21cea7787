import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { phaseAt } from '../../../scripts/fleet/link-plan.ts';
import {
  fateOf,
  linkBreaksOf,
  plannedEndingsOf,
  planSchedule,
  type Scenario,
  type ScheduleOptions,
  scenarios,
} from '../../../scripts/fleet/schedule.ts';

function plan(scenario: Scenario, more: Partial<ScheduleOptions> = {}) {
  return planSchedule({ scenario, seed: 7, count: 12, ramp: 4, seconds: 30, ...more });
}

const names = Object.keys(scenarios) as Scenario[];

describe('the plan of a fleet', () => {
  test('the same seed is the same run, another seed is another one', () => {
    for (const name of names) assert.deepEqual(plan(name), plan(name));
    for (const name of ['mixed', 'kills', 'bad-radio'] as const)
      assert.notDeepEqual(plan(name), plan(name, { seed: 8 }), name);
  });

  test('cameras start one after another, or all at once with ramp 0', () => {
    const starts = plan('steady').actions.map(({ atMs, camera, kind }) => [atMs, camera, kind]);
    assert.deepEqual(starts.slice(0, 3), [
      [0, 0, 'start'],
      [250, 1, 'start'],
      [500, 2, 'start'],
    ]);
    assert.equal(starts.length, 12);
    assert.ok(plan('steady', { ramp: 0 }).actions.every(({ atMs }) => atMs === 0));
  });

  test('each camera starts and ends in turn, and flies when the fleet ends', () => {
    for (const name of names)
      for (const seconds of [4, 5, 8, 30])
        for (let camera = 0; camera < 12; camera++) {
          const { actions, lengthMs } = plan(name, { seconds });
          const own = actions.filter((action) => action.camera === camera);
          for (const [index, { kind }] of own.entries())
            assert.equal(kind === 'start', index % 2 === 0, `${name}, ${seconds} s, camera ${camera}`);
          assert.equal(own.length % 2, 1, `${name}, ${seconds} s, camera ${camera} ends on the ground`);
          assert.ok(
            own.at(-1)!.atMs <= lengthMs - 2000,
            `${name}, ${seconds} s, camera ${camera} has time to come back`,
          );
        }
  });

  test('what a scenario is named after happens at least once, even in a short run', () => {
    const kindsOf = (name: Scenario) => plan(name, { seconds: 6, count: 2 }).actions.map(({ kind }) => kind);
    assert.ok(kindsOf('mixed').includes('stop'));
    assert.ok(kindsOf('kills').includes('kill'));
    assert.equal(kindsOf('storm').filter((kind) => kind === 'kill').length, 2);
    const { links } = plan('bad-radio', { seconds: 6, count: 2 });
    assert.deepEqual(
      links.map((link) => link!.breaks).map((breaks) => breaks.map(({ kind }) => kind)),
      [['cut'], ['black-hole']],
    );
  });

  test('a storm takes everybody at the same moment', () => {
    const kills = plan('storm', { seconds: 60 }).actions.filter(({ kind }) => kind === 'kill');
    const moments = new Set(kills.map(({ atMs }) => atMs));
    assert.ok(moments.size >= 2);
    for (const moment of moments) assert.equal(kills.filter(({ atMs }) => atMs === moment).length, 12);
  });

  test('links are clear again before the end', () => {
    const { links: plans, lengthMs } = plan('bad-radio');
    const links = plans.filter((link) => link !== null);
    assert.equal(links.length, 12);
    assert.ok(links.some(({ phases }) => phases.some(({ blackout }) => blackout)));
    assert.ok(links.some(({ phases }) => phases.some(({ rateShare }) => Number.isFinite(rateShare))));
    for (const link of links) {
      const { blackout, rateShare, delayMs } = phaseAt(link, lengthMs - 2000);
      assert.deepEqual([blackout, rateShare], [false, Number.POSITIVE_INFINITY]);
      assert.ok(delayMs <= 60);
    }
    assert.deepEqual(plan('steady').links, []);
  });

  test('a rough hour has four fates, each again and again, and ends with a calm minute', () => {
    const { actions, links, lengthMs } = plan('rough', { seconds: 3600 });
    const calmMs = lengthMs - 60_000;
    for (let camera = 0; camera < 12; camera++) {
      const own = actions.filter((action) => action.camera === camera && action.kind !== 'start');
      const kinds = [...new Set(own.map(({ kind }) => kind))];
      const link = links[camera]!;
      const fate = fateOf(camera);
      assert.deepEqual(kinds, fate === 'is killed' ? ['kill'] : fate === 'leaves and comes back' ? ['stop'] : []);
      if (kinds.length > 0) assert.ok(own.length > 40 && own.length < 80, `${own.length} times`);
      assert.equal(link !== null, fate === 'has a bad link');
      if (link === null) continue;
      assert.ok(link.breaks.length >= 8);
      assert.ok(link.breaks.every(({ atMs }) => atMs < calmMs));
      assert.equal(phaseAt(link, lengthMs - 1000).blackout, false);
    }
    assert.ok(actions.every(({ atMs }) => atMs <= calmMs));
  });

  test('knows how often each stream ends by its link, and as planned at all', () => {
    const rough = plan('rough', { seconds: 600 });
    const [breaks, endings] = [linkBreaksOf(rough, 12), plannedEndingsOf(rough, 12)];
    for (let camera = 0; camera < 12; camera++) {
      const fate = fateOf(camera);
      assert.equal(breaks[camera]! > 0, fate === 'has a bad link', fate);
      assert.equal(endings[camera]!.length > 0, fate !== 'stays', fate);
    }
    assert.deepEqual(linkBreaksOf(plan('kills'), 12), new Array(12).fill(0));
    assert.deepEqual(plannedEndingsOf(plan('steady'), 12).flat(), []);
    for (const [{ fromMs, toMs } = { fromMs: 0, toMs: 0 }, ...more] of plannedEndingsOf(plan('storm'), 12))
      assert.ok(fromMs > 0 && toMs > fromMs && more.length === 0);
  });
});
