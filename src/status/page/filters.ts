import { columns } from './camera-list.ts';
import { html } from './html.ts';
import { type ListQuery, type SortKey, sortedBy } from './list-query.ts';
import type { Snapshot } from './snapshot.ts';
import { type CameraState, stateWords } from './words.ts';

export interface FiltersProps {
  readonly snapshot: Snapshot;
  readonly query: ListQuery;
  readonly onQuery: (query: ListQuery) => void;
  readonly search: { current: HTMLInputElement | null };
}

/** How many cameras are in which state, and what of them is shown. */
export function Filters({ snapshot: { counts, cameras }, query, onQuery, search }: FiltersProps) {
  const states = ['all', 'air', 'trouble', 'offline'] as const;
  const titles: Readonly<Record<CameraState | 'all', string>> = { all: 'All', ...stateWords };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowDown' && event.key !== 'Enter') return;
    document.getElementById('camera-list')?.focus();
    event.preventDefault();
  };
  const onOrder = (event: Event) => {
    const sort = (event.target as HTMLSelectElement).value as SortKey;
    onQuery(sortedBy({ ...query, sort: 'order', descending: false }, sort));
  };
  return html`
    <div class="filters">
      <div class="states" role="group" aria-label="Show only">
        ${states.map((state) => {
          const count = state === 'all' ? cameras.length : counts[state];
          return html`<button key=${state} type="button" class=${`chip ${state}${count === 0 ? ' zero' : ''}`} aria-pressed=${query.state === state} onClick=${() => onQuery({ ...query, state })}>
            ${state !== 'all' && html`<span class=${`mark ${state}`} aria-hidden="true"></span>`}${titles[state]} <b>${count}</b>
          </button>`;
        })}
      </div>
      <label class="order"><span class="sr-only">Order</span>
        <select value=${query.sort} onChange=${onOrder}>
          <option value="order">As configured</option>
          ${columns.filter(({ key }) => key !== 'order').map(({ key, title }) => html`<option key=${key} value=${key}>By ${title.toLowerCase()}</option>`)}
        </select>
      </label>
      <input
        type="search"
        ref=${search}
        placeholder="Search name, path or address   /"
        aria-label="Search name, path or address"
        aria-keyshortcuts="/"
        value=${query.text}
        onInput=${(event: Event) => onQuery({ ...query, text: (event.target as HTMLInputElement).value })}
        onKeyDown=${onKeyDown}
      />
    </div>
  `;
}
