import { type EventType, eventTypes } from '../base/event-types.ts';
import { signatureHeader } from '../base/message-signature.ts';
import { defaultHookTimeoutMs, type HookEntry, type HookType, hookName, maskUrl } from '../config/hook-list.ts';
import { type CameraPlace, fillTemplate, type HookEvent, hookJson } from './hook-event.ts';
import { analyticsXml, judgeAnalyticsAnswer } from './milestone-analytics.ts';
import { type HookAnswer, judgeAnswer, type Outcome } from './outcome.ts';

/** What is read from files that an entry names. Never to be logged. */
export interface HookSecrets {
  readonly secret: string | null;
  /** PEM. */
  readonly ca: string | null;
}

/** Text of a generic event, fields separated by semicolons. */
const genericText = 'Skyweir;{event};{camera};{path};{reason};{blame}';

/** One hook: which events it wants, what it sends, and how it takes an answer. */
export class Hook {
  readonly name: string;
  readonly type: HookType;
  readonly url: string;
  readonly timeoutMs: number;
  readonly #entry: HookEntry;
  readonly #secrets: HookSecrets;
  readonly #events: ReadonlySet<EventType>;
  /** Lower-case names and paths; null is all. */
  readonly #cameras: ReadonlySet<string> | null;
  readonly #cameraIds: ReadonlyMap<string, string>;

  constructor(entry: HookEntry, secrets: HookSecrets) {
    this.#entry = entry;
    this.#secrets = secrets;
    this.name = hookName(entry);
    this.type = entry.type ?? 'webhook';
    this.url = entry.url;
    this.timeoutMs = entry.timeout ?? defaultHookTimeoutMs;
    this.#events = new Set(entry.events ?? eventTypes);
    this.#cameras = entry.cameras === undefined ? null : new Set(entry.cameras.map((name) => name.toLowerCase()));
    const ids = Object.entries(entry['camera-ids'] ?? {});
    this.#cameraIds = new Map(ids.map(([name, id]) => [name.toLowerCase(), id]));
  }

  get ca(): string | null {
    return this.#secrets.ca;
  }

  /** Whether what keeps one of the two from reaching its target keeps the other from it too. */
  reachesLike({ url, ca, timeoutMs }: Hook): boolean {
    return url === this.url && ca === this.ca && timeoutMs === this.timeoutMs;
  }

  get signed(): boolean {
    return this.#secrets.secret !== null;
  }

  /** What is shown of where it sends to. */
  get shownUrl(): string {
    return maskUrl(this.url);
  }

  /** The events that it wants, in the order of all events. */
  get events(): EventType[] {
    return eventTypes.filter((type) => this.#events.has(type));
  }

  /** The cameras that it wants to hear of, as the configuration names them; null is all. */
  get cameras(): readonly string[] | null {
    return this.#entry.cameras ?? null;
  }

  /** Whether it wants this event. One that chooses cameras wants nothing that concerns none of them. */
  wants(type: EventType, camera: HookEvent['record']['camera']): boolean {
    if (!this.#events.has(type)) return false;
    if (this.#cameras === null) return true;
    if (camera === null) return false;
    return [camera.name, camera.path, camera.rtspPath].some((known) => this.#cameras?.has(known.toLowerCase()));
  }

  /** What is sent for an event. */
  content(event: HookEvent, place: CameraPlace | null): string {
    const { text, separator = '', source = '{camera}' } = this.#entry;
    if (this.type === 'milestone-generic') {
      // A publisher that is refused has chosen its path: that must not look like fields, or events, of ours.
      const separators = separator === '' ? [';'] : [';', separator];
      return `${fillTemplate(text ?? genericText, event, place, separators)}${separator}`;
    }
    if (this.type === 'milestone-analytics')
      return analyticsXml(event, place, { text: text ?? '{title}', source, cameraIds: this.#cameraIds });
    return hookJson(event);
  }

  /** The headers of an attempt at `wallMs`. */
  headers(id: string, content: string, wallMs: number): Record<string, string> {
    const { secret } = this.#secrets;
    const isXml = this.type === 'milestone-analytics';
    return {
      'Content-Type': isXml ? 'text/xml; charset=utf-8' : 'application/json; charset=utf-8',
      ...(!isXml && { 'Skyweir-Id': id }),
      ...(secret !== null && signatureHeader(secret, content, wallMs)),
      ...this.#entry.headers,
    };
  }

  /** What an answer means. */
  judge(answer: HookAnswer, wallMs: number): Outcome {
    const outcome = judgeAnswer(answer, wallMs);
    return this.type === 'milestone-analytics' ? judgeAnalyticsAnswer(answer, outcome) : outcome;
  }
}
