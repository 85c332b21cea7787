import { limits } from '../base/limits.ts';
import type { DeathCause } from '../status/hook-facts.ts';
import { backoffMs, type Outcome } from './outcome.ts';

/** An event that is to be delivered to one target. */
export interface HookItem {
  readonly id: string;
  /** Events of one lane are delivered one after the other: those of a camera. */
  readonly lane: string;
  /** The event as JSON, for the dead-letter log. */
  readonly event: string;
  /** What is sent; the same text in every attempt. */
  readonly content: string;
  /** Monotonic milliseconds. */
  readonly queuedMs: number;
}

/** An event that is not delivered. */
export interface DeadLetter {
  readonly item: HookItem;
  readonly cause: DeathCause;
  readonly detail: string;
  readonly attempts: number;
}

/** An attempt that runs. */
export interface Attempt {
  readonly item: HookItem;
  /** How often the target had failed before. */
  readonly round: number;
}

interface Lane {
  readonly items: HookItem[];
  /** Its first item is being delivered. */
  busy: boolean;
  /** Attempts at its first item that have failed. */
  attempts: number;
  /** Failures of its first item alone, while others are taken. */
  failures: number;
  retryMs: number;
}

/** The bounds of a queue; see `limits.hooks`. */
export type QueueBounds = Readonly<Record<'events' | 'bytes' | 'parallel' | 'giveUpMs', number>>;

/**
 * What waits for one target: in order for each camera, several cameras at the same time. When the target as a whole does not
 * answer, one event at a time finds out whether it is there again; when only one event fails, only its camera waits.
 */
export class HookQueue {
  readonly #bounds: QueueBounds;
  readonly #random: () => number;
  readonly #lanes = new Map<string, Lane>();
  #count = 0;
  #bytes = 0;
  #running = 0;
  /** Failures of the target in a row; 0 while it answers. */
  #failures = 0;
  /** Counts failures of the target, all of them. */
  #round = 0;
  /** The first round of the target as it is now. */
  #targetRound = 0;
  #retryMs = 0;

  /** `random` gives numbers from 0 to 1. */
  constructor(random: () => number, bounds: QueueBounds = limits.hooks) {
    this.#random = random;
    this.#bounds = bounds;
  }

  /** Events that wait or are being delivered, and the bytes of them. */
  get length(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The target does not answer, or asked to be left alone. */
  get down(): boolean {
    return this.#failures > 0;
  }

  /** Puts an event at the end of its lane. Returns what had to go for it. */
  add(item: HookItem): DeadLetter[] {
    let lane = this.#lanes.get(item.lane);
    if (lane === undefined) {
      lane = { items: [], busy: false, attempts: 0, failures: 0, retryMs: 0 };
      this.#lanes.set(item.lane, lane);
    }
    lane.items.push(item);
    this.#count++;
    this.#bytes += sizeOf(item);
    const dropped: DeadLetter[] = [];
    while (this.#count > this.#bounds.events || this.#bytes > this.#bounds.bytes) {
      const letter = this.#dropOldest();
      if (letter === null) break;
      dropped.push(letter);
    }
    return dropped;
  }

  /** The next attempt that may be made now, null if none. It must be settled. */
  take(nowMs: number): Attempt | null {
    if (this.#running >= (this.down ? 1 : this.#bounds.parallel) || nowMs < this.#retryMs) return null;
    for (const [key, lane] of this.#lanes) {
      if (lane.busy || lane.retryMs > nowMs) continue;
      lane.busy = true;
      this.#running++;
      // To the end, so that every camera has its turn.
      this.#lanes.delete(key);
      this.#lanes.set(key, lane);
      return { item: lane.items[0]!, round: this.#round };
    }
    return null;
  }

  /** When {@link take} may have something again without anything else happening, monotonic ms; null if that cannot be. */
  get nextMs(): number | null {
    if (this.#running >= (this.down ? 1 : this.#bounds.parallel)) return null;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { busy, retryMs } of this.#lanes.values()) if (!busy) earliest = Math.min(earliest, retryMs);
    return earliest === Number.POSITIVE_INFINITY ? null : Math.max(earliest, this.#retryMs);
  }

  /** An attempt has ended. Returns what will not be delivered any more. */
  settle({ item, round }: Attempt, outcome: Outcome, nowMs: number): DeadLetter[] {
    this.#running--;
    const lane = this.#lanes.get(item.lane);
    // It was emptied meanwhile.
    if (lane === undefined || lane.items[0] !== item) return [];
    lane.busy = false;
    // What began before the newest failure tells nothing new of the target.
    const isNews = round === this.#round;
    if (outcome.result !== 'retry') {
      if (isNews) this.#answered();
      const attempts = lane.attempts + 1;
      this.#shift(item.lane, lane);
      return outcome.result === 'refused' ? [{ item, cause: 'refused', detail: outcome.detail, attempts }] : [];
    }
    lane.attempts++;
    // The target was another one then, and says nothing of this one.
    if (round < this.#targetRound) return this.#expire(nowMs, outcome.detail);
    const waitMs = (failures: number) => Math.max(backoffMs(failures, this.#random()), outcome.afterMs ?? 0);
    if (outcome.scope === 'event') {
      if (isNews) this.#answered();
      lane.failures++;
      lane.retryMs = nowMs + waitMs(lane.failures);
    } else if (isNews) {
      this.#failures++;
      this.#round++;
      this.#retryMs = nowMs + waitMs(this.#failures);
    } else this.#retryMs = Math.max(this.#retryMs, nowMs + (outcome.afterMs ?? 0));
    return this.#expire(nowMs, outcome.detail);
  }

  /** The target is another one from now on: what the one before was left alone for is not its fault. */
  retarget(): void {
    this.#targetRound = ++this.#round;
    this.#answered();
    for (const lane of this.#lanes.values()) {
      lane.failures = 0;
      lane.retryMs = 0;
    }
  }

  /** Everything that waits, which is then forgotten; an attempt that runs is still to be settled. */
  empty(cause: DeathCause, detail: string): DeadLetter[] {
    const letters = [...this.#lanes.values()].flatMap(({ items, attempts }) =>
      items.map((item, place): DeadLetter => ({ item, cause, detail, attempts: place === 0 ? attempts : 0 })),
    );
    this.#lanes.clear();
    this.#count = 0;
    this.#bytes = 0;
    return letters;
  }

  /** The target is there. */
  #answered(): void {
    this.#failures = 0;
    this.#retryMs = 0;
  }

  /** Takes the first item off a lane. */
  #shift(key: string, lane: Lane): HookItem {
    const item = lane.items.shift()!;
    this.#count--;
    this.#bytes -= sizeOf(item);
    lane.attempts = 0;
    lane.failures = 0;
    lane.retryMs = 0;
    if (lane.items.length === 0) this.#lanes.delete(key);
    return item;
  }

  /** What is too old to be news to anybody. In a lane the oldest is the first. */
  #expire(nowMs: number, detail: string): DeadLetter[] {
    const letters: DeadLetter[] = [];
    for (const [key, lane] of this.#lanes) {
      while (!lane.busy && lane.items.length > 0 && nowMs - lane.items[0]!.queuedMs >= this.#bounds.giveUpMs) {
        const { attempts } = lane;
        letters.push({ item: this.#shift(key, lane), cause: 'expired', detail, attempts });
      }
    }
    return letters;
  }

  /** Drops the oldest event of the camera that has most of them. Null if all are being delivered. */
  #dropOldest(): DeadLetter | null {
    let fullest: [string, Lane] | null = null;
    let most = 0;
    for (const entry of this.#lanes) {
      const waiting = entry[1].items.length - (entry[1].busy ? 1 : 0);
      if (waiting > most) [fullest, most] = [entry, waiting];
    }
    if (fullest === null) return null;
    const [key, lane] = fullest;
    const { attempts } = lane;
    const died = { cause: 'dropped', detail: 'the queue is full' } as const;
    if (!lane.busy) return { ...died, item: this.#shift(key, lane), attempts };
    const [item] = lane.items.splice(1, 1) as [HookItem];
    this.#count--;
    this.#bytes -= sizeOf(item);
    return { ...died, item, attempts: 0 };
  }
}

/** Bytes that an item is counted with: what it holds in memory, near enough. */
function sizeOf({ event, content }: HookItem): number {
  return event.length + (content === event ? 0 : content.length);
}
