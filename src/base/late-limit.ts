import { limits } from './limits.ts';

/**
 * Milliseconds of lateness from which on frames are shed: another limit for each who asks, so that not all lose frames where it is
 * enough that some do. `random` returns 0 to 1, without the 1.
 */
export function drawLateLimitMs(random: () => number): number {
  return limits.shedding.lateMs * (1 + random());
}
