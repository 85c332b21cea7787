import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { namesBody, type OverviewSource, overviewBody } from '../../../src/status/overview.ts';
import type { ServerFacts } from '../../../src/status/server-facts.ts';
import type { StreamFigures } from '../../../src/status/stream-table.ts';
import { testCamera } from '../../support/test-camera.ts';

const facts = {
  version: '1.2.3',
  uptimeMs: 61_500,
  draining: false,
  overloaded: true,
  listening: true,
  consumersReady: 1,
  consumers: 1,
  threads: [],
  failures: { ingest: 0, consumer: 0, acceptor: 0 },
  listeners: [
    {
      protocol: 'rtmp',
      port: 1935,
      connections: 1,
      limit: 32,
      accepted: 3,
      rejected: new Map([
        ['rate_limited', 2],
        ['ip_denied', 5],
      ]),
    },
  ],
  readers: { open: 2 },
  publishers: { requested: 4, granted: 3, refused: { all: new Map() }, ends: { all: new Map([['kicked', 1]]) } },
  http: { connections: 1, authFailures: 0 },
} as unknown as ServerFacts;

const total = {
  frames: 100,
  bytes: 5000,
  keyframes: 4,
  lateSum: 0,
  seiOnly: 0,
  nonH264: 2,
  truncated: 1,
  discontinuities: 0,
  tolerated: 0,
};
const rates = { fps: 24.96, bitsPerSecond: 2_000_400, jitterMs: 3.4, latenessMs: 1.6, queueDepth: 0.25 };

function figures(index: number, live: boolean): StreamFigures {
  const stream = { uptimeMs: 4200, silentMs: 30, width: 640, height: 360, rates };
  return {
    camera: testCamera({ index }),
    live,
    total,
    starts: live ? 1 : 0,
    reader: { readers: index, overflow: 7 },
    stream: live ? stream : null,
  } as unknown as StreamFigures;
}

const source: OverviewSource = {
  version: '1.2.3',
  facts: () => facts,
  streams: () => [figures(4, false), figures(9, true)],
  verdicts: new Map([[9, { blame: 'none', text: '25 of 25 fps' }]]),
  violations: () => [{ rule: 'max-fps', value: '25 fps', limit: '20 fps' }],
  publishers: () =>
    [
      { connection: 'c1', address: '192.0.2.7', port: 5000, listenerPort: 1935, acceptedMs: 0, camera: 9 },
    ] as unknown as ReturnType<OverviewSource['publishers']>,
  promisedFps: () => 25,
  wallMs: () => 1_700_000_000_000,
};

describe('the overview', () => {
  test('has a place for every camera, and columns of one length for those that are live', () => {
    const body = overviewBody(source, 'tag') as {
      all: Record<string, unknown[]>;
      live: Record<string, unknown[]>;
      server: { ready: boolean; listeners: { rejected: object }[]; uptime: number };
    };
    assert.deepEqual(body.all, { readers: [4, 9], starts: [0, 1] });
    assert.deepEqual(
      Object.fromEntries(
        Object.entries(body.live).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
      ),
      {
        camera: 1,
        publisher: '192.0.2.7',
        uptime: 4,
        silent: 0.03,
        width: 640,
        height: 360,
        fps: 25,
        promised: 25,
        kbps: 2000,
        jitter: 3,
        late: 2,
        queue: 0.3,
        frames: 100,
        bytes: 5000,
        keyframes: 4,
        lost: 7,
        refused: 3,
        blame: 'none',
        why: '25 of 25 fps',
        rules: 'max-fps: 25 fps, allowed: 20 fps',
      },
    );
    assert.deepEqual([body.server.ready, body.server.uptime], [false, 62]);
    assert.deepEqual(Object.keys(body.server.listeners[0]!.rejected), ['ip_denied', 'rate_limited']);
  });

  test('belongs to names that say where each camera is pushed to', () => {
    const body = namesBody({
      cameras: [testCamera({ index: 4, listener: 'b' }), testCamera({ index: 9, listener: 'a' })],
      ports: new Map([
        ['a', { rtmp: 1935, rtmps: null }],
        ['b', { rtmp: null, rtmps: 1936 }],
      ]),
      rtspPort: 8554,
      hardware: ['Skyweir'],
      reasons: {},
      asksForKey: ({ index }) => index === 9,
    });
    const { cameras, listeners } = body as { cameras: Record<string, unknown>; listeners: unknown[] };
    assert.deepEqual(
      [cameras['index'], cameras['listener'], cameras['asksForKey']],
      [
        [4, 9],
        [1, 0],
        [false, true],
      ],
    );
    assert.deepEqual(listeners[1], { rtmp: null, rtmps: 1936 });
  });
});
