import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { Hook } from '../hooks/hook.ts';
import { type CameraPlace, type HookEvent, hookJson } from '../hooks/hook-event.ts';
import { type Attempt, type DeadLetter, HookQueue, type QueueBounds } from '../hooks/hook-queue.ts';
import type { HookSender, Sent } from '../net/hook-delivery.ts';
import { LimitedLog } from '../net/limited-log.ts';
import { type DeathCause, deathCauses, type HookFacts, type HookResult, type HookTrial } from '../status/hook-facts.ts';

/** What a {@link RunningHook} needs. */
export interface RunningHookOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly dead: (hook: string, letters: readonly DeadLetter[]) => void;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly bounds?: QueueBounds;
}

/** One hook with its queue and its target. The queue outlives a change of the hook that leaves its name and type. */
export class RunningHook {
  readonly #options: RunningHookOptions;
  readonly #queue: HookQueue;
  readonly #log = new LimitedLog();
  readonly #dead: Record<DeathCause, number>;
  #hook: Hook;
  #sender: HookSender;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  #delivered = 0;
  #failures = 0;
  #last: HookResult | null = null;
  #testing = false;
  #idle: PromiseWithResolvers<void> | null = null;

  constructor(hook: Hook, sender: HookSender, options: RunningHookOptions) {
    this.#hook = hook;
    this.#sender = sender;
    this.#options = options;
    this.#queue = new HookQueue(options.random, options.bounds ?? limits.hooks);
    this.#dead = Object.fromEntries(deathCauses.map((cause) => [cause, 0])) as Record<DeathCause, number>;
  }

  get hook(): Hook {
    return this.#hook;
  }

  /** The same hook as the configuration has it now. Attempts that run go on as they were. */
  replace(hook: Hook, sender: HookSender): void {
    this.#sender.close(false);
    if (!hook.reachesLike(this.#hook)) this.#queue.retarget();
    this.#hook = hook;
    this.#sender = sender;
    this.#pump();
  }

  /** Takes an event, if the hook wants it. */
  add(event: HookEvent, place: CameraPlace | null): void {
    const { record, type, id } = event;
    if (this.#closed || type === 'test' || !this.#hook.wants(type, record.camera)) return;
    const json = hookJson(event);
    const content = this.#hook.type === 'webhook' ? json : this.#hook.content(event, place);
    const lane = record.camera === null ? 'server' : String(record.camera.index);
    const queuedMs = this.#options.clock.nowMs();
    this.#bury(this.#queue.add({ id, lane, event: json, content, queuedMs }));
    this.#pump();
  }

  /** Sends a trial past the queue. */
  async test(event: HookEvent, place: CameraPlace | null): Promise<HookTrial | 'busy'> {
    if (this.#testing) return 'busy';
    this.#testing = true;
    const { clock } = this.#options;
    const startedMs = clock.nowMs();
    const content = this.#hook.content(event, place);
    const sent = await this.#send(event.id, content);
    this.#testing = false;
    const { result, detail } = sent.outcome;
    return { result, detail, status: sent.status, answer: sent.answer, ms: clock.nowMs() - startedMs, content };
  }

  facts(): HookFacts {
    const { name, type, shownUrl: url, events, cameras, signed } = this.#hook;
    return {
      name,
      type,
      url,
      events,
      cameras,
      signed,
      reachable: !this.#queue.down,
      queuedEvents: this.#queue.length,
      queuedBytes: this.#queue.bytes,
      delivered: this.#delivered,
      failures: this.#failures,
      dead: { ...this.#dead },
      last: this.#last,
    };
  }

  /** Resolves when nothing waits any more. */
  drained(): Promise<void> {
    if (this.#queue.length === 0) return Promise.resolve();
    this.#idle ??= Promise.withResolvers<void>();
    return this.#idle.promise;
  }

  /** No further attempt; what waits is given up for this cause. */
  close(cause: 'removed' | 'stopped'): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#sender.close(true);
    const detail = cause === 'removed' ? 'the hook is no longer in the configuration' : 'Skyweir was stopped';
    this.#bury(this.#queue.empty(cause, detail));
  }

  /** Starts every attempt that may be made now, and comes back when the next one may. */
  #pump(): void {
    if (this.#closed) return;
    const nowMs = this.#options.clock.nowMs();
    for (let attempt = this.#queue.take(nowMs); attempt !== null; attempt = this.#queue.take(nowMs))
      void this.#attempt(attempt);
    if (this.#timer !== null) clearTimeout(this.#timer);
    const { nextMs } = this.#queue;
    this.#timer = nextMs === null ? null : setTimeout(() => this.#pump(), Math.max(1, nextMs - nowMs)).unref();
    if (this.#queue.length === 0) this.#idle?.resolve();
  }

  async #attempt(attempt: Attempt): Promise<void> {
    const { id, content } = attempt.item;
    const { outcome } = await this.#send(id, content);
    if (this.#closed) return;
    const { clock } = this.#options;
    const wasDown = this.#queue.down;
    const letters = this.#queue.settle(attempt, outcome, clock.nowMs());
    this.#last = { wallMs: clock.wallMs(), result: outcome.result, detail: outcome.detail };
    if (outcome.result === 'delivered') this.#delivered++;
    if (outcome.result === 'retry') this.#failures++;
    this.#tell(wasDown, outcome.detail);
    this.#bury(letters);
    this.#pump();
  }

  #send(id: string, content: string): Promise<Sent> {
    return this.#sender.send(content, this.#hook.headers(id, content, this.#options.clock.wallMs()));
  }

  #tell(wasDown: boolean, detail: string): void {
    const { down, length } = this.#queue;
    const fields = { hook: this.#hook.name, url: this.#hook.shownUrl, waiting: length };
    if (down && !wasDown) {
      this.#line('down', (more) =>
        this.#options.logger.warn(
          { ...fields, reason: detail, ...more },
          'a hook does not reach its target; events wait',
        ),
      );
    } else if (wasDown && !down)
      this.#line('up', (more) => this.#options.logger.info({ ...fields, ...more }, 'a hook reaches its target again'));
  }

  #bury(letters: readonly DeadLetter[]): void {
    if (letters.length === 0) return;
    for (const { cause } of letters) this.#dead[cause]++;
    const { cause, detail } = letters[0]!;
    const fields = { hook: this.#hook.name, cause, reason: detail, events: letters.length };
    this.#line(cause, (more) =>
      this.#options.logger.warn({ ...fields, ...more }, `a hook does not deliver some events: ${cause}`),
    );
    this.#options.dead(this.#hook.name, letters);
  }

  #line(kind: string, write: (more: object) => void): void {
    const nowMs = this.#options.clock.nowMs();
    this.#log.line(kind, nowMs, (suppressed) => write(suppressed > 0 ? { suppressed } : {}));
  }
}
