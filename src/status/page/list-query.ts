import type { CameraView } from './snapshot.ts';
import type { CameraState } from './words.ts';

/** What the list can be sorted by; `order` is that of the configuration. */
export type SortKey = 'order' | 'name' | 'state' | 'fps' | 'kbps' | 'uptime' | 'publisher' | 'readers' | 'blame';

/** What of the cameras is shown, and in which order. */
export interface ListQuery {
  readonly text: string;
  readonly state: CameraState | 'all';
  readonly sort: SortKey;
  readonly descending: boolean;
}

export const everything: ListQuery = { text: '', state: 'all', sort: 'order', descending: false };

const stateOrder: Readonly<Record<CameraState, number>> = { trouble: 0, air: 1, offline: 2 };
const blameOrder = ['source', 'network', 'server', 'reader', 'silent', 'measuring', 'none'];

/** What cameras are ordered by. Those that have no such figure come last in both directions, as null. */
const sortValues: Readonly<Record<SortKey, (camera: CameraView) => number | string | null>> = {
  order: ({ place }) => place,
  name: ({ rank }) => rank,
  state: ({ state }) => stateOrder[state],
  fps: ({ live }) => live?.fps ?? null,
  kbps: ({ live }) => live?.kbps ?? null,
  uptime: ({ live }) => live?.uptime ?? null,
  publisher: ({ live }) => live?.publisher || null,
  readers: ({ readers }) => readers,
  blame: ({ blame }) => (blame === null ? null : blameOrder.indexOf(blame)),
};

/** The cameras that a query asks for, in its order. All words of its text must be in name, path or address. */
export function queryCameras(cameras: readonly CameraView[], query: ListQuery): CameraView[] {
  const words = query.text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = cameras.filter((camera) => {
    if (query.state !== 'all' && camera.state !== query.state) return false;
    return words.every((word) => camera.words.includes(word) || camera.live?.publisher.includes(word));
  });
  if (query.sort === 'order' && !query.descending) return found;
  const value = sortValues[query.sort];
  const sign = query.descending ? -1 : 1;
  return found.sort((a, b) => compare(value(a), value(b), sign) || a.place - b.place);
}

function compare(a: number | string | null, b: number | string | null, sign: number): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b ? -sign : sign;
}

/** The query after a click on the head of a column: that column, the other direction, and back to the configuration's order. */
export function sortedBy(query: ListQuery, sort: SortKey): ListQuery {
  const downFirst = sort === 'fps' || sort === 'kbps' || sort === 'uptime' || sort === 'readers';
  if (sort === 'order') return { ...query, sort, descending: false };
  if (query.sort !== sort) return { ...query, sort, descending: downFirst };
  if (query.descending === downFirst) return { ...query, descending: !downFirst };
  return { ...query, sort: 'order', descending: false };
}
