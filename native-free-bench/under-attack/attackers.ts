/** Process of the attackers: plays rows of the hostile suite over and over until it is told to stop. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Peer } from '../../test/conformance/hostile/peer.ts';
import { type Attacked, type Row, Scene } from '../../test/conformance/hostile/row.ts';
import { rows } from '../../test/conformance/hostile/rows.ts';

/** What the attackers are told first. */
export interface AttackOptions {
  readonly ports: Attacked['ports'];
  /** Rows that play at the same time; 0: each is asked for, and plays alone. */
  readonly lanes: number;
}

/** What they report when they are told to stop. */
export interface AttackFigures {
  readonly rows: number;
  /** Rows of which at least one has played. */
  readonly different: number;
  readonly connections: number;
  readonly cpuSeconds: number;
  readonly seconds: number;
}

/** Milliseconds that a row may play: most are over sooner, and those that wait for a deadline make room for others. */
const rowMs = 2500;
/** The same for a row that plays alone. */
const loneMs = 1000;
/** Cameras of lanes; those before belong to rows that name them. */
const firstCamera = 60;

const playable = rows.filter(({ protocol }) => protocol !== 'WS-Discovery');
const noLine = { level: 'info', msg: '', reason: 'shutdown', raw: '' };

class AttackScene extends Scene {
  connections = 0;

  override async open(options: Parameters<Scene['open']>[0]): Promise<Peer> {
    const peer = await super.open(options);
    // Peers that write very often make Node warn of listeners.
    peer.socket.setMaxListeners(0);
    this.connections++;
    return peer;
  }
}

class Attackers {
  readonly #options: AttackOptions;
  readonly #startMs = performance.now();
  readonly #played = new Set<string>();
  #next = 0;
  #rows = 0;
  #connections = 0;
  #stopped = false;

  constructor(options: AttackOptions) {
    this.#options = options;
    for (let lane = 0; lane < options.lanes; lane++) void this.#run(firstCamera + lane);
  }

  stop(): AttackFigures {
    this.#stopped = true;
    const { user, system } = process.cpuUsage();
    return {
      rows: this.#rows,
      different: this.#played.size,
      connections: this.#connections,
      cpuSeconds: (user + system) / 1e6,
      seconds: (performance.now() - this.#startMs) / 1000,
    };
  }

  /** Plays the next row alone; returns its id, or null when all have been played. */
  async playNext(): Promise<string | null> {
    const row = playable[this.#next++];
    if (row === undefined) return null;
    await this.#play(row, firstCamera, loneMs);
    return row.id;
  }

  async #run(camera: number): Promise<void> {
    while (!this.#stopped) await this.#play(playable[this.#next++ % playable.length]!, camera, rowMs);
  }

  async #play(row: Row, camera: number, longestMs: number): Promise<void> {
    const scene = new AttackScene(this.#face(), camera);
    // What comes of it is the suite's to judge; here the others are looked at.
    await Promise.race([row.play(scene).catch(() => undefined), delay(longestMs)]);
    this.#rows++;
    this.#played.add(row.id);
    this.#connections += scene.connections;
    for (const peer of scene.peers) peer.socket.destroy();
    for (const cleanup of scene.cleanups.splice(0)) cleanup();
  }

  #face(): Attacked {
    const { ports } = this.#options;
    return { ports, lines: [], endings: (peer) => (peer.closed ? [noLine] : []) };
  }
}

let attackers: Attackers | null = null;

process.on('message', async (message: AttackOptions | 'stop' | 'next') => {
  if (message === 'stop') process.send!(attackers!.stop(), () => process.exit(0));
  else if (message === 'next') process.send!({ id: await attackers!.playNext() });
  else {
    attackers = new Attackers(message);
  }
});
process.on('disconnect', () => process.exit(0));
// A row that was cut off may still have something to say.
process.on('unhandledRejection', () => undefined);
