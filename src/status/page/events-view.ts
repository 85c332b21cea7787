import type { StreamEvent } from './event-feed.ts';
import { isOf, kindOf, type NamedCamera } from './event-words.ts';
import { html } from './html.ts';
import { blameWords, clockText, reasonText } from './words.ts';

export interface EventsProps {
  /** Newest first. */
  readonly events: readonly StreamEvent[];
  readonly reasons: Readonly<Record<string, string>>;
  /** Opens a camera by its index; without it names are no links. */
  readonly onOpen?: (index: number) => void;
  /** Those of now, which can be opened. */
  readonly cameras?: readonly NamedCamera[];
  /** Names are left out: all are of one camera. */
  readonly single?: boolean;
}

/** What happened, newest first. */
export function EventList({ events, reasons, onOpen, cameras = [], single = false }: EventsProps) {
  if (events.length === 0) return html`<p class="nothing">Nothing has happened yet.</p>`;
  const now = new Date();
  const byIndex = new Map(cameras.map((camera) => [camera.index, camera]));
  return html`
    <ol class=${`events${single ? ' single' : ''}`}>
      ${events.map((event) => {
        const { id, type, time, stream, name, path } = event;
        const { title, mark } = kindOf(type, event.rule);
        const shown = name ?? path ?? (stream === null ? 'Server' : '');
        return html`
          <li key=${id} class=${`event ${type}`}>
            <time datetime=${time}>${clockText(new Date(time), now)}</time>
            ${
              !single &&
              (onOpen === undefined || stream === null || !isOf(event, byIndex.get(stream))
                ? html`<span class="name">${shown}</span>`
                : html`<button type="button" class="link name" onClick=${() => onOpen(stream)}>${shown}</button>`)
            }
            <span class="what"><span class=${`mark ${mark}`} aria-hidden="true"></span>${title}</span>
            <span class="more">${detailOf(event, reasons)}</span>
          </li>
        `;
      })}
    </ol>
  `;
}

function detailOf(event: StreamEvent, reasons: EventsProps['reasons']): string {
  const { type, address, reason, count, blame, text } = event;
  const why = reason === null ? '' : reasonText(reason, reasons);
  const parts = [
    blame !== null && blame !== 'none' ? `${blameWords[blame]}:` : '',
    why || (text ?? ''),
    address !== null && (type === 'started' || type === 'rejected') ? `from ${address}` : '',
    count > 1 ? `(${count} times)` : '',
  ];
  return parts.filter(Boolean).join(' ');
}
