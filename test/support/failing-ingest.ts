/**
 * An ingest worker with faults for the asking: a connection that claims one of these paths brings the whole worker down.
 * Everything else is served as usual.
 */
import { MessagePort } from 'node:worker_threads';
import type { IngestToMain } from '../../src/control/messages.ts';
import { faultPaths } from './faults.ts';

export { end, serve } from '../../workers/ingest.ts';

const { postMessage } = MessagePort.prototype;
MessagePort.prototype.postMessage = function (sent: Partial<IngestToMain>, transfer?: unknown) {
  if (sent.type === 'connection' && sent.message?.type === 'claim') fail(sent.message.path);
  Reflect.apply(postMessage, this, transfer === undefined ? [sent] : [sent, transfer]);
};

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
