/** A consumer thread with each deadline short while rows play that wait for it, and else that of the program. */
import { getEnvironmentData } from 'node:worker_threads';
import { limits } from '../../../src/base/limits.ts';
import { deadlines, deadlinesKey } from './deadlines.ts';

const shortened = getEnvironmentData(deadlinesKey) as Int32Array;
for (const [name, shortMs, deadline] of [
  ['handshakeMs', 1000, 'handshake timeout'],
  ['sessionTimeoutMs', 2000, 'session timeout'],
  ['sessionGraceMs', 500, 'session timeout'],
  ['writeStallMs', 2000, 'write stall'],
] as const) {
  const usualMs = limits.rtsp[name];
  const index = deadlines.indexOf(deadline);
  Object.defineProperty(limits.rtsp, name, { get: () => (Atomics.load(shortened, 0) === index ? shortMs : usualMs) });
}
await import('../../../workers/consumer.ts');
