import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type IngestRules, noRules } from '../../../src/ingest-rules/ingest-rules.ts';
import { calmMs, StreamJudge } from '../../../src/ingest-rules/stream-judge.ts';

/** A second of a stream; what it leaves out is as before. */
interface Second {
  readonly mbit?: number;
  readonly fps?: number;
  /** New keyframes. */
  readonly keyframes?: number;
  /** Milliseconds that the stream's own clock went on. */
  readonly dtsMs?: number;
}

/** A judge with a stream whose seconds are given; looks are a second apart. */
class Stream {
  readonly judge: StreamJudge;
  /** Such as `broken max-bitrate 9 Mbit/s (8 Mbit/s) at 10`. */
  readonly changes: string[] = [];
  #second = 0;
  #dtsMs = 0;
  #frames = 1;
  #bytes = 0;
  #keyframes = 1;

  constructor(rules: Partial<IngestRules>) {
    this.judge = new StreamJudge({ ...noRules, ...rules });
    this.#look();
  }

  get nowMs(): number {
    return this.#second * 1000;
  }

  play(seconds: number, { mbit = 4, fps = 30, keyframes = 1, dtsMs = 1000 }: Second = {}): this {
    for (let i = 0; i < seconds; i++) {
      this.#second++;
      this.#dtsMs += dtsMs;
      this.#frames += fps;
      this.#bytes += (mbit * 1e6) / 8;
      this.#keyframes += keyframes;
      this.#look();
    }
    return this;
  }

  #look(): void {
    const counters = { frames: this.#frames, bytes: this.#bytes, keyframes: this.#keyframes };
    this.judge.look({ atMs: this.nowMs, dtsMs: this.#dtsMs, ...counters });
    for (const { state, violation } of this.judge.judge(this.nowMs))
      this.changes.push(`${state} ${violation.rule} ${violation.value} (${violation.limit}) at ${this.#second}`);
  }
}

describe('bitrate', () => {
  test('is broken after two windows above it, and told once', () => {
    const stream = new Stream({ maxMbit: 8 }).play(60, { mbit: 9 });
    assert.deepEqual(stream.changes, ['broken max-bitrate 9 Mbit/s (8 Mbit/s) at 10']);
    assert.deepEqual(stream.judge.violations, [{ rule: 'max-bitrate', value: '9 Mbit/s', limit: '8 Mbit/s' }]);
  });

  test('one large keyframe does not break it, whatever its size', () => {
    const stream = new Stream({ maxMbit: 8 });
    for (let i = 0; i < 10; i++) stream.play(1, { mbit: 60 }).play(9, { mbit: 4 });
    assert.deepEqual(stream.changes, []);
  });

  test('neither a burst after a gap, nor a link that catches up', () => {
    const stream = new Stream({ maxMbit: 8, maxFps: 30 }).play(20, { mbit: 7 });
    stream.play(6, { mbit: 0, fps: 0, keyframes: 0, dtsMs: 0 }).play(1, { mbit: 49, fps: 210, dtsMs: 7000 });
    stream.play(20, { mbit: 7 });
    stream.play(8, { mbit: 0, fps: 0, keyframes: 0, dtsMs: 0 }).play(20, { mbit: 9.8, fps: 42, dtsMs: 1400 });
    assert.deepEqual(stream.play(20, { mbit: 7 }).changes, []);
  });

  test('a source that floods breaks it, although its time stamps say otherwise', () => {
    const stream = new Stream({ maxMbit: 8 }).play(12, { mbit: 70, fps: 300, dtsMs: 10_000 });
    assert.match(stream.changes.join(), /^broken max-bitrate 46\.7 Mbit\/s/);
  });

  test('a stream right at the limit keeps it', () => {
    assert.deepEqual(new Stream({ maxMbit: 8 }).play(60, { mbit: 8.3 }).changes, []);
  });

  test('ends only after it was kept for a while, and then once', () => {
    const stream = new Stream({ maxMbit: 8 }).play(20, { mbit: 12 });
    for (let i = 0; i < 6; i++) stream.play(5, { mbit: 4 }).play(10, { mbit: 12 });
    assert.equal(stream.changes.length, 1, 'told once while it comes and goes');
    stream.play(60, { mbit: 4 });
    const ended = stream.changes.slice(1);
    assert.equal(ended.length, 1);
    assert.match(ended[0]!, /^kept max-bitrate/);
    assert.deepEqual(stream.judge.violations, []);
  });

  test('nothing is judged before the first frame, however long that takes', () => {
    const judge = new StreamJudge({ ...noRules, maxMbit: 1, maxGopMs: 1000 });
    const nothing = { dtsMs: 0, frames: 0, bytes: 0, keyframes: 0 };
    for (let atMs = 0; atMs < 30_000; atMs += 1000) judge.look({ atMs, ...nothing });
    assert.deepEqual(judge.judge(30_000), []);
  });
});

describe('frames per second', () => {
  test('are counted, not believed', () => {
    const stream = new Stream({ maxFps: 30 }).play(20, { fps: 60 });
    assert.deepEqual(stream.changes, ['broken max-fps 60 fps (30 fps) at 10']);
  });

  test('a stream at the limit keeps it, with the jitter of counting', () => {
    const stream = new Stream({ maxFps: 30 });
    for (let i = 0; i < 30; i++) stream.play(1, { fps: 31 }).play(1, { fps: 30 });
    assert.deepEqual(stream.changes, []);
  });
});

describe('group of pictures', () => {
  test('one that is too long is found while it lasts', () => {
    const stream = new Stream({ maxGopMs: 4000 }).play(5).play(6, { keyframes: 0 });
    assert.match(stream.changes.join(), /^broken max-gop 5 s \(4 s\) at 10$/);
  });

  test('one that is a little too long is found from several', () => {
    const stream = new Stream({ maxGopMs: 2000 });
    for (let i = 0; i < 6; i++) stream.play(2, { keyframes: 0 }).play(1).play(1, { keyframes: 0 }).play(1); // Every 2.5 s.
    assert.match(stream.changes.join(), /^broken max-gop 2\.[4-7] s \(2 s\) at \d+$/);
  });

  for (const seconds of [1, 2, 3, 5])
    test(`one of ${seconds} s keeps a limit of ${seconds} s`, () => {
      const stream = new Stream({ maxGopMs: seconds * 1000 });
      for (let i = 0; i < 20; i++) stream.play(seconds - 1, { keyframes: 0 }).play(1);
      assert.deepEqual(stream.changes, []);
    });

  test('neither a gap of the network nor a jump of the clock is a long one', () => {
    const stream = new Stream({ maxGopMs: 2000 }).play(10).play(8, { keyframes: 0, fps: 0, dtsMs: 0 });
    stream.play(1, { dtsMs: 9000, keyframes: 9 }).play(10).play(1, { dtsMs: 60_000, keyframes: 0 }).play(10);
    assert.deepEqual(stream.changes, []);
  });
});

describe('parameters', () => {
  const facts = { width: 1920, height: 1080, profile: 100 };
  const judged = (rules: Partial<IngestRules>, parameters = facts) => {
    const judge = new StreamJudge({ ...noRules, ...rules });
    judge.parameters(parameters);
    return judge.judge(0).map(({ violation }) => `${violation.value} (${violation.limit})`);
  };

  const hd = { width: 1280, height: 720 };
  const fullHd = { width: 1920, height: 1080 };
  test('a larger picture breaks the rule at once', () => {
    assert.deepEqual(judged({ maxSize: hd }), ['1920x1080 (1280x720)']);
  });
  test('one that is wide, or high, alone does too', () => {
    assert.deepEqual(judged({ maxSize: hd }, { ...facts, width: 2000, height: 100 }), ['2000x100 (1280x720)']);
  });
  test('a picture that stands upright keeps it', () => {
    assert.deepEqual(judged({ maxSize: fullHd }, { ...facts, width: 1080, height: 1920 }), []);
  });
  test('a picture that is not cropped to its last lines keeps it', () => {
    assert.deepEqual(judged({ maxSize: fullHd }, { ...facts, height: 1088 }), []);
  });
  test('an unknown size or profile is not judged', () => {
    const unknown = { width: 0, height: 0, profile: 0 };
    assert.deepEqual(judged({ maxSize: hd, profiles: ['main'] }, unknown), []);
  });
  test('a profile that is not allowed, by name and by number', () => {
    assert.deepEqual(judged({ profiles: ['baseline', 'main'] }), ['high (baseline, main)']);
    assert.deepEqual(judged({ profiles: ['main'] }, { ...facts, profile: 118 }), ['profile_idc 118 (main)']);
    assert.deepEqual(judged({ profiles: ['main', 'high'] }), []);
  });
  test('B-frames, where they are not allowed', () => {
    const judge = new StreamJudge({ ...noRules, bFrames: false });
    assert.deepEqual(judge.judge(0), []);
    judge.reordered();
    assert.equal(judge.judge(1)[0]?.violation.rule, 'allow-b-frames');
  });
  test('a stream that mends itself is told so after a while', () => {
    const judge = new StreamJudge({ ...noRules, maxSize: hd });
    judge.parameters(facts);
    judge.judge(0);
    judge.parameters({ ...facts, ...hd });
    assert.deepEqual(judge.judge(calmMs - 1), []);
    assert.deepEqual(
      judge.judge(calmMs).map(({ state }) => state),
      ['kept'],
    );
  });
});

describe('other rules while the stream runs', () => {
  test('what they forbid is broken at once, what they allow again is over at once', () => {
    const stream = new Stream({}).play(20, { mbit: 12 });
    const changed = stream.judge.replaceRules({ ...noRules, maxMbit: 8, maxFps: 25 }, stream.nowMs);
    assert.deepEqual(
      changed.map(({ state, violation }) => [state, violation.rule]),
      [
        ['broken', 'max-bitrate'],
        ['broken', 'max-fps'],
      ],
    );
    const relaxed = stream.judge.replaceRules({ ...noRules, maxMbit: 8 }, stream.nowMs);
    assert.deepEqual(
      relaxed.map(({ state, violation }) => [state, violation.rule]),
      [['kept', 'max-fps']],
    );
  });
});
