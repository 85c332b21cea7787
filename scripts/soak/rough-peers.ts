/** Hostile peers and odd publishers, picked by chance: the rows of the conformance suite, and the golden dialogues. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import type { Peer } from '../../test/conformance/hostile/peer.ts';
import { type Attacked, type Row, Scene } from '../../test/conformance/hostile/row.ts';
import { rows } from '../../test/conformance/hostile/rows.ts';
import type { Vector } from '../../test/golden/vector.ts';
import type { SeededRandom } from '../fleet/seeded-random.ts';
import type { SoakServer } from './soak-server.ts';

/** Milliseconds that a row may take before its peers are gone; deadlines of minutes are not waited for. */
const rowMs = 15_000;
/** Milliseconds that it then gets to notice. */
const noticeMs = 20_000;
/** Milliseconds that an odd publisher stays when nobody closes it. */
const oddMs = 1500;
/** Camera of the first lane; those before belong to rows that name them. */
const firstCamera = 60;

/** Paths that rows of all lanes use: their own cameras, and those that rows share. */
export const hostilePaths: readonly string[] = Array.from({ length: 200 }, (_, i) => `/stream${i + 1}`);

const golden = resolve(import.meta.dirname, '../../test/golden');
const vectors = (
  JSON.parse(readFileSync(join(golden, 'manifest.json'), 'utf8')) as (Vector & { file: string })[]
).filter(({ kind }) => kind === 'session');

/** Paths that the dialogues publish to. */
export const oddPaths: readonly string[] = [
  ...new Set(vectors.flatMap(({ events }) => events.flatMap((event) => /^publish (\S+)/.exec(event)?.[1] ?? []))),
];

const noLine = { level: 'info', msg: '', reason: 'shutdown', raw: '' };

/** Deadlines of minutes on this server: rows that wait for them are left out. */
const longDeadlines: ReadonlySet<Row['when']> = new Set(['session timeout', 'write stall']);
/** So are those that need the server's limits for themselves. */
const playable: readonly Row[] = rows.filter(
  ({ alone, gate, protocol, when }) =>
    alone !== true && gate !== true && protocol !== 'ONVIF over HTTPS' && !longDeadlines.has(when),
);

/** Peers that write very often make Node warn of listeners. */
class RoughScene extends Scene {
  override async open(options: Parameters<Scene['open']>[0]): Promise<Peer> {
    const peer = await super.open(options);
    peer.socket.setMaxListeners(0);
    return peer;
  }
}

export interface RoughFigures {
  readonly hostile: number;
  readonly odd: number;
  /** Rows whose peer did not get what the row expects, and how often; on a server with other deadlines that may be. */
  readonly unlike: Readonly<Record<string, number>>;
}

export class RoughPeers {
  readonly #server: SoakServer;
  readonly #random: SeededRandom;
  readonly #scenes = new Set<Scene>();
  readonly #unlike = new Map<string, number>();
  #hostile = 0;
  #odd = 0;
  #stopped = false;
  readonly #stop = Promise.withResolvers<void>();

  constructor(server: SoakServer, random: SeededRandom) {
    this.#server = server;
    this.#random = random;
  }

  get figures(): RoughFigures {
    return { hostile: this.#hostile, odd: this.#odd, unlike: Object.fromEntries(this.#unlike) };
  }

  /** `pauseMs`: between two of a lane, on average. */
  start(hostileLanes: number, oddLanes: number, pauseMs: number): void {
    for (let i = 0; i < hostileLanes; i++) void this.#lane(() => this.#playRow(firstCamera + i), pauseMs);
    for (let i = 0; i < oddLanes; i++) void this.#lane(() => this.#playVector(), pauseMs);
  }

  stop(): void {
    this.#stopped = true;
    this.#stop.resolve();
    for (const scene of this.#scenes) this.#clear(scene);
  }

  async #lane(what: () => Promise<void>, pauseMs: number): Promise<void> {
    while (!this.#stopped) {
      await what();
      await this.#wait(this.#random.between(0, 2 * pauseMs));
    }
  }

  async #playRow(camera: number): Promise<void> {
    const row = playable[this.#random.whole(0, playable.length - 1)]!;
    const scene = new RoughScene(this.#face(), camera);
    this.#scenes.add(scene);
    this.#hostile++;
    const played = row.play(scene).catch(() => {
      if (!this.#stopped) this.#unlike.set(row.id, (this.#unlike.get(row.id) ?? 0) + 1);
    });
    await Promise.race([played, this.#wait(rowMs)]);
    this.#clear(scene);
    await Promise.race([played, this.#wait(noticeMs)]);
    // What it opened meanwhile.
    this.#clear(scene);
    this.#scenes.delete(scene);
  }

  async #playVector(): Promise<void> {
    const { file } = vectors[this.#random.whole(0, vectors.length - 1)]!;
    const bytes = readFileSync(join(golden, file));
    const socket = connect(this.#server.ports.rtmp, '127.0.0.1');
    const closed = new Promise<void>((done) => socket.on('close', () => done()));
    socket.on('error', () => undefined);
    socket.resume();
    this.#odd++;
    const parts = this.#random.whole(1, 20);
    for (let i = 0; i < parts; i++)
      socket.write(bytes.subarray((bytes.length * i) / parts, (bytes.length * (i + 1)) / parts));
    await Promise.race([closed, this.#wait(oddMs)]);
    if (this.#random.chance(0.5)) socket.resetAndDestroy();
    else socket.destroy();
    await closed;
  }

  #clear(scene: Scene): void {
    for (const peer of scene.peers) peer.socket.destroy();
    for (const cleanup of scene.cleanups.splice(0)) cleanup();
  }

  /** What rows need of a server. */
  #face(): Attacked {
    const { log, ports } = this.#server;
    return {
      ports: { rtmp: ports.rtmp, rtmps: ports.rtmps, rtsp: ports.rtsp, secureRtsp: ports.rtsp },
      lines: [],
      // Rows wait for a line; when all is over there will be none.
      endings: ({ name }) => {
        const found = log.endings(name);
        return found.length > 0 || !this.#stopped ? found : [noLine];
      },
    };
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    await Promise.race([promise, this.#stop.promise]);
    clearTimeout(timer);
  }
}
