import type { ErrorCode } from '../base/errors.ts';

/** The ways in which a publisher can show that it may publish, in the order in which they are tried. */
export const publishMethods = ['keys', 'signed-url', 'jwt', 'callback'] as const;

export type PublishMethod = (typeof publishMethods)[number];

/** Why a publisher is refused; codes of the error table. */
export type RefusalCode = Extract<ErrorCode, `credential_${string}`>;

/** What one method says. `detail` is for the log and holds no secret: a label, a name, a date. */
export type MethodVerdict =
  /** Nothing was given that this method looks at. */
  | { readonly type: 'absent' }
  | Accepted
  | { readonly type: 'refused'; readonly reason: RefusalCode; readonly detail?: string };

/** A publisher may publish. */
export interface Accepted {
  readonly type: 'accepted';
  readonly detail: string;
  /** Id of the stream key that was used; null with another method. */
  readonly keyId?: string;
  /** Set where a credential is for one use: what it is known again by, and when it ends by itself (wall-clock ms). */
  readonly once?: { readonly id: string; readonly untilMs: number };
}

/** What a method says that was given nothing to look at. */
export const absent: MethodVerdict = { type: 'absent' };

/** What a method says that does not let somebody publish. `detail` is for the log and holds no secret. */
export function refused(reason: RefusalCode, detail?: string): MethodVerdict {
  return detail === undefined ? { type: 'refused', reason } : { type: 'refused', reason, detail };
}

/** The camera that somebody wants to publish to. */
export interface PublishCamera {
  readonly index: number;
  readonly name: string;
  /** What publishers push to. */
  readonly path: string;
  /** The same, unless two listeners have cameras of one path: no two cameras share it, so keys are kept under it. */
  readonly rtspPath: string;
}

/** One wish to publish. */
export interface PublishAttempt {
  /** Null: no camera has the path. All is checked all the same, so that neither answer nor time tells which paths exist. */
  readonly camera: PublishCamera | null;
  /** As the publisher named it, without a key in it. */
  readonly path: string;
  /** A secret. */
  readonly query: string;
  /** The key that stood in the path, null if none; a secret. */
  readonly pathKey: string | null;
  readonly connection: string;
  readonly address: string;
  readonly port: number;
  /** Port of the listener that the publisher came to. */
  readonly listenerPort: number;
  readonly tls: boolean;
}

/** Reasons that pass by themselves: the encoder should come back, so it is given no status that would stop it. */
const passing: readonly RefusalCode[] = ['credential_unavailable', 'credential_throttled'];

/** The more telling reason comes later: of several methods that refuse, the last in this list is the one that is given. */
const telling: readonly RefusalCode[] = [
  'credential_missing',
  'credential_wrong',
  'credential_early',
  'credential_expired',
  'credential_replayed',
  ...passing,
];

/** The reason that stands for several. */
export function mostTelling(verdicts: readonly MethodVerdict[]): MethodVerdict & { type: 'refused' } {
  let chosen: MethodVerdict & { type: 'refused' } = { type: 'refused', reason: 'credential_missing' };
  for (const verdict of verdicts) {
    if (verdict.type !== 'refused') continue;
    if (telling.indexOf(verdict.reason) > telling.indexOf(chosen.reason)) chosen = verdict;
  }
  return chosen;
}

/** Whether a refusal will pass by itself. */
export function isPassing(reason: RefusalCode): boolean {
  return passing.includes(reason);
}
