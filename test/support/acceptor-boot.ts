import type { AcceptorBoot } from '../../src/control/messages.ts';
import { threadEntry } from '../../src/control/thread-entry.ts';
import { threadPriority } from '../../src/control/thread-priority.ts';
import { Doorbell } from '../../src/shm/doorbell.ts';
import { StreamCounters } from '../../src/shm/stream-counters.ts';
import { WorkerLoads } from '../../src/shm/worker-load.ts';

/** What an acceptor of one listener, one ingest worker and one consumer starts with, on ports that the system chooses. */
export function acceptorBoot(loads = WorkerLoads.create(1, 1)): AcceptorBoot {
  const log = { level: 'silent', format: 'json' } as const;
  return {
    log,
    host: '127.0.0.1',
    listen: {
      listeners: [
        {
          key: 'a',
          port: 0,
          tls: false,
          rtmps: null,
          admission: { maxConnections: 10, maxConnectionsPerIp: 0, ratePerSecond: 0 },
        },
      ],
      rtsp: { key: 'rtsp', port: 0 },
      allowIp: [],
      denyIp: [],
      timeouts: { handshakeMs: 60_000, publishMs: 60_000, videoMs: 60_000, receiveMs: 60_000 },
    },
    ingestWorkers: 1,
    ingestEntry: threadEntry('ingest', import.meta.url, '../../').href,
    ingest: {
      log,
      priority: threadPriority(),
      doorbells: [Doorbell.create(1)],
      counters: StreamCounters.create(1, 1),
      loads,
      tls: null,
    },
  };
}
