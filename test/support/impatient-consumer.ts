/** A consumer thread whose deadlines for readers are short enough to be waited for in a test. */
import { limits } from '../../src/base/limits.ts';

Object.assign(limits.rtsp, { sessionTimeoutMs: 1000, sessionGraceMs: 200, writeStallMs: 1000 });
await import('../../workers/consumer.ts');
