import { createHmac, randomBytes } from 'node:crypto';
import { BoundedWork } from '../base/bounded-work.ts';
import { forgetOldest } from '../base/forget-oldest.ts';
import { limits } from '../base/limits.ts';
import { signatureHeader } from '../base/message-signature.ts';
import type { PublishQuery } from './publish-query.ts';
import { type MethodVerdict, type PublishAttempt, refused } from './verdict.ts';

/** Sends a body and resolves with the status of the answer; throws when there is none in time. */
export type CallbackPost = (body: string, headers: Readonly<Record<string, string>>) => Promise<number>;

/** What a {@link Callback} is made with. Times are monotonic and wall-clock milliseconds. */
export interface CallbackOptions {
  readonly post: CallbackPost;
  /** Signs the body; null for none. */
  readonly secret: string | null;
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  /** There was no answer, or none that decides. */
  readonly onFailure: (problem: string) => void;
}

/** Asks a program of the operator's over HTTP whether somebody may publish. What it does not answer is refused. */
export class Callback {
  readonly #options: CallbackOptions;
  readonly #work = new BoundedWork(limits.publishAuth.callbacks);
  /** Answers of the last seconds, by what was asked, oldest first. */
  readonly #answers = new Map<string, { readonly accepted: boolean; readonly untilMs: number }>();
  readonly #asking = new Map<string, Promise<MethodVerdict | null>>();
  /** Questions are kept in memory as hashes that mean nothing elsewhere. */
  readonly #processKey = randomBytes(32);

  constructor(options: CallbackOptions) {
    this.#options = options;
  }

  /** Asks, unless the same was asked a moment ago. */
  async check(attempt: PublishAttempt, query: PublishQuery, signal: AbortSignal): Promise<MethodVerdict> {
    const question = this.#identity(attempt);
    for (;;) {
      const known = this.#answers.get(question);
      if (known !== undefined && this.#options.nowMs() < known.untilMs) return verdictOf(known.accepted);
      const same = this.#asking.get(question);
      const asking = same ?? this.#begin(question, attempt, query, signal);
      const verdict = await asking;
      // Null: there was no turn. Of somebody else's that may be because they left; then whoever stayed asks.
      if (verdict !== null) return verdict;
      if (same === undefined || signal.aborted)
        return refused('credential_unavailable', 'too many callbacks are waiting for their answer');
    }
  }

  #begin(
    question: string,
    attempt: PublishAttempt,
    query: PublishQuery,
    signal: AbortSignal,
  ): Promise<MethodVerdict | null> {
    const asking = this.#ask(question, attempt, query, signal).finally(() => this.#asking.delete(question));
    this.#asking.set(question, asking);
    return asking;
  }

  /** Null if it did not come to the question. */
  async #ask(
    question: string,
    attempt: PublishAttempt,
    query: PublishQuery,
    signal: AbortSignal,
  ): Promise<MethodVerdict | null> {
    const { post, secret, wallMs, onFailure } = this.#options;
    const body = callbackBody(attempt, query, wallMs());
    const headers = secret === null ? {} : signatureHeader(secret, body, wallMs());
    let status: number | null;
    try {
      // A call that has begun is carried on without its publisher: the answer is good for the next try.
      status = await this.#work.run(() => post(body, headers), signal);
    } catch (error) {
      onFailure(error instanceof Error ? error.message : String(error));
      return refused('credential_unavailable', 'the callback did not answer');
    }
    if (status === null) return null;
    const meaning = meaningOf(status);
    if (meaning === 'unavailable') {
      onFailure(`status ${status}`);
      return refused('credential_unavailable', `the callback answered with status ${status}`);
    }
    this.#remember(question, meaning === 'accepted');
    return verdictOf(meaning === 'accepted');
  }

  #remember(question: string, accepted: boolean): void {
    const { callbackAnswers, callbackAcceptedMs, callbackRefusedMs } = limits.publishAuth;
    const untilMs = this.#options.nowMs() + (accepted ? callbackAcceptedMs : callbackRefusedMs);
    this.#answers.delete(question);
    this.#answers.set(question, { accepted, untilMs });
    forgetOldest(this.#answers, callbackAnswers);
  }

  /** Of everything that the answer may depend on; connection and port are new with each try of one encoder. */
  #identity({ path, camera, query, pathKey, address, listenerPort, tls }: PublishAttempt): string {
    const parts = [path, camera?.index ?? -1, query, pathKey, address, listenerPort, tls];
    return createHmac('sha256', this.#processKey).update(JSON.stringify(parts)).digest('base64');
  }
}

/** What the operator's program is sent. Credentials stand here and nowhere else: not in the URL, not in a header. */
function callbackBody(attempt: PublishAttempt, query: PublishQuery, wallMs: number): string {
  const { camera, path, pathKey, connection, address, port, listenerPort, tls } = attempt;
  return JSON.stringify({
    event: 'publish',
    time: new Date(wallMs).toISOString(),
    path,
    camera: camera === null ? null : { index: camera.index, name: camera.name, path: camera.path },
    address,
    port,
    listener: listenerPort,
    tls,
    connection,
    query: Object.fromEntries(pathKey === null ? query : [...query, ['key', pathKey]]),
  });
}

/** 2xx accepts, 4xx refuses; a redirection, an error of that server, and "later" are no decision. */
function meaningOf(status: number): 'accepted' | 'refused' | 'unavailable' {
  if (status >= 200 && status < 300) return 'accepted';
  if (status === 408 || status === 425 || status === 429) return 'unavailable';
  return status >= 400 && status < 500 ? 'refused' : 'unavailable';
}

function verdictOf(accepted: boolean): MethodVerdict {
  return accepted ? { type: 'accepted', detail: 'callback' } : refused('credential_wrong', 'the callback refused it');
}
