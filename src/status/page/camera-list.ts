import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { html } from './html.ts';
import { type ListQuery, type SortKey, sortedBy } from './list-query.ts';
import type { CameraView } from './snapshot.ts';
import { bitrateText, blameTitles, blameWords, durationText, fpsText, pictureText, stateWords } from './words.ts';

export interface CameraListProps {
  /** Those that are shown, in order. */
  readonly cameras: readonly CameraView[];
  /** Of all cameras. */
  readonly total: number;
  readonly query: ListQuery;
  readonly onQuery: (query: ListQuery) => void;
  /** Index of the camera that is chosen. */
  readonly chosen: number | null;
  readonly onChoose: (index: number) => void;
  /** Opens the chosen camera. */
  readonly onOpen: (index: number) => void;
}

/** Rows beside those that are seen, so that quick scrolling shows no gap. */
const spareRows = 6;
/** Pixels of a row, as the style sheet has it; on narrow screens a row has two lines. */
const rowPixels = { wide: 38, narrow: 58 };
const narrow = matchMedia('(max-width: 719px)');

export const columns: readonly { readonly key: SortKey; readonly title: string; readonly kind: string }[] = [
  { key: 'state', title: 'State', kind: 'state' },
  { key: 'name', title: 'Camera', kind: 'name' },
  { key: 'blame', title: 'Verdict', kind: 'verdict' },
  { key: 'fps', title: 'Frames/s', kind: 'fps' },
  { key: 'kbps', title: 'Bitrate', kind: 'bitrate' },
  { key: 'order', title: 'Picture', kind: 'picture' },
  { key: 'uptime', title: 'On air for', kind: 'uptime' },
  { key: 'publisher', title: 'From', kind: 'publisher' },
  { key: 'readers', title: 'Readers', kind: 'readers' },
];

/** All cameras as a grid of which only the rows in sight exist (ARIA grid, with the active row kept by the grid itself). */
export function CameraList(props: CameraListProps) {
  const { cameras, total, query, onQuery, chosen, onChoose, onOpen } = props;
  const body = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [isNarrow, setNarrow] = useState(narrow.matches);
  const rowHeight = isNarrow ? rowPixels.narrow : rowPixels.wide;
  const active = cameras.findIndex(({ index }) => index === chosen);

  useEffect(() => {
    const onChange = () => setNarrow(narrow.matches);
    narrow.addEventListener('change', onChange);
    return () => narrow.removeEventListener('change', onChange);
  }, []);
  useLayoutEffect(() => {
    const element = body.current!;
    const measure = () => setView({ top: element.scrollTop, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);
  // Another order or another choice is looked at from its beginning.
  useLayoutEffect(() => {
    body.current!.scrollTop = 0;
  }, [query]);
  useLayoutEffect(() => {
    if (active >= 0) bringIntoView(body.current!, active * rowHeight, rowHeight);
  }, [chosen, rowHeight]);

  const first = Math.max(0, Math.floor(view.top / rowHeight) - spareRows);
  const last = Math.min(cameras.length, Math.ceil((view.top + view.height) / rowHeight) + spareRows);
  // The active row must exist for a screen reader to find it.
  const places = Array.from({ length: last - first }, (_, i) => first + i);
  if (active >= 0 && (active < first || active >= last)) places.push(active);

  const move = (to: number) => {
    const camera = cameras[Math.max(0, Math.min(cameras.length - 1, to))];
    if (camera !== undefined) onChoose(camera.index);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(view.height / rowHeight) - 1);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: active + 1,
      ArrowUp: active < 0 ? 0 : active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: cameras.length - 1,
    };
    const isOnButton = event.target instanceof HTMLButtonElement;
    const to = steps[event.key];
    if (isOnButton && to === undefined) return;
    if (to !== undefined) move(to);
    else if ((event.key === 'Enter' || event.key === ' ') && active >= 0) onOpen(cameras[active]!.index);
    else return;
    event.preventDefault();
  };

  return html`
    <div
      class="list"
      role="grid"
      id="camera-list"
      aria-label="Cameras"
      aria-rowcount=${cameras.length + 1}
      aria-colcount=${columns.length}
      aria-activedescendant=${active >= 0 ? `camera-${cameras[active]!.index}` : undefined}
      tabindex="0"
      onKeyDown=${onKeyDown}
    >
      <div class="row head" role="row" aria-rowindex="1">
        ${columns.map((column) => html`<${Head} key=${column.key} column=${column} query=${query} onQuery=${onQuery} />`)}
      </div>
      <div class="rows" role="rowgroup" ref=${body} tabindex="-1">
        <div class="rows-room" role="presentation" style=${{ height: `${cameras.length * rowHeight}px` }}>
          ${places.map((place) => {
            const camera = cameras[place]!;
            const isChosen = camera.index === chosen;
            return html`<${Row}
              key=${camera.index}
              camera=${camera}
              place=${place}
              top=${place * rowHeight}
              chosen=${isChosen}
              onOpen=${onOpen}
            />`;
          })}
        </div>
        ${cameras.length === 0 && html`<${NothingFound} total=${total} query=${query} onQuery=${onQuery} />`}
      </div>
    </div>
  `;
}

function Head({
  column,
  query,
  onQuery,
}: {
  column: (typeof columns)[number];
  query: ListQuery;
  onQuery: CameraListProps['onQuery'];
}) {
  const { key, title, kind } = column;
  // What a picture is called has no useful order.
  if (key === 'order') return html`<div class=${`cell ${kind}`} role="columnheader">${title}</div>`;
  const direction = query.sort !== key ? 'none' : query.descending ? 'descending' : 'ascending';
  return html`
    <div class=${`cell ${kind}`} role="columnheader" aria-sort=${direction}>
      <button type="button" onClick=${() => onQuery(sortedBy(query, key))} title=${`Sort by ${title.toLowerCase()}`}>
        ${title}<span class="arrow" aria-hidden="true">${direction === 'none' ? '' : direction === 'ascending' ? '▲' : '▼'}</span>
      </button>
    </div>
  `;
}

interface RowProps {
  readonly camera: CameraView;
  readonly place: number;
  readonly top: number;
  readonly chosen: boolean;
  readonly onOpen: (index: number) => void;
}

function Row({ camera, place, top, chosen, onOpen }: RowProps) {
  const { index, name, path, state, live, blame, why, readers } = camera;
  return html`
    <div
      class=${`row ${state}${chosen ? ' chosen' : ''}`}
      role="row"
      id=${`camera-${index}`}
      aria-rowindex=${place + 2}
      aria-selected=${chosen}
      style=${{ transform: `translateY(${top}px)` }}
      onClick=${() => onOpen(index)}
    >
      <div class="cell state" role="gridcell"><span class=${`mark ${state}`} aria-hidden="true"></span>${stateWords[state]}</div>
      <div class="cell name" role="gridcell" title=${`${name}  ${path}`}>
        <span class="title">${name}</span> <span class="path">${path}</span>
      </div>
      <div class="cell verdict" role="gridcell" title=${blame === null ? undefined : `${blameTitles[blame]}: ${why}`}>
        ${blame !== null && html`<span class=${`blame ${blame}`}>${blameWords[blame]}</span> <span class="why">${why}</span>`}
      </div>
      <div class="cell fps" role="gridcell">${live !== null && fpsText(live.fps, live.promised)}</div>
      <div class="cell bitrate" role="gridcell">${live !== null && bitrateText(live.kbps)}</div>
      <div class="cell picture" role="gridcell">${live !== null && pictureText(live.width, live.height)}</div>
      <div class="cell uptime" role="gridcell">${live !== null && durationText(live.uptime)}</div>
      <div class="cell publisher" role="gridcell" title=${live?.publisher}>${live?.publisher}</div>
      <div class="cell readers" role="gridcell">${(readers > 0 || live !== null) && readers}</div>
    </div>
  `;
}

function NothingFound({
  total,
  query,
  onQuery,
}: {
  total: number;
  query: ListQuery;
  onQuery: CameraListProps['onQuery'];
}) {
  if (total === 0) return html`<p class="nothing">No cameras are configured.</p>`;
  return html`
    <p class="nothing">
      No camera matches.${' '}
      <button type="button" class="link" onClick=${() => onQuery({ ...query, text: '', state: 'all' })}>Show all</button>
    </p>
  `;
}

function bringIntoView(element: HTMLElement, top: number, height: number): void {
  if (top < element.scrollTop) element.scrollTop = top;
  else if (top + height > element.scrollTop + element.clientHeight)
    element.scrollTop = top + height - element.clientHeight;
}
