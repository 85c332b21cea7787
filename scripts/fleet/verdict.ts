/** PASS or FAIL: what must be true of a fleet that has flown. */
import { accountOf, heldSeconds } from './account.ts';
import type { ReaderFigures } from './camera-readers.ts';
import type { EndedRun, PublisherFigures } from './publishers.ts';
import type { PlannedEnding, Scenario } from './schedule.ts';

/** One camera as both sides saw it; `reader` is null when nothing was read back. */
export interface CameraResult {
  readonly path: string;
  readonly clip: string;
  readonly publisher: PublisherFigures;
  readonly reader: ReaderFigures | null;
  /** Frames at the ends of streams that were sent and never came. */
  readonly tailLost: number;
}

/** What the verdict depends on besides the cameras. */
export interface VerdictFacts {
  readonly scenario: Scenario;
  /** The contents of frames are known, not only their number. */
  readonly stamped: boolean;
  readonly readBack: boolean;
  /** Ended by Ctrl-C or by a server that went away; cameras that had not started yet are no failure then. */
  readonly interrupted: boolean;
  /** Cameras that had been asked to start. */
  readonly asked: number;
  /** For an early end: cameras that had not settled yet, so that it is no fault where they stood; without it all had. */
  readonly unsettled?: readonly boolean[];
  /** Failures of the whole, such as a server that ended. */
  readonly failures: readonly string[];
  /** Frames per second of each camera; without it frames that are neither read nor lost are not looked for. */
  readonly frameRates?: readonly number[];
  /** Connections that each camera's own link was to break; without it none. */
  readonly linkBreaks?: readonly number[];
  /** Cameras with a link of their own, which may take their frames too slowly; without it none. */
  readonly linked?: readonly boolean[];
  /** When streams of each camera ended as planned, by the system clock, so that its reader may be cut off; without it never. */
  readonly endings?: readonly (readonly PlannedEnding[])[];
}

/** One kind of fault and the cameras (counted from 1) that have it. */
export interface Problem {
  readonly text: string;
  readonly cameras: readonly number[];
  /** Sum over these cameras, 0 where there is nothing to add up. */
  readonly total: number;
}

/** The outcome. */
export interface Verdict {
  readonly pass: boolean;
  readonly line: string;
  readonly problems: readonly Problem[];
}

/** Cameras that a line names before it says "and more". */
const namedCameras = 8;

/** Scenarios in which an attempt may be refused while its forerunner is not gone. */
const mayBeRefused: ReadonlySet<Scenario> = new Set(['bad-radio', 'kills', 'storm', 'mixed', 'rough']);

/** Seconds of video after which some of it has come, although its stream was killed then. */
const certainSeconds = 3;

/**
 * Frames that a finished run had sent and that are not in the reader's account; and those of killed runs of which nothing came
 * though there was time enough, or the end of which is longer than a kill explains.
 */
export function tailLoss(
  publisher: PublisherFigures,
  reader: ReaderFigures | null,
  runCount: number,
  framesPerSecond: number,
): number {
  if (reader === null) return 0;
  const [first] = reader.ends;
  const endOf = (run: number) => reader.ends.findLast((one) => one.run === run % runCount);
  // A reader that was there before, and never away, had to see each later run.
  const hadToSee = (run: number): boolean =>
    first !== undefined && reader.breaks === 0 && ((run % runCount) - first.run + runCount) % runCount < runCount / 2;
  // The number of an older one may be that of a newer one by now.
  const isRecent = ({ run }: EndedRun): boolean => publisher.starts - run <= runCount;
  let lost = 0;
  for (const { run, sent } of publisher.finished.filter(isRecent)) {
    const end = endOf(run);
    if (end !== undefined) lost += Math.max(0, sent - 1 - end.last);
    else if (hadToSee(run)) lost += sent;
  }
  for (const { run, sent } of publisher.killed.filter(isRecent)) {
    const end = endOf(run);
    const missing = end === undefined ? sent : sent - 1 - end.last;
    const explained = (end === undefined ? certainSeconds : heldSeconds) * framesPerSecond;
    if (missing > explained && (end !== undefined || hadToSee(run))) lost += missing;
  }
  return lost;
}

/** Judges. */
export function judge(cameras: readonly CameraResult[], facts: VerdictFacts): Verdict {
  const problems: Problem[] = facts.failures.map((text) => ({ text, cameras: [], total: 0 }));
  const flown = facts.interrupted ? cameras.slice(0, facts.asked) : cameras;
  const check = (text: string, count: (camera: CameraResult, index: number) => number): void => {
    const hit = flown
      .map((camera, index) => ({ number: index + 1, count: count(camera, index) }))
      .filter((one) => one.count > 0);
    if (hit.length === 0) return;
    const total = hit.reduce((sum, one) => sum + one.count, 0);
    problems.push({ text, cameras: hit.map((one) => one.number), total });
  };
  const reads = (count: (reader: ReaderFigures) => number) => (camera: CameraResult) =>
    camera.reader === null ? 0 : count(camera.reader);
  const oneIf = (isAt: (camera: CameraResult) => boolean) => (camera: CameraResult, index: number) =>
    facts.unsettled?.[index] !== true && isAt(camera) ? 1 : 0;
  const mute = oneIf(({ publisher }) => publisher.sent === 0);
  check(`never published${because(flown.find((one, index) => mute(one, index) > 0)?.publisher.problem)}`, mute);
  check(
    'not publishing at the end',
    oneIf(({ publisher }) => publisher.sent > 0 && publisher.state === 'starting'),
  );
  // What a link breaks is part of the plan; a server that fails breaks more.
  check('cut off by the server', ({ publisher }, index) => publisher.broken - (facts.linkBreaks?.[index] ?? 0));
  if (!mayBeRefused.has(facts.scenario)) check('refused by the server', ({ publisher }) => publisher.refused);
  check('stalled by the server', ({ publisher }, index) => (facts.linked?.[index] === true ? 0 : publisher.notSent));
  if (facts.readBack) {
    const unseen = oneIf(({ publisher, reader }) => publisher.sent > 0 && reader?.frames === 0);
    check(
      `never seen by their reader${because(flown.find((one, index) => unseen(one, index) > 0)?.reader?.problem)}`,
      unseen,
    );
    check('lost frames', ({ reader, tailLost }) => (reader?.lost ?? 0) + tailLost);
    check(
      'sent frames twice',
      reads((reader) => reader.duplicated),
    );
    check(
      'sent frames out of order',
      reads((reader) => reader.reordered),
    );
    check(
      'sent frames with wrong bytes',
      reads((reader) => reader.corrupt),
    );
    check(
      "sent another camera's frames",
      reads((reader) => reader.misrouted),
    );
    check(
      'had gaps in their RTP packets',
      reads((reader) => reader.sequenceGaps),
    );
    const { frameRates } = facts;
    if (frameRates !== undefined && facts.stamped && !facts.interrupted)
      check('have frames that nothing explains', (camera) => {
        const rate = frameRates[cameras.indexOf(camera)] ?? 0;
        return accountOf(camera, rate).unexplained;
      });
    const { endings } = facts;
    check('cut off their reader', ({ reader }, index) => (reader === null ? 0 : unplanned(reader, endings?.[index])));
  }
  if (flown.length === 0) problems.push({ text: 'ended before the first camera had started', cameras: [], total: 0 });
  const wasSeen = ({ publisher, reader }: CameraResult): boolean =>
    (facts.readBack ? reader?.frames : publisher.sent) !== 0;
  if (problems.length === 0 && !flown.some(wasSeen))
    problems.push({ text: 'ended before the first frame had come', cameras: [], total: 0 });
  const pass = problems.length === 0;
  const line = pass ? passLine(flown, facts) : `FAIL: ${problems.map(problemText).join('; ')}`;
  return { pass, line: facts.interrupted ? `${line} (ended early)` : line, problems };
}

/** Breaks of a reader that no end of its camera's stream explains; each end explains one. */
function unplanned(reader: ReaderFigures, endings: readonly PlannedEnding[] = []): number {
  const left = [...endings];
  let count = reader.breaks;
  for (const atMs of reader.breaksAtMs) {
    const place = left.findIndex(({ fromMs, toMs }) => fromMs <= atMs && atMs <= toMs);
    if (place < 0) continue;
    left.splice(place, 1);
    count--;
  }
  return count;
}

/** The reason that the first of them gives. */
function because(problem: string | undefined): string {
  return problem ? ` (${problem})` : '';
}

function problemText({ text, cameras, total }: Problem): string {
  if (cameras.length === 0) return text;
  const names = cameras.slice(0, namedCameras).join(', ');
  const more = cameras.length > namedCameras ? ', ...' : '';
  const sum = total > cameras.length ? ` (${total} in all)` : '';
  return `${cameras.length} ${cameras.length === 1 ? 'camera' : 'cameras'} ${text}: ${names}${more}${sum}`;
}

function passLine(cameras: readonly CameraResult[], facts: VerdictFacts): string {
  const many = `${cameras.length} ${cameras.length === 1 ? 'camera' : 'cameras'}`;
  const sum = (count: (camera: CameraResult) => number): number =>
    cameras.reduce((total, camera) => total + count(camera), 0);
  const sent = sum(({ publisher }) => publisher.sent);
  if (!facts.readBack) return `PASS: ${many} published ${sent} frames; nothing was read back (see --read)`;
  const frames = sum(({ reader }) => reader?.frames ?? 0);
  const kills = sum(({ publisher }) => publisher.kills);
  const starts = sum(({ publisher }) => publisher.starts) - cameras.length;
  const returns = starts > 0 ? `, ${kills > 0 ? `${kills} kills, ` : ''}${starts} returns` : '';
  const head = `PASS: ${many}${returns}, ${frames} frames read back`;
  if (facts.stamped) return `${head}, every one in its place, none lost`;
  // Of a stream that was killed, and by another server's readers, some may be missing without anybody's fault.
  return frames < sent
    ? `${head} of ${sent} or more that were sent, not known which`
    : `${head}, counted, none missing`;
}
