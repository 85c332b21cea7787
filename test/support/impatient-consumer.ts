/** A consumer thread whose deadlines for readers are short enough to be waited for in a test, and longer than a machine stands still. */
import { limits } from '../../src/base/limits.ts';

Object.assign(limits.rtsp, { sessionTimeoutMs: 3000, sessionGraceMs: 200, writeStallMs: 3000 });
await import('../../workers/consumer.ts');
