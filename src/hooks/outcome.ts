import { limits } from '../base/limits.ts';

/**
 * What became of one attempt. `refused`: the target has seen the event and does not want it, so it is not sent again. `retry`: it
 * is, and the scope says what is in trouble: the target as a whole, or only this event.
 */
export type Outcome =
  | { readonly result: 'delivered'; readonly detail: string }
  | { readonly result: 'refused'; readonly detail: string }
  | {
      readonly result: 'retry';
      readonly scope: 'target' | 'event';
      readonly detail: string;
      /** Milliseconds that the target asked to wait at least. */
      readonly afterMs?: number;
    };

/** What an HTTP target answered. */
export interface HookAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** The beginning of the body. */
  readonly text: string;
}

/** Statuses that say that the target, or what stands before it, is in trouble, whatever the event is. */
const targetStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Statuses of the 4xx kind that are no refusal (RFC 9110, RFC 8470). */
const passingStatuses: ReadonlySet<number> = new Set([408, 425]);

/** Judges the answer of an HTTP target. `wallMs`: now, for a Retry-After that is a date. */
export function judgeAnswer({ status, retryAfter }: HookAnswer, wallMs: number): Outcome {
  const detail = `HTTP ${status}`;
  if (status >= 200 && status < 300) return { result: 'delivered', detail };
  const again = targetStatuses.has(status) || passingStatuses.has(status) || status >= 500;
  if (!again) {
    return { result: 'refused', detail: status < 400 ? `${detail}, and redirects are not followed` : detail };
  }
  const afterMs = retryAfterMs(retryAfter, wallMs);
  const scope = targetStatuses.has(status) ? 'target' : 'event';
  return { result: 'retry', scope, detail, ...(afterMs !== null && { afterMs }) };
}

/** Milliseconds of a Retry-After header (RFC 9110, clause 10.2.3): seconds or a date; null without a valid one. */
export function retryAfterMs(header: string | undefined, wallMs: number): number | null {
  if (header === undefined) return null;
  const text = header.trim();
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - wallMs;
  if (!Number.isFinite(ms)) return null;
  return Math.min(Math.max(0, ms), limits.hooks.longestWaitMs);
}

/**
 * Milliseconds to wait after so many failures in a row, from 1: 1 s, doubled each time up to 5 min, and of that between half and
 * all, so that many servers do not come back to one target at the same moment. `random` is from 0 to 1.
 */
export function backoffMs(failures: number, random: number): number {
  const { firstRetryMs, lastRetryMs } = limits.hooks;
  const full = Math.min(lastRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 30));
  return Math.max(firstRetryMs, full * (0.5 + 0.5 * random));
}
