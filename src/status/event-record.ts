import type { ErrorCode } from '../base/errors.ts';
import type { EventType } from '../base/event-types.ts';
import type { Camera, Peer } from '../control/messages.ts';
import type { RuleAction, Violation } from '../ingest-rules/ingest-rules.ts';
import type { Blame } from '../stats/verdict.ts';

/** Something that happened, as the history keeps it. */
export interface EventRecord {
  /** Counts all events of this process from 1; a gap is what was forgotten. */
  readonly number: number;
  readonly type: EventType;
  /** Null for what concerns no camera, or none that is known. */
  readonly camera: Camera | null;
  /** Who publishes; null where nobody does, or where that is not known. */
  readonly publisher: Peer | null;
  /** Wall-clock milliseconds since 1970. */
  readonly wallMs: number;
  /** Why a stream stopped, or a publisher was rejected; null for the rest. */
  readonly reason: ErrorCode | null;
  /** What some types say besides. */
  readonly detail?: EventDetail;
}

/** What programs are told of any event, in the API and by webhooks alike. Fields that it does not have are null. */
export function eventFields({ reason, detail = {} }: Pick<EventRecord, 'reason' | 'detail'>): Record<string, unknown> {
  return {
    reason,
    count: detail.count ?? 1,
    blame: detail.blame ?? null,
    rule: detail.rule ?? null,
    text: detail.text ?? null,
    figures: detail.figures ?? null,
  };
}

/** What only some types of events have. */
export interface EventDetail {
  /** Of a rejected publisher: the stream path that it asked for. */
  readonly path?: string;
  /** Of a rejected publisher; absent for many addresses together. */
  readonly address?: string;
  /** How many of them the event stands for; 1 unless it says so. */
  readonly count?: number;
  /** Of a stream that is degraded: who is to blame. */
  readonly blame?: Blame;
  /** Of an ingest rule that a stream breaks, or keeps again. */
  readonly rule?: RuleDetail;
  /** A sentence for people. */
  readonly text?: string;
  /** By name, with the unit in the name. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** An ingest rule that a stream breaks from now on, or no longer. */
export interface RuleDetail extends Violation {
  readonly state: 'broken' | 'kept';
  /** What is done about it. */
  readonly action: RuleAction;
}
