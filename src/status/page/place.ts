/** What is shown: a part of the page, and in it a camera by its index. It stands behind the # of the URL. */
export interface Place {
  readonly part: 'cameras' | 'server' | 'events';
  readonly camera: number | null;
}

/** `#/cameras/3`, `#/server`, `#/events`; anything else is the list of cameras. */
export function parsePlace(hash: string): Place {
  const [, part, camera] = /^#\/(\w+)(?:\/(\d+))?$/.exec(hash) ?? [];
  if (part === 'server' || part === 'events') return { part, camera: null };
  return { part: 'cameras', camera: camera === undefined ? null : Number(camera) };
}

export function placeHash({ part, camera }: Place): string {
  return camera === null ? `#/${part}` : `#/${part}/${camera}`;
}
