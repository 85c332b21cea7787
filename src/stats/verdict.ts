import { percent } from '../base/percent.ts';
import { round } from '../base/round.ts';
import type { WindowFigures } from './stream-report.ts';

/** Who is to blame for frames that are missing or late. */
export type Blame = 'none' | 'source' | 'network' | 'server' | 'reader';

/** The answer for one window, with its reason in words. */
export interface Verdict {
  readonly blame: Blame;
  readonly text: string;
}

/** What is judged: a window, and what the publisher promised. */
export interface VerdictFacts {
  readonly window: Pick<
    WindowFigures,
    | 'measuredMs'
    | 'push'
    | 'pop'
    | 'drops'
    | 'truncated'
    | 'shed'
    | 'ingestShed'
    | 'unplayable'
    | 'parametersMissing'
    | 'queue'
    | 'interFrame'
    | 'usualMs'
    | 'arrival'
    | 'lateness'
    | 'threadLateMs'
    | 'silentMs'
    | 'audioOnlyMs'
    | 'threadSilentMs'
    | 'readersBefore'
    | 'readers'
    | 'cutOff'
    | 'ingestLoad'
    | 'consumerLoad'
  >;
  /** Frames a second that the publisher declares; 0 unknown. */
  readonly declaredFps: number;
  /** Frames since the stream started. */
  readonly totalFrames: number;
}

/** Every limit of {@link judge}. The documentation of the statistics explains them. */
export const thresholds = {
  /** Part of the frames, or of the time, that must be missing before anybody is blamed for it. */
  share: 0.05,
  /** Milliseconds of time stamps below which a frame rate is not judged. */
  judgedMs: 1000,
  /** Milliseconds between two time stamps, and multiples of their average, from which on the source stood still. */
  stallMs: 1000,
  stallMultiple: 5,
  /** Milliseconds that a frame arrives late, from which on the network is to blame. */
  lateMs: 500,
  /** Milliseconds without a frame at the end of a window, with `stallMultiple`, that are called silence. */
  silenceMs: 1000,
  /** Milliseconds without a note of the ingest thread from which on it stands still: it makes one each second. */
  noteMs: 1500,
  /** Part of the lateness by which the ingest thread itself was late, from which on the server is to blame for it. */
  ownLateness: 0.5,
  /** Frames that readers may be behind without being blamed: on their way, or held by the pacer. */
  framesOnTheWay: 10,
  /** Part of the queue's capacity that counts as full. */
  fullQueue: 0.9,
  /** Part of the time that a thread of ours is busy, from which on the server is to blame for what is late behind it. */
  busy: 0.9,
  /** Multiple of real time from which on a source floods the queue. */
  flood: 1.25,
} as const;

interface Finding {
  readonly blame: Exclude<Blame, 'none'>;
  /** Part of the frames, or of the time, that it explains. */
  readonly share: number;
  readonly text: string;
}

/** From the source on. */
const judges: readonly ((facts: VerdictFacts) => Finding | null)[] = [
  judgeSource,
  judgeCodec,
  judgeParameters,
  judgeSilence,
  judgeClock,
  judgeNetwork,
  judgeReaders,
];

/**
 * Says who is to blame for a shortfall of frames. All that is wrong is listed, what explains most of it first; of two that
 * explain the same the one nearer to the source.
 */
export function judge(facts: VerdictFacts): Verdict {
  const findings: Finding[] = [];
  for (const judgePart of judges) {
    const finding = judgePart(facts);
    if (finding !== null) findings.push(finding);
  }
  const [first, ...others] = findings.sort((a, b) => b.share - a.share);
  if (first === undefined) return { blame: 'none', text: describeNone(facts) };
  const also = others.map(({ blame, text }) => `; also ${blame}: ${text}`);
  return { blame: first.blame, text: `${first.text}${also.join('')}` };
}

/** Frames a second by the time stamps; 0 when there are too few to say. */
function timestampFps({ interFrame }: VerdictFacts['window']): number {
  if (interFrame === null || interFrame.average * interFrame.samples < thresholds.judgedMs) return 0;
  return 1000 / interFrame.average;
}

/** The time stamps: do they promise what was declared, and do they go on evenly? */
function judgeSource({ window, declaredFps }: VerdictFacts): Finding | null {
  const { interFrame, measuredMs } = window;
  const fps = timestampFps(window);
  if (interFrame === null || fps === 0) return null;
  const { average, maximum } = interFrame;
  const missing = declaredFps > 0 ? 1 - fps / declaredFps : 0;
  const stalled = maximum >= thresholds.stallMs && maximum >= thresholds.stallMultiple * average;
  const texts: string[] = [];
  if (missing >= thresholds.share) texts.push(`time stamps say ${number(fps)} fps, ${number(declaredFps)} declared`);
  if (stalled) texts.push(`time stamps stand still for ${Math.round(maximum)} ms`);
  if (texts.length === 0) return null;
  const stall = stalled ? Math.min(1, maximum / Math.max(measuredMs, maximum)) : 0;
  return { blame: 'source', share: Math.max(missing, stall), text: texts.join(', ') };
}

/** What came that is not usable video. */
function judgeCodec({ window }: VerdictFacts): Finding | null {
  const { push, drops, truncated } = window;
  const bad = drops.nonH264 + truncated;
  const share = bad / Math.max(1, push.frames + bad);
  if (bad === 0 || share < thresholds.share) return null;
  const texts: string[] = [];
  if (drops.nonH264 > 0) texts.push(`${drops.nonH264} messages are not H.264`);
  if (truncated > 0) texts.push(`${truncated} frames are damaged`);
  return { blame: 'source', share, text: texts.join(', ') };
}

/** Whether what came can be decoded at all. A picture to start at may be late; parameter sets come first of all. */
function judgeParameters({ window }: VerdictFacts): Finding | null {
  const { push, parametersMissing } = window;
  if (!parametersMissing || timestampFps(window) === 0) return null;
  const text = `no parameter sets (SPS and PPS) have come, so none of ${push.frames} frames can be decoded`;
  return { blame: 'source', share: 1, text };
}

/** Whether no video has come, although the connection is there. */
function judgeSilence({ window, totalFrames }: VerdictFacts): Finding | null {
  const { silentMs, audioOnlyMs, measuredMs, drops } = window;
  if (!isSilent(window) || isOwnSilence(window)) return null;
  if (totalFrames === 0 && drops.nonH264 === 0)
    return { blame: 'source', share: 1, text: `no video since the start, ${seconds(silentMs)} ago` };
  // What was noted may have come up to a note earlier.
  if (audioOnlyMs < thresholds.silenceMs + thresholds.noteMs) return null;
  const share = Math.min(1, silentMs / Math.max(1, measuredMs));
  const text = `no video for the last ${seconds(silentMs)}, while audio went on; its uplink may be too slow for both`;
  return { blame: 'source', share, text };
}

/**
 * Frames that come at the rate that was declared are in time, however late against time stamps that say more: such as those of
 * an encoder that counts each of two fields.
 */
function judgeClock({ window, declaredFps }: VerdictFacts): Finding | null {
  const { lateness, arrival, measuredMs } = window;
  const fps = timestampFps(window);
  if (lateness === null || arrival === null || lateness.maximum < thresholds.lateMs) return null;
  if (declaredFps === 0 || declaredFps / fps > 1 - thresholds.share) return null;
  if (Math.abs(1000 / arrival.average / declaredFps - 1) > thresholds.share) return null;
  const share = Math.min(1, lateness.maximum / Math.max(1, measuredMs));
  const text = `time stamps say ${number(fps)} fps, ${number(declaredFps)} declared, and so many arrive`;
  return { blame: 'source', share, text };
}

/** The arrivals against the time stamps. What is late because our own thread is busy, or stood still, is not the network's fault. */
function judgeNetwork(facts: VerdictFacts): Finding | null {
  const { window } = facts;
  const { push, lateness, arrival, silentMs, threadSilentMs, measuredMs, ingestLoad, ingestShed } = window;
  const texts: string[] = [];
  let lostMs = 0;
  let stoodMs = 0;
  if (lateness !== null && lateness.maximum >= thresholds.lateMs && judgeClock(facts) === null) {
    lostMs = lateness.maximum;
    if (window.threadLateMs >= thresholds.ownLateness * lateness.maximum) stoodMs = window.threadLateMs;
    const gap = arrival === null ? '' : `, longest gap ${Math.round(arrival.maximum)} ms`;
    texts.push(`frames arrive up to ${Math.round(lateness.maximum)} ms after their time stamps${gap}`);
  }
  if (isSilent(window) && judgeSilence(facts) === null) {
    lostMs = Math.max(lostMs, Math.min(silentMs, measuredMs));
    const isOurs = isOwnSilence(window);
    if (isOurs) stoodMs = Math.max(stoodMs, threadSilentMs);
    const maybe = isOurs ? '' : '; the source may have stopped as well';
    texts.push(`nothing arrived for the last ${seconds(silentMs)}${maybe}`);
  }
  // Up to the next keyframe frames are left out also when the thread is in time again.
  if (texts.length === 0 && ingestShed === 0) return null;
  const share = Math.min(1, Math.max(lostMs / Math.max(1, measuredMs), ingestShed / Math.max(1, push.frames)));
  const text = texts.join(', ');
  if (ingestShed > 0) {
    const because = texts.length === 0 ? '' : `: ${text}`;
    return { blame: 'server', share, text: `it could not keep up and left out ${ingestShed} frames${because}` };
  }
  if (ingestLoad >= thresholds.busy)
    return { blame: 'server', share, text: `its ingest thread is ${percent(ingestLoad)} busy and ${text}` };
  if (stoodMs > 0) {
    const stood = `its ingest thread, or the machine, stood still for ${seconds(stoodMs)}`;
    return { blame: 'server', share, text: `${stood} and ${text}` };
  }
  return { blame: 'network', share, text };
}

/** Whether the end of the window is too long without a frame. A camera may send fewer than it did before. */
function isSilent(window: VerdictFacts['window']): boolean {
  const { silentMs, interFrame } = window;
  const usualMs = interFrame?.average ?? window.usualMs;
  return silentMs >= thresholds.silenceMs && silentMs >= thresholds.stallMultiple * usualMs && !otherVideo(window);
}

/** Whether the ingest thread has stood still since the silence began: what came meanwhile is still to be read. */
function isOwnSilence({ silentMs, threadSilentMs }: VerdictFacts['window']): boolean {
  return threadSilentMs >= thresholds.noteMs && silentMs - threadSilentMs < thresholds.silenceMs;
}

/** Whether what is taken for silence was video of another codec, at half the usual rate or more; a frame a second where none is known. */
function otherVideo({ drops, silentMs, interFrame }: VerdictFacts['window']): boolean {
  return drops.nonH264 * 2 * (interFrame?.average ?? thresholds.silenceMs) >= silentMs;
}

/** The readers: what was there and did not reach them. */
function judgeReaders({ window }: VerdictFacts): Finding | null {
  const { push, pop, drops, shed, ingestShed, unplayable, queue, readersBefore, readers, cutOff, consumerLoad } =
    window;
  const offered = push.frames - ingestShed - unplayable;
  const missing = readersBefore > 0 && readers > 0 ? offered - pop.frames : 0;
  const missingShare = missing / Math.max(1, offered);
  const isFull = queue.maximum >= thresholds.fullQueue * queue.capacity;
  const texts: string[] = [];
  if (drops.overflow > 0) texts.push(`${drops.overflow} frames overflowed`);
  else if (isFull) texts.push(`the queue is at ${queue.maximum}`);
  if (cutOff > 0) texts.push(`${cutOff} too slow and disconnected`);
  const behind = missing >= thresholds.framesOnTheWay && missingShare >= thresholds.share;
  if (behind) texts.push(`${pop.frames} of ${offered} frames were read`);
  if (texts.length === 0) return null;
  const lost = drops.overflow / Math.max(1, offered);
  const share = Math.min(1, Math.max(lost, behind ? missingShare : 0, thresholds.share));
  const text = texts.join(', ');
  if (shed > 0) return { blame: 'server', share, text: `it could not keep up and left out ${shed} frames: ${text}` };
  const speed = speedOf(window);
  if (cutOff === 0 && speed >= thresholds.flood)
    return { blame: 'source', share, text: `it sends at ${number(speed)} times real time and ${text}` };
  if (consumerLoad >= thresholds.busy)
    return { blame: 'server', share, text: `its consumer thread is ${percent(consumerLoad)} busy and ${text}` };
  // A reader that joins starts at a keyframe. Who takes nothing has all of it in its queue; a burst is only a part.
  const waits = push.keyframes === 0 && pop.frames === 0 && queue.maximum < offered && !isFull;
  if (waits && cutOff === 0 && drops.overflow === 0)
    return { blame: 'source', share, text: `no keyframe among ${offered} frames, which readers wait for` };
  return { blame: 'reader', share, text };
}

/** How many seconds of video came in a second; 0 when that cannot be said. */
function speedOf(window: VerdictFacts['window']): number {
  if (timestampFps(window) === 0 || window.interFrame === null || window.arrival === null) return 0;
  return window.interFrame.average / Math.max(0.001, window.arrival.average);
}

function describeNone({ window, declaredFps }: VerdictFacts): string {
  const fps = timestampFps(window);
  if (fps === 0) return window.push.frames === 0 ? 'no frames in this window' : 'too short to judge';
  const parts =
    declaredFps > 0 ? [number(fps), ' of ', number(declaredFps), ' fps'] : [number(fps), ' fps, none declared'];
  if (window.readers === 0) parts.push(', nobody reads');
  // Joined, they are one text and not a tree of texts, for which `JSON.stringify` would take its slow way; see `onePiece`.
  return parts.join('');
}

function number(value: number): string {
  return String(round(value, 2));
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
