/** Where each frame of a camera is: read back, lost, sent while nobody read, or on its way when a stream broke. */
import type { CameraResult } from './verdict.ts';

/** One camera's frames. `sent` is what is known: FFmpeg tells its count twice a second, so a killed one has sent a few more. */
export interface FrameAccount {
  readonly sent: number;
  readonly read: number;
  readonly lost: number;
  readonly unseen: number;
  /** On their way when a connection was killed or broke; nobody's loss. */
  readonly cutOff: number;
  /** What none of that explains, as frames that are missing, or too many. */
  readonly unexplained: number;
}

/** Seconds of video that buffers and a link with black-outs may hold when a connection ends. */
export const heldSeconds = 10;

/** Draws up the account of a camera that sends `framesPerSecond`. */
export function accountOf(camera: CameraResult, framesPerSecond: number): FrameAccount {
  const { publisher, reader, tailLost } = camera;
  const { sent } = publisher;
  if (reader === null) return { sent, read: 0, lost: 0, unseen: 0, cutOff: 0, unexplained: 0 };
  const read = reader.frames - reader.duplicated;
  const lost = reader.lost + tailLost;
  const { unseen } = reader;
  const open = sent - read - lost - unseen;
  const breaks = publisher.kills + publisher.broken;
  // Without a break both counts are exact; with one, FFmpeg's may be short by half a second each time.
  const held = breaks * heldSeconds * framesPerSecond;
  const cutOff = breaks > 0 ? Math.min(Math.max(0, open), held) : 0;
  const uncounted = breaks > 0 ? Math.min(Math.max(0, -open), held) : 0;
  return { sent, read, lost, unseen, cutOff, unexplained: Math.abs(open - cutOff + uncounted) };
}
