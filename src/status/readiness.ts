import { limits } from '../base/limits.ts';
import type { ServerFacts } from './server-facts.ts';

/** Whether the server should be sent work, with every reason against it. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly ReadinessProblem[];
}

/** `code` is stable. */
export interface ReadinessProblem {
  readonly code: 'draining' | 'listeners_closed' | 'consumer_down' | 'thread_hung' | 'overloaded';
  readonly text: string;
}

type Facts = Pick<ServerFacts, 'draining' | 'listening' | 'consumersReady' | 'consumers' | 'threads' | 'overloaded'>;

/** Judges the facts of one moment. A thread without anything to do is alive: it is asked for nothing. */
export function judgeReadiness({
  draining,
  listening,
  consumersReady,
  consumers,
  threads,
  overloaded,
}: Facts): Readiness {
  const reasons: ReadinessProblem[] = [];
  if (draining) reasons.push({ code: 'draining', text: 'the server is shutting down' });
  if (!listening) reasons.push({ code: 'listeners_closed', text: 'the ports for publishers and readers are not open' });
  if (consumersReady < consumers)
    reasons.push({ code: 'consumer_down', text: `${consumersReady} of ${consumers} consumers are running` });
  for (const { kind, index, loopDelayMs } of threads) {
    if (loopDelayMs < limits.http.hungThreadMs) continue;
    const name = kind === 'ingest' ? `ingest worker ${index}` : `consumer ${index}`;
    reasons.push({ code: 'thread_hung', text: `${name} has not answered for ${Math.round(loopDelayMs / 1000)} s` });
  }
  if (overloaded) reasons.push({ code: 'overloaded', text: 'there is no room for further publishers' });
  return { ready: reasons.length === 0, reasons };
}
