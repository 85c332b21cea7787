import type { Peer } from './peer.ts';
import type { Row, Scene } from './row.ts';

/** A row whose peer publishes first. */
export function live(
  id: string,
  attack: string,
  ends: Row['ends'],
  parts: Uint8Array | ((peer: Peer, scene: Scene) => Promise<void>),
  more: Partial<Row> = {},
): Row {
  return {
    id,
    protocol: 'RTMP',
    attack,
    ends,
    ...(ends === 'video_timeout' && { when: 'video timeout' as const }),
    ...more,
    play: async (scene) => {
      const peer = await scene.publisher();
      if (typeof parts === 'function') await parts(peer, scene);
      else await peer.send(parts);
      if (ends === 'tolerated') await scene.stillPublishes(peer);
    },
  };
}
