import type { LiveColumns, NamesAnswer, OverviewAnswer } from '../../src/status/page/snapshot.ts';

/** What is told of a camera that has a publisher; `camera` is its place. */
export type LiveCamera = { readonly [Name in keyof LiveColumns]: LiveColumns[Name][number] };

const steady: Omit<LiveCamera, 'camera'> = {
  publisher: '192.0.2.7',
  uptime: 60,
  silent: 0,
  width: 1280,
  height: 720,
  fps: 25,
  promised: 25,
  kbps: 2000,
  jitter: 3,
  late: 2,
  queue: 1,
  frames: 1500,
  bytes: 15_000_000,
  keyframes: 30,
  lost: 0,
  refused: 0,
  blame: 'none',
  why: '25 of 25 fps',
  rules: '',
};

/** Names of so many cameras as the server tells them. */
export function namesAnswer(count: number, names?: readonly string[]): NamesAnswer {
  const places = Array.from({ length: count }, (_, place) => place);
  return {
    cameras: {
      index: places,
      name: names ?? places.map((place) => `Stream ${place + 1}`),
      path: places.map((place) => `/stream${place + 1}`),
      rtspPath: places.map((place) => `/stream${place + 1}`),
      hardware: places.map(() => 0),
      listener: places.map(() => 0),
      asksForKey: places.map(() => false),
    },
    listeners: [{ rtmp: 1935, rtmps: null }],
    rtspPort: 8554,
    hardware: ['Skyweir'],
    reasons: { kicked: 'an operator ended the stream' },
  };
}

/** Figures of `count` cameras of which these are live, at a time in seconds. */
export function overviewAnswer(
  count: number,
  live: readonly ({ readonly camera: number } & Partial<LiveCamera>)[] = [],
  { seconds = 1000, starts = 1 }: { readonly seconds?: number; readonly starts?: number } = {},
): OverviewAnswer {
  const cameras = live.map((changes): LiveCamera => ({ ...steady, ...changes }));
  const columns = Object.fromEntries(
    ['camera', ...Object.keys(steady)].map((name) => [name, cameras.map((camera) => camera[name as keyof LiveCamera])]),
  );
  return {
    names: 'tag',
    time: seconds * 1000,
    server: {} as OverviewAnswer['server'],
    all: { readers: Array<number>(count).fill(1), starts: Array<number>(count).fill(starts) },
    live: columns as unknown as LiveColumns,
  };
}
