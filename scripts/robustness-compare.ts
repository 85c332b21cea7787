/**
 * Plays the hostile RTMP rows against other servers and writes down what happens to them: `node scripts/robustness-compare.ts`.
 * Rows about names, limits and other matters of policy are left out. docs/robustness.md shows the results.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseStat, parseStatusBytes } from '../native-free-bench/system/process-usage.ts';
import type { RunningTarget, Target } from '../native-free-bench/system/target.ts';
import { NginxTarget } from '../native-free-bench/system/target-nginx.ts';
import { NodeMediaServerTarget } from '../native-free-bench/system/target-nms.ts';
import { dialogue, type Row, Scene } from '../test/conformance/hostile/row.ts';
import { NumberedStream } from '../test/support/numbered-stream.ts';
import { RtmpClient } from '../test/support/rtmp-client.ts';

/** Milliseconds that a row may play, and that its connections are watched afterwards. */
const playMs = 5000;
const watchMs = 3000;
/** Milliseconds within which a server that is well accepts a publisher. */
const acceptMs = 3000;
/** Bytes that a process grows by anyway. */
const noiseBytes = 8 * 1024 * 1024;

const file = resolve(import.meta.dirname, '../test/conformance/hostile/other-servers.json');
const [only] = process.argv.slice(2);
Object.assign(dialogue, { app: 'live', tcUrl: 'rtmp://127.0.0.1/live' });
// Only now: rows are made when they are loaded.
const { openingRows } = await import('../test/conformance/hostile/rtmp-opening-rows.ts');
const { chunkRows } = await import('../test/conformance/hostile/rtmp-chunk-rows.ts');
const { videoRows } = await import('../test/conformance/hostile/rtmp-video-rows.ts');
// Playing is what they are for.
const rows = [...openingRows, ...chunkRows, ...videoRows].filter(({ id }) => id !== 'rtmp-play');

const targets: Record<string, Target> = {
  'nginx-rtmp': new NginxTarget('nginx-rtmp', '1', 4096),
  'node-media-server': new NodeMediaServerTarget(),
};

/** Process ids of a tree, the root first. */
function tree(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), parseStat(readFileSync(`/proc/${name}/stat`, 'utf8')).parent);
    } catch {
      // It has just ended.
    }
  }
  const pids = parents.has(pid) ? [pid] : [];
  for (const parent of pids) for (const [child, of] of parents) if (of === parent) pids.push(child);
  return pids;
}

function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    try {
      return sum + parseStatusBytes(readFileSync(`/proc/${pid}/status`, 'utf8'), 'VmRSS');
    } catch {
      return sum;
    }
  }, 0);
}

/** A running server with a publisher that means well. */
class Subject {
  readonly running: RunningTarget;
  readonly #folder: string;
  readonly #cleanups: (() => void)[] = [];
  healthy: NumberedStream | null = null;

  private constructor(running: RunningTarget, folder: string) {
    this.running = running;
    this.#folder = folder;
  }

  static async start(target: Target): Promise<Subject> {
    const folder = mkdtempSync(join(tmpdir(), 'skyweir-compare-'));
    const options = { streams: 1, folder, processors: '', authentication: false, profileFolder: '' };
    return new Subject(await target.start(options), folder);
  }

  /** Makes sure that the publisher is there. */
  async settle(): Promise<void> {
    if (this.healthy !== null && !this.healthy.closed) return;
    const context = { after: (cleanup: () => void) => this.#cleanups.push(cleanup) };
    this.healthy = await NumberedStream.start(context, { port: this.running.rtmpPort, path: '/live/stream1' });
  }

  async stop(): Promise<void> {
    for (const cleanup of this.#cleanups) cleanup();
    await this.running.process.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Whether a publisher gets in. */
async function accepts(port: number, path: string): Promise<boolean> {
  const client = await RtmpClient.connect({ port, path }).catch(() => null);
  const accepted = await Promise.race([client?.accepted ?? false, delay(acceptMs, false)]);
  client?.destroy();
  return accepted;
}

/** Plays one row, and says what became of it in a few words. */
async function play(subject: Subject, row: Row, index: number): Promise<string> {
  const { running } = subject;
  await subject.settle();
  const before = tree(running.process.pid);
  const beforeBytes = residentBytes(before);
  const attacked = {
    ports: { rtmp: running.rtmpPort, rtsp: 0, rtmps: 0, secureRtsp: 0 },
    lines: [],
    endings: () => [],
  };
  const scene = new Scene(attacked, index);
  let largest = beforeBytes;
  const meter = setInterval(() => {
    largest = Math.max(largest, residentBytes(before));
  }, 100);
  const startMs = performance.now();
  await Promise.race([row.play(scene).catch(() => undefined), delay(playMs)]);
  const endMs = performance.now() + watchMs;
  const open = () => scene.peers.filter(({ closed }) => !closed).length;
  for (const peer of scene.peers) peer.socket.resume();
  while (open() > 0 && performance.now() < endMs) await delay(50);
  const seconds = Math.round((performance.now() - startMs) / 1000);
  const words = [open() === 0 ? 'closed' : `open after ${seconds} s`];
  for (const peer of scene.peers) peer.socket.destroy();
  for (const cleanup of scene.cleanups) cleanup();
  await delay(300);
  clearInterval(meter);

  const after = tree(running.process.pid);
  const died = running.process.ended || before.some((pid) => !after.includes(pid));
  if (died) words.push('**the process died**');
  if (subject.healthy!.closed) words.push('**neighbour cut off**');
  if (!running.process.ended && !(await accepts(running.rtmpPort, `/live/again${index}`)))
    words.push('**accepts nobody**');
  const grownBytes = largest - beforeBytes;
  if (!died && grownBytes > noiseBytes) words.push(`+${Math.round(grownBytes / 1e6)} MB`);
  return words.join(', ');
}

const results: Record<string, Record<string, string>> = JSON.parse(readFileSync(file, 'utf8'));
for (const [name, target] of Object.entries(targets)) {
  if (only !== undefined && only !== name) continue;
  console.log(target.description);
  const cells: Record<string, string> = {};
  let subject = await Subject.start(target);
  for (const [i, row] of rows.entries()) {
    try {
      cells[row.id] = await play(subject, row, i + 2);
    } catch (error) {
      cells[row.id] = `not played: ${(error as Error).message.slice(0, 60)}`;
    }
    console.log(`  ${row.id}: ${cells[row.id]}`);
    // Each row finds the server as it starts, unless nothing has happened to it.
    if (/\*\*|not played/.test(cells[row.id]!)) {
      await subject.stop();
      subject = await Subject.start(target);
    }
  }
  await subject.stop();
  // Both may run at the same time.
  const latest = JSON.parse(readFileSync(file, 'utf8')) as typeof results;
  writeFileSync(file, `${JSON.stringify({ ...latest, [name]: cells }, null, 2)}\n`);
}
process.exit(0);
