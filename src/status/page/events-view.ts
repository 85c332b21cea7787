import type { StreamEvent } from './event-feed.ts';
import { html } from './html.ts';
import { blameWords, type CameraState, clockText, reasonText } from './words.ts';

export interface EventsProps {
  /** Newest first. */
  readonly events: readonly StreamEvent[];
  readonly reasons: Readonly<Record<string, string>>;
  /** Opens a camera by its index; without it names are no links. */
  readonly onOpen?: (index: number) => void;
  /** Names are left out: all are of one camera. */
  readonly single?: boolean;
}

/** What events are called, and the mark in front. */
const kinds: Readonly<Record<string, { readonly title: string; readonly mark: CameraState }>> = {
  started: { title: 'On air', mark: 'air' },
  stopped: { title: 'Ended', mark: 'offline' },
  rejected: { title: 'Refused', mark: 'trouble' },
  degraded: { title: 'Troubled', mark: 'trouble' },
  recovered: { title: 'Good again', mark: 'air' },
  rule: { title: 'Rule', mark: 'trouble' },
  overloaded: { title: 'Overloaded', mark: 'trouble' },
  relieved: { title: 'Room again', mark: 'air' },
  listener_failed: { title: 'Port failed', mark: 'trouble' },
};

/** What happened, newest first. */
export function EventList({ events, reasons, onOpen, single = false }: EventsProps) {
  if (events.length === 0) return html`<p class="nothing">Nothing has happened yet.</p>`;
  const now = new Date();
  return html`
    <ol class=${`events${single ? ' single' : ''}`}>
      ${events.map((event) => {
        const { id, type, time, stream, name, path } = event;
        const { title, mark } = kinds[type] ?? { title: type.replaceAll('_', ' '), mark: 'offline' };
        const shown = name ?? path ?? (stream === null ? 'Server' : '');
        return html`
          <li key=${id} class=${`event ${type}`}>
            <time datetime=${time}>${clockText(new Date(time), now)}</time>
            ${
              !single &&
              (onOpen === undefined || stream === null
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
