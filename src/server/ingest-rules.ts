import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../base/clock.ts';
import type { ErrorCode } from '../base/errors.ts';
import type { ConfiguredCamera } from '../config/hardware.ts';
import type { Camera, Peer, PublisherEvent } from '../control/messages.ts';
import { HoldOffs } from '../ingest-rules/hold-off.ts';
import {
  describeViolation,
  type IngestRules,
  needsLooks,
  noRules,
  type Violation,
} from '../ingest-rules/ingest-rules.ts';
import { type RuleChange, StreamJudge } from '../ingest-rules/stream-judge.ts';
import { publisherWord, type StreamCounters } from '../shm/stream-counters.ts';
import type { StreamEvents } from './stream-events.ts';

/** What an {@link IngestRuleWatch} has to do with. */
export interface IngestRuleWatchOptions {
  readonly events: StreamEvents;
  readonly counters: StreamCounters;
  readonly clock: Clock;
  /** Ends the connection of a camera's publisher. */
  readonly cut: (camera: number, reason: ErrorCode, detail: string) => void;
}

interface Watched {
  /** As it is named now. */
  camera: Camera;
  readonly publisher: Peer;
  readonly judge: StreamJudge;
  /** The camera's words, and the start of the stream whose counters were in them when this one began. */
  readonly words: Float64Array;
  readonly beforeStartedMs: number;
  /** It is on its way out. */
  cut: boolean;
}

/** Milliseconds between two looks at the counters. */
const tickMs = 1000;

/**
 * Holds running streams to the rules of their cameras: in the main thread, from what publishers report and from the shared
 * counters, so that no frame waits for it.
 */
export class IngestRuleWatch {
  readonly #options: IngestRuleWatchOptions;
  readonly #holdOffs = new HoldOffs();
  /** By camera index. */
  readonly #streams = new Map<number, Watched>();
  #rules = new Map<number, IngestRules>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: IngestRuleWatchOptions) {
    this.#options = options;
    const { events } = options;
    events.on('started', ({ camera, publisher }) => this.#start(camera, publisher));
    events.on('stopped', ({ camera }) => this.#streams.delete(camera.index));
    events.on('notice', ({ camera, notice }) => this.#notice(camera, notice));
  }

  /** The rules from now on, also for streams that run. `cameras` are the configured ones in their order, with their indexes. */
  configure(configured: readonly ConfiguredCamera[], cameras: readonly Camera[]): void {
    const before = this.#rules;
    this.#rules = new Map(cameras.map(({ index }, place) => [index, configured[place]?.rules ?? noRules]));
    for (const camera of cameras) {
      const stream = this.#streams.get(camera.index);
      if (stream !== undefined) stream.camera = camera;
    }
    for (const [index, rules] of this.#rules) {
      if (isDeepStrictEqual(rules, before.get(index) ?? noRules)) continue;
      this.#holdOffs.forget(index);
      const stream = this.#streams.get(index);
      if (stream === undefined) continue;
      this.#take(stream, stream.judge.replaceRules(rules, this.#options.clock.nowMs()));
      // What is broken already was only flagged so far.
      this.#reject(stream, stream.judge.violations);
    }
    this.#setTimer();
  }

  /** What the stream of the camera with this index breaks now. */
  violations(camera: number): readonly Violation[] {
    return this.#streams.get(camera)?.judge.violations ?? [];
  }

  /** Whether a publisher is still refused because it was disconnected by a rule a moment ago. */
  holdsOff(camera: number, address: string): boolean {
    return this.#holdOffs.holds(camera, address, this.#options.clock.nowMs());
  }

  /** Reads the counters and judges; the timer's, once a second. */
  look(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const stream of this.#streams.values()) {
      if (!needsLooks(stream.judge.rules) && stream.judge.violations.length === 0) continue;
      const { words } = stream;
      const startedMs = words[publisherWord.startedMs]!;
      // Until the publisher's thread has reset them, they are those of the stream before.
      if (startedMs === 0 || startedMs === stream.beforeStartedMs) continue;
      stream.judge.look({
        atMs: nowMs,
        dtsMs: words[publisherWord.lastDtsMs]!,
        frames: words[publisherWord.frames]!,
        bytes: words[publisherWord.bytes]!,
        keyframes: words[publisherWord.keyframes]!,
      });
      this.#take(stream, stream.judge.judge(nowMs));
    }
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #start(camera: Camera, publisher: Peer): void {
    const { words } = this.#options.counters.publisher(camera.index);
    this.#streams.set(camera.index, {
      camera,
      publisher,
      judge: new StreamJudge(this.#rules.get(camera.index) ?? noRules),
      words,
      beforeStartedMs: words[publisherWord.startedMs]!,
      cut: false,
    });
  }

  #notice(camera: Camera, notice: PublisherEvent): void {
    const stream = this.#streams.get(camera.index);
    if (stream === undefined) return;
    if (notice.type === 'parameters' || notice.type === 'parameters_changed') stream.judge.parameters(notice);
    else if (notice.type === 'b_frames') stream.judge.reordered();
    else return;
    this.#take(stream, stream.judge.judge(this.#options.clock.nowMs()));
  }

  /** Tells what has changed, and disconnects the publisher where the rules say so. */
  #take(stream: Watched, changes: readonly RuleChange[]): void {
    const { camera, publisher, judge } = stream;
    const { action } = judge.rules;
    for (const { state, violation } of changes) {
      this.#options.events.emit('rule', { camera, publisher, state, action, ...violation });
    }
    this.#reject(
      stream,
      changes.filter(({ state }) => state === 'broken').map(({ violation }) => violation),
    );
  }

  #reject(stream: Watched, violations: readonly Violation[]): void {
    const { camera, publisher, judge } = stream;
    if (judge.rules.action !== 'reject' || violations.length === 0 || stream.cut) return;
    stream.cut = true;
    const { cut, clock } = this.#options;
    const holdOffMs = this.#holdOffs.begin(camera.index, publisher.address, clock.nowMs());
    const detail = violations.map(describeViolation).join('; ');
    cut(camera.index, 'rule_violated', `${detail}; it may come back in ${holdOffMs / 1000} s`);
  }

  /** Looks only where something needs them. */
  #setTimer(): void {
    const isNeeded = [...this.#rules.values()].some(
      (rules) => !isDeepStrictEqual({ ...rules, action: 'flag' }, noRules),
    );
    if (isNeeded) this.#timer ??= setInterval(() => this.look(), tickMs).unref();
    else this.stop();
  }
}
