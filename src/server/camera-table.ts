import type { CameraPlace } from '../config/edits.ts';
import type { ConfiguredCamera } from '../config/hardware.ts';
import type { Camera } from '../control/messages.ts';

/**
 * Places in all shared memory: room for the most cameras twice over, so that all of them can be replaced by others while
 * the last frames of the old ones are still on their way.
 */
export const cameraPlaces = 2048;

/**
 * Gives configured cameras their indexes. A camera that was there before keeps its index, and with it its stream, its readers
 * and its counters: it is known again by its path, else by its RTSP path, else by its name. New cameras get places
 * that `inUse` does not name. `same` is known by its channel alone. Returns null when there are too few.
 */
export function assignIndexes(
  configured: readonly ConfiguredCamera[],
  before: readonly Camera[],
  inUse: ReadonlySet<number>,
  same: CameraPlace | null = null,
): Camera[] | null {
  const left = new Map(before.map((camera) => [camera.index, camera]));
  const indexes = new Array<number | undefined>(configured.length).fill(undefined);
  if (same !== null) {
    const isIt = ({ hardware, channel }: CameraPlace): boolean =>
      hardware === same.hardware && channel === same.channel;
    const place = configured.findIndex(isIt);
    const known = before.find(isIt);
    if (place >= 0 && known !== undefined && left.delete(known.index)) indexes[place] = known.index;
  }
  for (const sameCamera of likenesses) {
    const known = new Map([...left.values()].map((camera) => [sameCamera(camera), camera.index]));
    configured.forEach((camera, place) => {
      const index = known.get(sameCamera(camera));
      if (indexes[place] !== undefined || index === undefined || !left.delete(index)) return;
      indexes[place] = index;
    });
  }
  const taken = new Set([...inUse, ...before.map(({ index }) => index)]);
  let free = 0;
  const cameras: Camera[] = [];
  for (const [place, camera] of configured.entries()) {
    let index = indexes[place];
    if (index === undefined) {
      while (taken.has(free)) free++;
      index = free++;
    }
    if (index >= cameraPlaces) return null;
    const { name, path, rtspPath, listener, offlineInfo, hardware, channel } = camera;
    cameras.push({ index, name, path, rtspPath, listener, offlineInfo, hardware, channel });
  }
  return cameras;
}

type Likeness = (camera: ConfiguredCamera | Camera) => string;

/** What cameras are known again by, the surest first. */
const likenesses: readonly Likeness[] = [
  ({ listener, path }) => `${listener}\n${path.toLowerCase()}`,
  ({ rtspPath }) => rtspPath.toLowerCase(),
  ({ hardware, name }) => `${hardware}\n${name}`,
];
