import { EventEmitter } from 'node:events';
import type { ErrorCode } from '../base/errors.ts';
import type { Camera, Peer, PublisherEvent } from '../control/messages.ts';
import type { RuleAction, Violation } from '../ingest-rules/ingest-rules.ts';
import type { Blame } from '../stats/verdict.ts';

/** What happens to cameras and to the server, whether or not anybody reads. Logs, ONVIF, the history and hooks listen here. */
export interface StreamEventMap {
  /** RTMP Stream Started: a publisher took the path. */
  started: [event: { readonly camera: Camera; readonly publisher: Peer }];
  /** RTMP Stream Stopped: the publisher left, or lost, the path. */
  stopped: [event: { readonly camera: Camera; readonly publisher: Peer; readonly reason: ErrorCode }];
  /** A fact about the running stream. */
  notice: [event: { readonly camera: Camera; readonly publisher: Peer; readonly notice: PublisherEvent }];
  /** A publisher was refused: each one. What may be told about it is `rejected`. */
  refused: [refusal: Refusal];
  /** Publishers were refused: one for each address and reason, and then sums. */
  rejected: [refusal: Refusal];
  /** A stream has been bad for some seconds, and is good again. */
  degraded: [judgement: StreamJudgement];
  recovered: [judgement: StreamJudgement];
  /** A stream breaks an ingest rule of its camera, or keeps it again. */
  rule: [event: RuleEvent];
  /** New publishers are refused for want of processor time, and no longer. */
  overloaded: [state: ServerState];
  relieved: [state: ServerState];
  /** The ports for publishers and readers are closed; they are opened again as soon as that can be. */
  listener_failed: [state: ServerState];
}

/** A publisher that was refused, or several of one address and reason. */
export interface Refusal {
  /** The camera whose path it asked for; null where there is none, or before it asked. */
  readonly camera: Camera | null;
  /** Null for connections that were refused before anything was read. */
  readonly publisher: Peer | null;
  readonly reason: ErrorCode;
  /** Absent for the sum of many addresses. */
  readonly address?: string;
  /** The stream path that it asked for. */
  readonly path?: string;
  readonly count: number;
}

/** What was found out about a running stream. */
export interface StreamJudgement {
  readonly camera: Camera;
  readonly publisher: Peer;
  readonly blame: Blame;
  readonly text: string;
  readonly figures: Readonly<Record<string, number>>;
}

/** An ingest rule that a stream breaks from now on, or no longer. */
export interface RuleEvent extends Violation {
  readonly camera: Camera;
  readonly publisher: Peer;
  readonly state: 'broken' | 'kept';
  /** What is done about it. */
  readonly action: RuleAction;
}

/** What happened to the server as a whole. */
export interface ServerState {
  readonly text: string;
  readonly figures?: Readonly<Record<string, number>>;
}

export class StreamEvents extends EventEmitter<StreamEventMap> {}
