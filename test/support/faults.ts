import type { ServerOptions } from '../../src/server/server.ts';

/** Paths that bring down the ingest worker of the connection that claims them, and how. */
export const faultPaths = {
  throw: '/fault/throw',
  reject: '/fault/reject',
  exhaustHeap: '/fault/exhaust-heap',
  exit: '/fault/exit',
} as const;

/** Entries for `startTestServer`: ingest workers fall for {@link faultPaths}, the other threads for `breakWorkers`. */
export const fragileEntries: ServerOptions['entries'] = {
  acceptor: new URL('fragile-acceptor.ts', import.meta.url),
  consumer: new URL('fragile-consumer.ts', import.meta.url),
  ingest: new URL('failing-ingest.ts', import.meta.url),
};
