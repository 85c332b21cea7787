import { ApiError, ask } from './api.ts';
import { CameraHistory } from './history.ts';
import {
  type CameraName,
  goneCameras,
  type NamesAnswer,
  type OverviewAnswer,
  readNames,
  readSnapshot,
  type Snapshot,
} from './snapshot.ts';

/** Milliseconds between two polls while the page is looked at, a little more than an overview lasts, and while it is not. */
const pollMs = 1030;
const hiddenPollMs = 10_000;
/** Milliseconds without an answer after which what is shown is called old. */
const oldMs = 5000;

/** How the newest polls went. */
export interface FeedState {
  readonly snapshot: Snapshot | null;
  /** `performance.now` of the newest answer; 0 before the first. */
  readonly receivedMs: number;
  /** Why the newest poll failed; null if it did not. */
  readonly failure: string | null;
}

interface KnownNames {
  readonly tag: string;
  readonly answer: NamesAnswer;
  readonly list: readonly CameraName[];
}

/** Polls the overview, and remembers the last minutes. */
export class OverviewFeed {
  readonly history = new CameraHistory();
  readonly #onChange: () => void;
  readonly #onLoggedOut: () => void;
  #state: FeedState = { snapshot: null, receivedMs: 0, failure: null };
  #names: KnownNames | null = null;
  #etag = '';
  /** `performance.now` when the page was last shown, or began to ask. */
  #shownMs = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #running = false;

  constructor(onChange: () => void, onLoggedOut: () => void) {
    this.#onChange = onChange;
    this.#onLoggedOut = onLoggedOut;
  }

  get state(): FeedState {
    return this.#state;
  }

  /** What is shown is not what is now. */
  get old(): boolean {
    const { receivedMs, failure } = this.#state;
    // While nobody looks, an answer is seldom asked for: only one that did not come says something.
    if (document.hidden && failure === null) return false;
    return performance.now() - Math.max(receivedMs, this.#shownMs) > oldMs;
  }

  start(): void {
    this.#running = true;
    this.#shownMs = performance.now();
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#pollAfter(0);
  }

  stop(): void {
    this.#running = false;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  readonly #onVisibility = (): void => {
    if (document.hidden) return;
    this.#shownMs = performance.now();
    if (this.#timer !== null) this.#pollAfter(0);
  };

  #pollAfter(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#poll();
    }, ms);
  }

  async #poll(): Promise<void> {
    const begunMs = performance.now();
    try {
      const snapshot = await this.#fetchSnapshot();
      if (!this.#running) return;
      this.#state = { snapshot, receivedMs: performance.now(), failure: null };
    } catch (error) {
      if (!this.#running) return;
      if (error instanceof ApiError && error.status === 401) {
        this.#onLoggedOut();
        return;
      }
      const failure = error instanceof ApiError ? error.message : 'the answer of the server makes no sense';
      const { snapshot, receivedMs } = this.#state;
      this.#state = { snapshot, receivedMs, failure };
    }
    this.#onChange();
    const usual = document.hidden ? hiddenPollMs : pollMs;
    this.#pollAfter(Math.max(usual / 2, usual - (performance.now() - begunMs)));
  }

  async #fetchSnapshot(): Promise<Snapshot> {
    const response = await ask('/api/v1/overview', { headers: { 'If-None-Match': this.#etag } });
    const { snapshot: shown } = this.#state;
    if (response.status === 304 && shown !== null) return shown;
    const answer = (await response.json()) as OverviewAnswer;
    const names = await this.#namesFor(answer.names);
    // The names may be newer than the figures for a moment; the next poll has both.
    if (names.tag !== answer.names && shown !== null)
      throw new ApiError(0, 'The figures belong to other names of cameras (does a proxy change the ETag?)');
    this.#etag = response.headers.get('ETag') ?? '';
    // Another run of the server counts from zero, and may have other cameras under these indexes.
    if (shown !== null && answer.server.uptime < shown.answer.server.uptime) this.history.clear();
    this.history.add(answer, names.answer.cameras.index);
    return readSnapshot(answer, names.answer, names.list);
  }

  async #namesFor(tag: string): Promise<KnownNames> {
    if (this.#names !== null && this.#names.tag === tag) return this.#names;
    const response = await ask('/api/v1/overview/names');
    const answer = (await response.json()) as NamesAnswer;
    const list = readNames(answer);
    for (const index of goneCameras(this.#names?.list ?? [], list)) this.history.forget(index);
    this.#names = { tag: (response.headers.get('ETag') ?? '').replace(/^(W\/)?"|"$/g, ''), answer, list };
    return this.#names;
  }
}
