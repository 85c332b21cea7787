import type { CameraView, Snapshot } from './snapshot.ts';
import { blameTitles, type CameraState, countText, stateWords } from './words.ts';

/** Changes that are told one by one; more of them are counted. */
const toldSingly = 3;

/** What a screen reader is to say about the step from one moment to the next; empty for nothing. */
export function describeChanges(before: Snapshot | null, now: Snapshot): string {
  if (before === null || before.names !== now.names) return '';
  const changed = now.cameras.filter((camera, place) => camera.state !== before.cameras[place]?.state);
  if (changed.length === 0) return '';
  if (changed.length <= toldSingly) return changed.map(describeCamera).join('. ');
  const counts = (['air', 'trouble', 'offline'] satisfies CameraState[])
    .map((state) => ({ state, count: changed.filter((camera) => camera.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${count} ${stateWords[state].toLowerCase()}`);
  return `${countText(changed.length, 'camera')} changed: ${counts.join(', ')}`;
}

function describeCamera({ name, state, blame }: CameraView): string {
  const why = state === 'trouble' && blame !== null ? `: ${blameTitles[blame]}` : '';
  return `${name} is ${stateWords[state].toLowerCase()}${why}`;
}
