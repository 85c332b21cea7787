/**
 * An ingest worker with faults for the asking: a connection that claims one of these paths brings the whole worker down.
 * Everything else is served as usual.
 */
import type { MessagePort } from 'node:worker_threads';
import type { ConnectionToMain, IngestResult, IngestTask } from '../../src/control/messages.ts';
import * as ingest from '../../workers/ingest.ts';
import { faultPaths } from './faults.ts';

/** Takes the place of the worker's own function. */
export function serve(task: IngestTask): Promise<IngestResult> {
  watch(task.port);
  return ingest.serve(task);
}

function watch(port: MessagePort): void {
  const post = port.postMessage.bind(port);
  port.postMessage = (message: ConnectionToMain) => {
    if (message.type === 'claim') fail(message.path);
    post(message);
  };
}

function fail(path: string): void {
  if (path === faultPaths.throw) {
    setImmediate(() => {
      throw new Error('a fault that a test asked for');
    });
  } else if (path === faultPaths.reject) void Promise.reject(new Error('a rejection that a test asked for'));
  else if (path === faultPaths.exit) process.exit(7);
  else if (path === faultPaths.exhaustHeap) exhaustHeap();
}

/** Fills the heap with live objects until V8 gives the thread up. */
function exhaustHeap(): never {
  const kept: number[][] = [];
  for (;;) kept.push(new Array<number>(100_000).fill(kept.length + 0.5));
}
