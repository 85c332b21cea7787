/** A consumer thread whose deadlines are short enough for the rows, and long enough for a busy machine. */
import { limits } from '../../../src/base/limits.ts';

Object.assign(limits.rtsp, { handshakeMs: 1000, sessionTimeoutMs: 2000, sessionGraceMs: 500, writeStallMs: 2000 });
await import('../../../workers/consumer.ts');
