/** Entry point of an ingest worker: a Piscina task is one publisher's connection, from hand-over to its end, or the end of all. */
import { MessageChannel, parentPort, threadId } from 'node:worker_threads';
import { workerData } from 'piscina';
import type { IngestBoot, IngestLine, IngestResult, IngestTask } from '../src/control/messages.ts';
import { goFirst } from '../src/control/thread-priority.ts';
import { createLog } from '../src/log.ts';
import { IngestThread } from '../src/net/ingest-thread.ts';

const boot = workerData as IngestBoot;
goFirst(boot.priority);
const { port1: mine, port2: port } = new MessageChannel();
const thread = new IngestThread(boot, mine, createLog(boot.log, 'ingest'));
parentPort!.postMessage({ threadId, port } satisfies IngestLine, [port]);

/** Resolves with the reason when the connection has ended. */
export function serve(task: IngestTask): Promise<IngestResult> {
  return thread.serve(task);
}

/** Resolves when the thread may be terminated. */
export function end(): Promise<void> {
  return thread.end();
}
