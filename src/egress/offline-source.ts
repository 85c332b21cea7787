import type { Camera } from '../control/messages.ts';
import type { ParameterSets } from './parameter-sets.ts';

/** One picture of an offline card. */
export interface CardPicture {
  /** An access unit, 4-byte length-prefixed NAL units. */
  readonly unit: Buffer;
  /** Length-prefixed SPS and PPS to send in front of it; null when a reader's decoder has them. */
  readonly parameterSets: Buffer | null;
}

/** The pictures that one reader gets while nothing of a publisher goes out to it. All times are monotonic ms. */
export interface CardStream {
  /** Nothing of a publisher goes out from now on; `wasLive`: until now it did. The next picture will be an IDR. */
  restart(nowMs: number, wasLive: boolean): void;
  /** Whether a picture is to be sent now: then take {@link next}. */
  due(nowMs: number): boolean;
  /** The picture for now; whoever takes it must send it. */
  next(nowMs: number): CardPicture;
}

/** Where readers of cameras that nobody publishes to get their pictures from. */
export interface OfflineSource {
  /** Parameter sets of every card, null when there are no cards. */
  readonly parameters: ParameterSets | null;
  /** Whether nobody publishes to the camera, so that a reader that comes now gets its card. */
  covers(camera: number): boolean;
  /** The card of a camera for one reader. `localAddress`: where that reader reached us, for the URL on the card. */
  open(camera: Camera, localAddress: string): CardStream;
}

/** The stream of a reader that gets no card. */
export const noCardStream: CardStream = {
  restart: () => undefined,
  due: () => false,
  next: () => {
    throw new Error('no card is ever due');
  },
};

/** No cards: readers of an offline camera wait. */
export const noOfflineSource: OfflineSource = {
  parameters: null,
  covers: () => false,
  open: () => noCardStream,
};
