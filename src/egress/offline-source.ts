import type { ParameterSets } from './parameter-sets.ts';

/** One picture of an offline card. */
export interface CardPicture {
  /** An access unit, 4-byte length-prefixed NAL units. */
  readonly unit: Buffer;
  readonly keyframe: boolean;
}

/** Pictures for the readers of a camera that nobody publishes to. */
export interface OfflineSource {
  /** Parameter sets of the camera's card, null when there is none. */
  parameters(camera: number): ParameterSets | null;
  /**
   * The picture that is due for one session that has been without frames since `sinceMs` (monotonic) and got `sent`
   * pictures since then, or null. The first one must be a keyframe.
   */
  picture(camera: number, sent: number, sinceMs: number, nowMs: number): CardPicture | null;
}

/** No card: readers of an offline camera wait. */
export const noOfflineSource: OfflineSource = {
  parameters: () => null,
  picture: () => null,
};
