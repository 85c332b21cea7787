import type { LoadedThread, ThreadLoad } from '../../src/shm/worker-load.ts';

/** The load of a thread with one connection that is well, but for `figures`. */
export function threadLoad(kind: LoadedThread, index: number, figures: Partial<ThreadLoad> = {}): ThreadLoad {
  return {
    ...{ kind, index, busy: 0.3, loopDelayMs: 1, worstDelayMs: 1 },
    ...{ bitsPerSecond: 0, connections: 1, pacedCameras: 0, silentMs: 0 },
    ...figures,
  };
}
