import type { Camera } from '../control/messages.ts';
import type { StreamDescription } from '../rtsp/server-session.ts';
import type { RtspContext } from './rtsp-context.ts';

/** What DESCRIBE says of a camera: of the stream that runs, or else of the offline card. `ipv6`: the reader comes over it. */
export function describeCamera(
  { loop, offline }: Pick<RtspContext, 'loop' | 'offline'>,
  { index, name }: Camera,
  ipv6: boolean,
): StreamDescription {
  const live = offline.covers(index) ? null : loop.parameters(index);
  const { sps, pps, fps } = live ?? offline.parameters ?? { sps: [], pps: [], fps: 0 };
  // Of several sets the last is in force, until the first IDR brings them all.
  return { name, sps: sps.at(-1) ?? null, pps: pps.at(-1) ?? null, fps, ipv6 };
}
