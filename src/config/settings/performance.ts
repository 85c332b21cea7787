import { limits } from '../../base/limits.ts';
import { bytesOrAuto, integer } from '../setting.ts';

/** Settings: threads and rings. */
export const performanceSettings = {
  ingestWorkers: integer({
    flag: 'ingest-workers',
    default: ({ cores }) => Math.min(256, Math.max(1, cores - 1)),
    defaultText: 'processor cores - 1, at least 1 thread',
    sample: 3,
    min: 1,
    max: 256,
    applies: 'restart',
    group: 'Performance',
    text: 'Threads that receive streams. A new connection goes to the one that receives least at that moment, and stays there.',
  }),
  consumers: integer({
    flag: 'consumers',
    default: 1,
    min: 1,
    // Each needs a reader slot in every ring.
    max: limits.ring.readerSlots,
    unit: 'thread',
    applies: 'restart',
    group: 'Performance',
    text: 'Threads that serve RTSP readers. Readers are spread over them one by one, whatever camera they read: several readers of a camera may be on several threads, which costs a little more than on one.',
  }),
  ringFrames: integer({
    flag: 'ring-frames',
    default: limits.ring.frames,
    min: 16,
    max: 4096,
    unit: 'frames',
    applies: 'restart',
    group: 'Performance',
    text: 'Frames that are kept per camera for a reader that is behind. A reader that is further behind loses frames up to the next keyframe.',
  }),
  ringBytes: bytesOrAuto({
    flag: 'ring-bytes',
    default: 'auto',
    min: 256 * 1024,
    max: limits.ring.hardMaximumBytes,
    applies: 'restart',
    group: 'Performance',
    text: 'Memory per live camera for these frames. `auto` starts at 1 MiB and grows with the bitrate to 8 MiB.',
  }),
} as const;
