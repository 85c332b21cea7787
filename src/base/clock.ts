/** Time as it is handed to the code that needs it. Codecs take `now` as a number and never see this interface. */
export interface Clock {
  /** Monotonic milliseconds with a fraction; comparable between the threads of one machine. */
  nowMs(): number;
  /** Wall-clock milliseconds since 1970-01-01 UTC. */
  wallMs(): number;
}

/** Readings of both clocks that are compared; the first ones are slow because nothing is compiled yet. */
const readings = 50;

/** `performance.now` is the cheapest clock but may count from each thread's start; this brings it to the machine's origin. */
const originMs = machineOrigin();

/** The real clock. */
export const systemClock: Clock = {
  nowMs: () => originMs + performance.now(),
  wallMs: () => Date.now(),
};

/** The time between the two readings makes the difference too small, never too large, so the largest is the best. */
function machineOrigin(): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < readings; i++) {
    largest = Math.max(largest, Number(process.hrtime.bigint()) / 1e6 - performance.now());
  }
  return largest;
}
