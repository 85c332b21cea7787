/**
 * Loaded into the server by `--import`, and so into each of its threads: answers every IPC message with the memory of V8 in all
 * of them, which cannot be seen from outside. Does not keep the process alive.
 */
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads';

/** One thread, bytes. */
export interface ThreadMemory {
  readonly thread: number;
  /** What the thread has taken from the system, and how much of that is used. */
  readonly heapTotal: number;
  readonly heapUsed: number;
  readonly external: number;
}

/** Milliseconds between two notes of a thread. */
const noteMs = 1000;

/** Of the main thread first; those of threads that have ended stay as they were last. */
const notes = new Map<number, ThreadMemory>();
const channel = new BroadcastChannel('skyweir-soak-heap');
(channel as unknown as { unref(): void }).unref();

function ownMemory(): ThreadMemory {
  const { heapTotal, heapUsed, external } = process.memoryUsage();
  return { thread: threadId, heapTotal, heapUsed, external };
}

if (!isMainThread) setInterval(() => channel.postMessage(ownMemory()), noteMs).unref();
else if (process.send !== undefined) {
  notes.set(threadId, ownMemory());
  channel.onmessage = (event) => {
    const note = (event as MessageEvent).data as ThreadMemory;
    notes.set(note.thread, note);
  };
  process.on('message', () => {
    notes.set(threadId, ownMemory());
    process.send?.([...notes.values()]);
  });
  process.channel?.unref();
}
