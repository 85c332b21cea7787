import { until } from '../../support/program.ts';
import type { Row, Scene } from './row.ts';

/** Connects so often from an address, and returns when the server has closed all that it refuses. */
async function knock(scene: Scene, times: number, from = scene.address): Promise<void> {
  await Promise.all(Array.from({ length: times }, () => scene.rtmp({ from })));
}

/** Connections that a flood has at least, however slow the machine is. */
const leastFlood = 200;

const open = (scene: Scene): number => scene.peers.filter(({ closed }) => !closed).length;

/** Limits of the listener; each needs them for itself. */
export const admissionRows: readonly Row[] = [
  {
    id: 'connections-per-address',
    protocol: 'RTMP',
    attack: 'opens ten connections from one address, where four are allowed',
    ends: 'refused',
    refusal: 'connections_per_ip_exceeded',
    driver: 13,
    alone: true,
    play: async (scene) => {
      await knock(scene, 10);
      await until('all but four are closed', () => open(scene) <= 4);
    },
  },
  {
    id: 'connect-flood',
    protocol: 'RTMP',
    attack: 'opens connections for three seconds, as fast as it can, and hangs up at once',
    ends: 'refused',
    refusal: 'rate_limited',
    driver: 10,
    alone: true,
    play: async (scene) => {
      const endMs = performance.now() + 3000;
      let count = 0;
      for (; performance.now() < endMs || count <= leastFlood; count += 4) {
        await knock(scene, 4);
        for (const peer of scene.peers.splice(0)) peer.socket.destroy();
      }
    },
  },
  {
    id: 'connections-all',
    protocol: 'RTMP',
    attack: 'opens 80 connections from 20 addresses, where 64 are allowed',
    ends: 'refused',
    refusal: 'connections_exceeded',
    driver: 1,
    alone: true,
    play: async (scene) => {
      await Promise.all(Array.from({ length: 20 }, (_, i) => knock(scene, 4, scene.otherAddress(i + 1))));
      await until('the limit is kept', () => open(scene) <= 64);
    },
  },
  {
    id: 'health-after-attacks',
    protocol: 'RTMP',
    attack: 'publishes as it should, after all that',
    ends: 'tolerated',
    driver: 9,
    alone: true,
    play: async (scene) => {
      await scene.stillPublishes(await scene.publisher());
    },
  },
];
