/** Time as it is handed to the code that needs it. Codecs take `now` as a number and never see this interface. */
export interface Clock {
  /** Monotonic milliseconds with a fraction; comparable between the threads of one machine. */
  nowMs(): number;
  /** Wall-clock milliseconds since 1970-01-01 UTC. */
  wallMs(): number;
}

/** `performance.now` is the cheapest clock but counts from each thread's start; this brings it to the machine's origin. */
const originMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** The real clock. */
export const systemClock: Clock = {
  nowMs: () => originMs + performance.now(),
  wallMs: () => Date.now(),
};
