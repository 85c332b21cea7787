import type { EventType } from '../base/event-types.ts';

/** Causes of the events that were not delivered, as metrics and the API name them. */
export const deathCauses = ['refused', 'dropped', 'expired', 'removed', 'stopped'] as const;

export type DeathCause = (typeof deathCauses)[number];

/** A hook at one moment, without its secrets. Sums run since the process started. */
export interface HookFacts {
  readonly name: string;
  readonly type: string;
  /** Masked. */
  readonly url: string;
  readonly events: readonly EventType[];
  /** Null is all. */
  readonly cameras: readonly string[] | null;
  readonly signed: boolean;
  /** The target answers, or has not been asked yet. */
  readonly reachable: boolean;
  readonly queuedEvents: number;
  readonly queuedBytes: number;
  readonly delivered: number;
  /** Attempts that failed and are repeated. */
  readonly failures: number;
  readonly dead: Readonly<Record<DeathCause, number>>;
  readonly last: HookResult | null;
}

/** The newest result of a hook. */
export interface HookResult {
  readonly wallMs: number;
  readonly result: 'delivered' | 'refused' | 'retry';
  /** `HTTP 204`, or what went wrong. */
  readonly detail: string;
}

/** What a trial came to. */
export interface HookTrial {
  readonly result: HookResult['result'];
  readonly detail: string;
  /** Of HTTP; null without an answer. */
  readonly status: number | null;
  /** The beginning of what came back. */
  readonly answer: string;
  readonly ms: number;
  /** What was sent. */
  readonly content: string;
}

/** What the routes of the hooks ask for. */
export interface HookSource {
  hooks(): readonly HookFacts[];
  /** Sends a trial at once, past the queue. Null: there is no such hook; `busy`: one is on its way. */
  testHook(index: number, type: EventType | 'test'): Promise<HookTrial | 'busy' | null>;
}
