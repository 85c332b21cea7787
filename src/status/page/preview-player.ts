import { chooseTrim, keyframeSeconds } from './preview-fragment.ts';
import { type ClockMessage, choosePace, PictureAge } from './preview-pace.ts';

/** How the preview is doing. */
export interface PreviewState {
  readonly phase: 'connecting' | 'playing' | 'offline' | 'lost' | 'unsupported';
  /** Why the server has ended it, in its words; empty without. */
  readonly why: string;
  /** Milliseconds from the arrival of a frame at the server to its display, on average over some frames; null while unknown. */
  readonly ageMs: number | null;
}

interface CodecMessage {
  readonly type: 'codec';
  readonly mime: string;
  readonly width: number;
  readonly height: number;
}

type Message =
  | CodecMessage
  | { readonly type: 'state'; readonly live: boolean }
  | ({ readonly type: 'clock' } & ClockMessage);

/** Seconds of video that are kept behind the picture, and that may be there before it is trimmed; longer where keyframes are rare. */
const keptSeconds = 5;
const trimSeconds = 12;
/** Fragments that may wait for the decoder; more means that it does not keep up. */
const waitingFragments = 300;
/** Milliseconds until a lost connection is tried again: first, and at most. */
const retryMs = { first: 1000, most: 15_000 };
/** Milliseconds between two looks at how far behind the picture is. */
const paceMs = 250;
/** Milliseconds from one jump to the next: each makes the decoder begin at a keyframe, which a slow machine feels. */
const betweenJumpsMs = 2500;
/** Milliseconds after which the age of the newest picture is no longer told: it is older than that by now, and nobody knows how old. */
const ageShownMs = 2000;
/** Weight of the newest picture in the average of the age. */
const ageWeight = 0.05;
/** Close code of what will not be otherwise the next time (RFC 6455, 7.4.1): the login has ended, or the camera is gone. */
const refusedCode = 1008;

/** Plays a camera's preview: fragments of MP4 from a WebSocket into a video element (Media Source Extensions). */
export class PreviewPlayer {
  readonly #video: HTMLVideoElement;
  readonly #url: string;
  readonly #onState: (state: PreviewState) => void;
  readonly #age = new PictureAge();
  #state: PreviewState = { phase: 'connecting', why: '', ageMs: null };
  #socket: WebSocket | null = null;
  #source: MediaSource | null = null;
  #buffer: SourceBuffer | null = null;
  #objectUrl = '';
  #waiting: ArrayBuffer[] = [];
  /** Seconds at which the pictures are shown that a decoder can start at. */
  #keyframes: number[] = [];
  #averageMs: number | null = null;
  #jumpedMs = 0;
  /** `performance.now` of the newest picture. */
  #pictureMs = 0;
  #retry: ReturnType<typeof setTimeout> | null = null;
  #retryMs: number = retryMs.first;
  #pacer: ReturnType<typeof setInterval> | null = null;
  #stopped = false;

  constructor(video: HTMLVideoElement, url: string, onState: (state: PreviewState) => void) {
    this.#video = video;
    this.#url = url;
    this.#onState = onState;
  }

  start(): void {
    if (typeof MediaSource === 'undefined') {
      this.#set({ phase: 'unsupported', why: '', ageMs: null });
      return;
    }
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#pacer = setInterval(() => this.#keepPace(), paceMs);
    this.#watchPictures();
    this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    if (this.#pacer !== null) clearInterval(this.#pacer);
    this.#disconnect();
    this.#dropSource();
  }

  // ---- connection --------------------------------------------------------------------------------------------------------

  readonly #onVisibility = (): void => {
    if (document.hidden) {
      this.#disconnect();
      // Whoever comes back must not take this picture for what is now.
      this.#dropSource();
      this.#set({ phase: 'connecting', why: '', ageMs: null });
    } else if (this.#socket === null) this.#connect();
  };

  #connect(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    if (document.hidden) return;
    const socket = new WebSocket(this.#url);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      if (socket !== this.#socket) return;
      if (typeof data === 'string') this.#onMessage(JSON.parse(data) as Message);
      else this.#onFragment(data as ArrayBuffer);
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.#set({ phase: 'lost', why: reason, ageMs: null });
      if (code === refusedCode) return;
      this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
      this.#retryMs = Math.min(retryMs.most, this.#retryMs * 2);
    });
  }

  #disconnect(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #onMessage(message: Message): void {
    if (message.type === 'codec') this.#begin(message);
    else if (message.type === 'clock') this.#age.note(message, performance.now());
    else if (!message.live) this.#set({ phase: 'offline', why: '', ageMs: null });
    else if (this.#state.phase === 'offline') this.#set({ phase: 'connecting', why: '', ageMs: null });
  }

  // ---- media -------------------------------------------------------------------------------------------------------------

  /** Another picture format: everything begins anew, with the init segment that comes next. */
  #begin({ mime }: CodecMessage): void {
    this.#dropSource();
    if (!MediaSource.isTypeSupported(mime)) {
      this.#set({ phase: 'unsupported', why: '', ageMs: null });
      return;
    }
    const source = new MediaSource();
    this.#source = source;
    this.#objectUrl = URL.createObjectURL(source);
    this.#video.src = this.#objectUrl;
    source.addEventListener(
      'sourceopen',
      () => {
        if (source !== this.#source) return;
        // Without an end the decoder shows frames as soon as it has them.
        source.duration = Number.POSITIVE_INFINITY;
        const buffer = source.addSourceBuffer(mime);
        buffer.addEventListener('updateend', () => this.#append());
        this.#buffer = buffer;
        this.#append();
      },
      { once: true },
    );
    // A browser may want a click first; without sound none does.
    this.#video.play().catch(() => undefined);
  }

  #onFragment(data: ArrayBuffer): void {
    if (this.#source === null) return;
    this.#waiting.push(data);
    this.#keyframes.push(...keyframeSeconds(data));
    if (this.#waiting.length > waitingFragments) this.#startOver();
    else this.#append();
  }

  #append(): void {
    const buffer = this.#buffer;
    if (buffer === null || buffer.updating || this.#source?.readyState !== 'open') return;
    try {
      if (this.#trim(buffer)) return;
      const next = this.#waiting.shift();
      if (next !== undefined) buffer.appendBuffer(next);
    } catch {
      // The decoder has given up, or its memory is full.
      this.#startOver();
    }
  }

  /** Forgets what was seen long ago. Returns whether there was any: the buffer is busy then. */
  #trim(buffer: SourceBuffer): boolean {
    const { buffered } = buffer;
    const { currentTime } = this.#video;
    if (buffered.length === 0 || currentTime - buffered.start(0) <= trimSeconds) return false;
    const end = chooseTrim(this.#keyframes, buffered.start(0), currentTime, keptSeconds);
    if (end === null) return false;
    this.#keyframes = this.#keyframes.filter((seconds) => seconds > end);
    buffer.remove(0, end);
    return true;
  }

  #startOver(): void {
    this.#disconnect();
    this.#dropSource();
    this.#set({ phase: 'lost', why: 'The browser could not show the video; trying again …', ageMs: null });
    this.#retry = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(retryMs.most, this.#retryMs * 2);
  }

  #dropSource(): void {
    this.#source = null;
    this.#buffer = null;
    this.#waiting = [];
    this.#keyframes = [];
    this.#averageMs = null;
    this.#age.restart();
    this.#video.removeAttribute('src');
    this.#video.load();
    if (this.#objectUrl !== '') URL.revokeObjectURL(this.#objectUrl);
    this.#objectUrl = '';
  }

  // ---- now ---------------------------------------------------------------------------------------------------------------

  #keepPace(): void {
    const { buffered, currentTime, error } = this.#video;
    const isStanding = performance.now() - this.#pictureMs > ageShownMs;
    if (isStanding && this.#state.phase === 'playing') this.#set({ phase: 'playing', why: '', ageMs: null });
    if (error !== null) {
      this.#startOver();
      return;
    }
    if (buffered.length === 0) return;
    const last = buffered.length - 1;
    const start = buffered.start(last);
    const { seekTo, rate } = choosePace({ current: currentTime, start, end: buffered.end(last) });
    const nowMs = performance.now();
    if (seekTo !== null && (currentTime < start || nowMs - this.#jumpedMs > betweenJumpsMs)) {
      this.#jumpedMs = nowMs;
      this.#video.currentTime = seekTo;
    }
    if (this.#video.playbackRate !== rate) this.#video.playbackRate = rate;
    if (this.#video.paused) this.#video.play().catch(() => undefined);
  }

  #watchPictures(): void {
    if (this.#stopped || !('requestVideoFrameCallback' in this.#video)) return;
    this.#video.requestVideoFrameCallback((_nowMs, { mediaTime, expectedDisplayTime }) => {
      this.#watchPictures();
      // What was on its way to the screen still comes when the connection is gone.
      if (this.#socket === null || this.#source === null) return;
      this.#pictureMs = performance.now();
      const ageMs = this.#age.of(mediaTime, expectedDisplayTime);
      if (ageMs !== null) {
        const before = this.#averageMs ?? ageMs;
        this.#averageMs = before + (ageMs - before) * ageWeight;
      }
      this.#retryMs = retryMs.first;
      this.#set({ phase: 'playing', why: '', ageMs: this.#averageMs });
    });
  }

  /** Pictures come more often than anybody reads figures. */
  #set(state: PreviewState): void {
    const before = this.#state;
    const isSame = state.phase === before.phase && state.why === before.why;
    if (isSame && roundAge(state.ageMs) === roundAge(before.ageMs)) return;
    this.#state = state;
    if (!this.#stopped) this.#onState(state);
  }
}

/** To the 20 ms that a reader could tell apart. */
function roundAge(ageMs: number | null): number | null {
  return ageMs === null ? null : Math.round(ageMs / 20);
}
