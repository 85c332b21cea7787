import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ReaderTally, readTallies } from '../../../src/shm/reader-tally.ts';
import { newHttpCounts, PublisherCounts } from '../../../src/status/counts.ts';
import type { RouteAnswer, RouteRequest } from '../../../src/status/route.ts';
import { statusRoutes } from '../../../src/status/routes.ts';
import type { ServerFacts } from '../../../src/status/server-facts.ts';
import type { StatusSource } from '../../../src/status/status-source.ts';

const facts: ServerFacts = {
  version: '1.2.3',
  uptimeMs: 1000,
  draining: false,
  overloaded: false,
  listening: true,
  consumersReady: 1,
  consumers: 1,
  threads: [],
  failures: { ingest: 0, consumer: 0, acceptor: 0 },
  listeners: [],
  readers: { ...readTallies(ReaderTally.create(1)), open: 0 },
  publishers: new PublisherCounts(),
  onvif: { connections: 0, requests: 0, faults: 0, authFailures: 0, refused: 0, tunnels: 0 },
  http: newHttpCounts(),
  hooks: [],
};

it('writes over the memory of an answer only after that has been sent', async () => {
  let uptimeMs = 1000;
  const source = {
    version: '1.2.3',
    cameras: [],
    verdicts: new Map(),
    facts: () => ({ ...facts, uptimeMs }),
    streamReader: () => () => assert.fail('there are no cameras'),
    violations: () => [],
    processMetrics: async () => [],
  } as unknown as StatusSource;
  const route = statusRoutes(source, 'run').find(({ path }) => path === '/metrics')!;
  const ask = async (): Promise<RouteAnswer & { body: Buffer }> => {
    uptimeMs += 1000;
    return (await route.handle!({ headers: {} } as unknown as RouteRequest)) as RouteAnswer & { body: Buffer };
  };

  const first = await ask();
  const kept = first.body.toString();
  const second = await ask();
  assert.notEqual(second.body.toString(), kept);
  assert.equal(first.body.toString(), kept, 'it was still on its way');

  first.onSent!();
  const third = await ask();
  assert.equal(third.body.buffer, first.body.buffer);
  assert.equal(first.body.toString(), third.body.toString());
});
