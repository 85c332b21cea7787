import type { Camera } from '../control/messages.ts';
import { setsInUse } from '../egress/parameter-sets.ts';
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
  return { name, ...setsInUse(sps, pps), fps, ipv6 };
}
