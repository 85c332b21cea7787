import type { Blame, CameraState } from './words.ts';

/** Answer of `/api/v1/overview/names`. */
export interface NamesAnswer {
  readonly cameras: {
    readonly index: readonly number[];
    readonly name: readonly string[];
    readonly path: readonly string[];
    readonly rtspPath: readonly string[];
    readonly hardware: readonly number[];
    readonly listener: readonly number[];
    readonly asksForKey: readonly boolean[];
  };
  readonly listeners: readonly { readonly rtmp: number | null; readonly rtmps: number | null }[];
  readonly rtspPort: number;
  readonly hardware: readonly string[];
  readonly reasons: Readonly<Record<string, string>>;
}

/** Columns of the cameras that have a publisher; one place each. */
export interface LiveColumns {
  /** Places in the list of all cameras. */
  readonly camera: readonly number[];
  readonly publisher: readonly string[];
  readonly uptime: readonly number[];
  readonly silent: readonly number[];
  readonly width: readonly number[];
  readonly height: readonly number[];
  readonly fps: readonly number[];
  readonly promised: readonly number[];
  readonly kbps: readonly number[];
  readonly jitter: readonly number[];
  readonly late: readonly number[];
  readonly queue: readonly number[];
  readonly frames: readonly number[];
  readonly bytes: readonly number[];
  readonly keyframes: readonly number[];
  readonly lost: readonly number[];
  readonly refused: readonly number[];
  readonly blame: readonly (Blame | null)[];
  readonly why: readonly (string | null)[];
  /** The rules of the configuration that the stream breaks, in words; empty for none. */
  readonly rules: readonly string[];
}

export interface ServerAnswer {
  readonly version: string;
  readonly uptime: number;
  readonly ready: boolean;
  readonly reasons: readonly { readonly code: string; readonly text: string }[];
  readonly overloaded: boolean;
  readonly threads: readonly {
    readonly kind: 'ingest' | 'consumer';
    readonly index: number;
    readonly busy: number;
    readonly delay: number;
    readonly bitsPerSecond: number;
    readonly connections: number;
  }[];
  readonly failures: Readonly<Record<'ingest' | 'consumer' | 'acceptor', number>>;
  readonly listeners: readonly {
    readonly protocol: string;
    readonly port: number;
    readonly connections: number;
    readonly limit: number;
    readonly accepted: number;
    readonly rejected: Readonly<Record<string, number>>;
  }[];
  readonly publish: {
    readonly requested: number;
    readonly granted: number;
    readonly refused: Readonly<Record<string, number>>;
    readonly ends: Readonly<Record<string, number>>;
  };
  readonly readers: { readonly open: number };
  readonly http: { readonly connections: number; readonly authFailures: number };
}

/** Answer of `/api/v1/overview`. */
export interface OverviewAnswer {
  readonly names: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly time: number;
  readonly server: ServerAnswer;
  readonly all: { readonly readers: readonly number[]; readonly starts: readonly number[] };
  readonly live: LiveColumns;
}

/** What the configuration says about a camera. */
export interface CameraName {
  /** Place in the list of all cameras. */
  readonly place: number;
  /** What the server knows it by. */
  readonly index: number;
  readonly name: string;
  readonly path: string;
  readonly rtspPath: string;
  readonly hardware: string;
  readonly listener: number;
  /** Publishers need more than the path. */
  readonly asksForKey: boolean;
  /** Name and path in lower case, for the search. */
  readonly words: string;
  /** Place in the order of the names. */
  readonly rank: number;
}

/** What is known about the stream of a camera. */
export interface LiveFigures {
  readonly publisher: string;
  readonly uptime: number;
  readonly silent: number;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly promised: number;
  readonly kbps: number;
  readonly jitter: number;
  readonly late: number;
  readonly queue: number;
}

/** A camera as the page shows it. */
export interface CameraView extends CameraName {
  readonly state: CameraState;
  readonly readers: number;
  /** Streams since the server started. */
  readonly starts: number;
  readonly live: LiveFigures | null;
  /** Null while it is offline. */
  readonly blame: Blame | null;
  readonly why: string;
}

/** Everything at one moment. */
export interface Snapshot {
  readonly answer: OverviewAnswer;
  readonly names: NamesAnswer;
  readonly cameras: readonly CameraView[];
  readonly counts: Readonly<Record<CameraState, number>>;
  /** Sums over all cameras. */
  readonly kbps: number;
  readonly readers: number;
}

/** Seconds without a frame after which a camera is called silent, before the server's statistics say who is to blame. */
export const silentSeconds = 3;

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** The cameras of the names, sorted out once for each change of the configuration. */
export function readNames({ cameras, hardware }: NamesAnswer): CameraName[] {
  const { name: titles } = cameras;
  const order = titles.map((_, place) => place).sort((a, b) => collator.compare(titles[a]!, titles[b]!) || a - b);
  const ranks = new Array<number>(titles.length);
  for (const [rank, place] of order.entries()) ranks[place] = rank;
  return titles.map((name, place) => {
    const path = cameras.path[place]!;
    return {
      place,
      index: cameras.index[place]!,
      name,
      path,
      rtspPath: cameras.rtspPath[place]!,
      hardware: hardware[cameras.hardware[place]!] ?? '',
      listener: cameras.listener[place]!,
      asksForKey: cameras.asksForKey[place]!,
      words: `${name} ${path}`.toLowerCase(),
      rank: ranks[place]!,
    };
  });
}

/**
 * Indexes of cameras that are there no more, though the index may be that of another one now. The server knows a camera again by its
 * path, its RTSP path or its name.
 */
export function goneCameras(before: readonly CameraName[], now: readonly CameraName[]): number[] {
  const byIndex = new Map(now.map((camera) => [camera.index, camera]));
  const gone = before.filter(({ index, path, rtspPath, name }) => {
    const other = byIndex.get(index);
    return other === undefined || (other.path !== path && other.rtspPath !== rtspPath && other.name !== name);
  });
  return gone.map(({ index }) => index);
}

/** Joins the figures with the names that they belong to. */
export function readSnapshot(answer: OverviewAnswer, names: NamesAnswer, list: readonly CameraName[]): Snapshot {
  const { all, live } = answer;
  const cameras: CameraView[] = list.map((name) => ({
    ...name,
    state: 'offline',
    readers: all.readers[name.place] ?? 0,
    starts: all.starts[name.place] ?? 0,
    live: null,
    blame: null,
    why: '',
  }));
  const counts = { air: 0, trouble: 0, offline: cameras.length };
  let kbps = 0;
  for (const [at, place] of live.camera.entries()) {
    const camera = cameras[place];
    if (camera === undefined) continue;
    const figures = figuresAt(live, at);
    const { blame, why } = judged(live.blame[at]!, live.why[at]!, live.rules[at]!, figures);
    const state = blame === 'none' || blame === 'measuring' ? 'air' : 'trouble';
    cameras[place] = { ...camera, state, live: figures, blame, why };
    counts[state]++;
    counts.offline--;
    kbps += figures.kbps;
  }
  const readers = all.readers.reduce((sum, count) => sum + count, 0);
  return { answer, names, cameras, counts, kbps, readers };
}

function figuresAt(live: LiveColumns, at: number): LiveFigures {
  return {
    publisher: live.publisher[at]!,
    uptime: live.uptime[at]!,
    silent: live.silent[at]!,
    width: live.width[at]!,
    height: live.height[at]!,
    fps: live.fps[at]!,
    promised: live.promised[at]!,
    kbps: live.kbps[at]!,
    jitter: live.jitter[at]!,
    late: live.late[at]!,
    queue: live.queue[at]!,
  };
}

/** The server judges once in a while; what has gone quiet since then is shown at once. */
function judged(
  blame: Blame | null,
  why: string | null,
  rules: string,
  { silent }: LiveFigures,
): { blame: Blame; why: string } {
  const isSilent = silent >= silentSeconds;
  if (blame !== null && blame !== 'none') return { blame, why: why ?? '' };
  if (rules !== '') return { blame: 'source', why: `it breaks a rule: ${rules}` };
  if (isSilent) return { blame: 'silent', why: `nothing has arrived for ${Math.round(silent)} s` };
  if (blame === null) return { blame: 'measuring', why: 'the first statistics come soon' };
  return { blame, why: why ?? '' };
}
