/** Whether the figures of a window may be compared with others: what was in the way, of its cost and of its latency. */

/** Above this p99 the generator or the readers are the bottleneck, and the run says nothing about the target. */
const latenessLimitMs = 10;
/** Other programs may use this many cores before a run is called disturbed. */
const foreignCoresLimit = 0.25;
/** Part of the machine that may be busy before waiting for a core becomes part of every latency. */
const busyLimit = 0.93;
/** Part of the frames that were due which must have been sent. */
const sentLimit = 0.98;

/** What is known of a window. Cores are means over the window. */
export interface WindowFacts {
  readonly foreignCores: number;
  readonly machineCores: number;
  readonly cores: number;
  readonly generatorP99Ms: number;
  /** Null without readers. */
  readonly readersP99Ms: number | null;
  readonly framesDue: number;
  readonly framesSent: number;
  /** Frames that the target did not take in time: its fault, not the generator's. */
  readonly framesRefused: number;
  readonly missingPublishers: number;
  readonly missingReaders: number;
  readonly silentReaders: number;
  readonly closed: number;
}

/** Causes as text; both lists empty is a valid window. What spoils the cost spoils the latency too. */
export interface Validity {
  readonly cost: readonly string[];
  readonly latency: readonly string[];
}

/** Judges one window. */
export function validityOf(facts: WindowFacts): Validity {
  const cost: string[] = [];
  const latency: string[] = [];
  if (facts.foreignCores > foreignCoresLimit) cost.push(`other programs used ${facts.foreignCores.toFixed(2)} cores`);
  if (facts.framesSent + facts.framesRefused < facts.framesDue * sentLimit)
    cost.push(`only ${facts.framesSent} of ${Math.round(facts.framesDue)} frames were sent`);
  // A target that serves only a part of its readers or publishers is cheap for the wrong reason.
  if (facts.missingPublishers > 0) cost.push(`${facts.missingPublishers} publishers did not get in`);
  if (facts.missingReaders > 0) cost.push(`${facts.missingReaders} readers did not get in`);
  if (facts.silentReaders > 0) cost.push(`${facts.silentReaders} readers got nothing at the end`);
  if (facts.closed > 0) cost.push(`the target closed ${facts.closed} connections`);
  if (facts.generatorP99Ms > latenessLimitMs)
    latency.push(`the generator was late (p99 ${facts.generatorP99Ms.toFixed(1)} ms)`);
  if (facts.readersP99Ms !== null && facts.readersP99Ms > latenessLimitMs)
    latency.push(`the readers were late (p99 ${facts.readersP99Ms.toFixed(1)} ms)`);
  if (facts.machineCores > facts.cores * busyLimit)
    latency.push(`the machine was full (${facts.machineCores.toFixed(2)} of ${facts.cores} cores)`);
  return { cost, latency };
}
