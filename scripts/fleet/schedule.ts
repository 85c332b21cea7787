/** What happens to which camera when: all of it is decided before the first one starts, from the seed alone. */
import { type LinkPlan, planLink } from './link-plan.ts';
import { SeededRandom } from './seeded-random.ts';

/** Names of the scenarios, with what the help says of them. */
export const scenarios = {
  steady: 'all cameras start and stay',
  mixed: 'cameras leave in order and come back',
  kills: 'cameras are killed (kill -9) at random and come back',
  'bad-radio': 'every camera has a radio link that delays, throttles, stalls, breaks',
  storm: 'all cameras are killed at once and come back at once',
  rough: 'for hours: a quarter each stays, leaves in order, is killed, has a bad radio link',
} as const;

/** A name of {@link scenarios}. */
export type Scenario = keyof typeof scenarios;

/** What is asked of a camera: begin, end in order, or be gone without a word. */
export type ActionKind = 'start' | 'stop' | 'kill';

/** One thing to do; `atMs` is counted from the start of the fleet, `camera` from 0. */
export interface Action {
  readonly atMs: number;
  readonly camera: number;
  readonly kind: ActionKind;
}

/** The whole plan. */
export interface Schedule {
  /** In order of time. */
  readonly actions: readonly Action[];
  /** One for each camera with a bad link, null for the others; empty where nobody has one. */
  readonly links: readonly (LinkPlan | null)[];
  /** When the last camera has been asked to start for the first time. */
  readonly rampMs: number;
  /** When the fleet ends. */
  readonly lengthMs: number;
}

export interface ScheduleOptions {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly count: number;
  /** Cameras that start per second; 0 = all at once. */
  readonly ramp: number;
  /** Seconds after the ramp. */
  readonly seconds: number;
}

/** Milliseconds at the end in which nothing is disturbed, so that everybody can be back. */
const leastSettleMs = 2000;
const settleShare = 0.3;
const mostSettleMs = 60_000;

/** Milliseconds that a camera is left alone after its start, before it may be disturbed. */
const undisturbedMs = 1500;

/** One kill per so many seconds of one camera. */
const secondsPerKill = 12;

/** Milliseconds that a killed camera stays away, at least and at most. */
const leastAwayMs = 300;
const mostAwayMs = 2000;

/** What happens to a camera of the scenario rough, in turn. */
export const fates = ['stays', 'leaves and comes back', 'is killed', 'has a bad link'] as const;

/** A name of {@link fates}. */
export type Fate = (typeof fates)[number];

/** Milliseconds between two departures or kills of one camera of the scenario rough, on average. */
const roughEveryMs = 60_000;

/** Milliseconds between two storms, and that a storm keeps everybody away. */
const stormEveryMs = 15_000;
const stormAwayMs = 500;

/** Makes the plan. */
export function planSchedule(options: ScheduleOptions): Schedule {
  const { scenario, seed, count, ramp, seconds } = options;
  const random = new SeededRandom(seed);
  const startsMs = Array.from({ length: count }, (_, camera) => (ramp > 0 ? Math.round((1000 * camera) / ramp) : 0));
  const rampMs = startsMs.at(-1) ?? 0;
  const lengthMs = rampMs + 1000 * seconds;
  const calmMs = lengthMs - Math.min(mostSettleMs, Math.max(leastSettleMs, 1000 * seconds * settleShare));
  const actions: Action[] = startsMs.map((atMs, camera) => ({ atMs, camera, kind: 'start' }));
  if (scenario === 'mixed') actions.push(...departures(random, startsMs, calmMs));
  else if (scenario === 'kills') actions.push(...kills(random, startsMs, rampMs, calmMs));
  else if (scenario === 'storm') actions.push(...storms(count, rampMs, calmMs));
  else if (scenario === 'rough') actions.push(...rough(random, startsMs, calmMs));
  const hasLink = (camera: number): boolean => scenario === 'bad-radio' || fateOf(camera) === 'has a bad link';
  const links =
    scenario === 'bad-radio' || scenario === 'rough'
      ? startsMs.map((startMs, camera) =>
          hasLink(camera) ? planLink(random.fork(camera), camera, startMs + undisturbedMs, calmMs) : null,
        )
      : [];
  actions.sort((a, b) => a.atMs - b.atMs);
  return { actions, links, rampMs, lengthMs };
}

/** How many connections of each camera its own link breaks. */
export function linkBreaksOf({ links }: Schedule, count: number): number[] {
  return Array.from({ length: count }, (_, camera) => links[camera]?.breaks.length ?? 0);
}

/** When a stream ends as planned, and until when a server may take to notice; counted as {@link Action.atMs}. */
export interface PlannedEnding {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Milliseconds in which a server has noticed an end that it was told. */
const noticedMs = 3000;

/** The ends of each camera's streams before that of the fleet: in order, by a kill, or with its link. */
export function plannedEndingsOf(schedule: Schedule, count: number): PlannedEnding[][] {
  const told = (atMs: number): PlannedEnding => ({ fromMs: atMs, toMs: atMs + noticedMs });
  const endings = Array.from({ length: count }, (_, camera) =>
    (schedule.links[camera]?.breaks ?? []).map(({ atMs, kind }) =>
      kind === 'cut' ? told(atMs) : { fromMs: atMs, toMs: Number.POSITIVE_INFINITY },
    ),
  );
  for (const { atMs, camera, kind } of schedule.actions) if (kind !== 'start') endings[camera]!.push(told(atMs));
  return endings;
}

/** Two cameras of three fly away in order and come back, again and again; the first one always does. */
function departures(random: SeededRandom, startsMs: readonly number[], calmMs: number): Action[] {
  return startsMs.flatMap((startMs, camera) => {
    const own = random.fork(camera);
    const actions: Action[] = [];
    if (camera > 0 && own.chance(1 / 3)) return actions;
    let atMs = startMs + Math.round(own.between(undisturbedMs, 6000));
    if (camera === 0) atMs = Math.min(atMs, calmMs - 1000);
    while (atMs <= calmMs - 500 && atMs > startMs) {
      const backMs = Math.min(calmMs, atMs + Math.round(own.between(500, 5000)));
      actions.push({ atMs, camera, kind: 'stop' }, { atMs: backMs, camera, kind: 'start' });
      atMs = backMs + Math.round(own.between(3000, 12_000));
    }
    return actions;
  });
}

/** Kills at random; whom it hits comes back after a moment and is then left alone for another one. */
function kills(random: SeededRandom, startsMs: readonly number[], rampMs: number, calmMs: number): Action[] {
  const count = startsMs.length;
  const freeFromMs = startsMs.map((startMs) => startMs + undisturbedMs);
  const wanted = Math.max(1, Math.round(((calmMs - rampMs) / 1000 / secondsPerKill) * count));
  const lastMs = calmMs - leastAwayMs;
  const times = Array.from({ length: wanted }, () =>
    Math.round(random.between(Math.min(rampMs + undisturbedMs, lastMs - 1), lastMs)),
  ).sort((a, b) => a - b);
  const actions: Action[] = [];
  for (const atMs of times) {
    const first = random.whole(0, count - 1);
    // The next one that may be hit, so that no kill is lost in a small fleet.
    const camera = startsMs.map((_, i) => (first + i) % count).find((i) => freeFromMs[i]! <= atMs);
    if (camera === undefined) continue;
    const backMs = Math.min(calmMs, atMs + random.whole(leastAwayMs, mostAwayMs));
    actions.push({ atMs, camera, kind: 'kill' }, { atMs: backMs, camera, kind: 'start' });
    freeFromMs[camera] = backMs + undisturbedMs;
  }
  return actions;
}

/** The fate of a camera in the scenario rough. */
export function fateOf(camera: number): Fate {
  return fates[camera % fates.length]!;
}

/** Some leave, some are killed, about once a minute each, and soon come back. */
function rough(random: SeededRandom, startsMs: readonly number[], calmMs: number): Action[] {
  return startsMs.flatMap((startMs, camera) => {
    const fate = fateOf(camera);
    const actions: Action[] = [];
    if (fate !== 'is killed' && fate !== 'leaves and comes back') return actions;
    const own = random.fork(camera);
    const kind = fate === 'is killed' ? 'kill' : 'stop';
    // The first of its kind comes early, so that a short run has seen it.
    let atMs = startMs + Math.round(own.between(undisturbedMs, 6000));
    while (atMs <= calmMs - 500) {
      const backMs = Math.min(calmMs, atMs + own.whole(300, 4000));
      actions.push({ atMs, camera, kind }, { atMs: backMs, camera, kind: 'start' });
      atMs = backMs + undisturbedMs + Math.round(roughEveryMs * own.between(0.5, 1.5));
    }
    return actions;
  });
}

/** Everybody at once, at least one time. */
function storms(count: number, rampMs: number, calmMs: number): Action[] {
  const span = calmMs - rampMs;
  const waves = Math.max(1, Math.floor(span / stormEveryMs));
  const actions: Action[] = [];
  for (let wave = 1; wave <= waves; wave++) {
    const atMs = Math.round(rampMs + (span * wave) / (waves + 1));
    for (let camera = 0; camera < count; camera++)
      actions.push({ atMs, camera, kind: 'kill' }, { atMs: atMs + stormAwayMs, camera, kind: 'start' });
  }
  return actions;
}
