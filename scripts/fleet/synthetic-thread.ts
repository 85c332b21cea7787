/** Thread of the synthetic cameras: all of them send by one fixed schedule, whatever the server does. */
import { parentPort, workerData } from 'node:worker_threads';
import { Histogram, type HistogramData } from '../../native-free-bench/system/histogram.ts';
import { type StreamShape, SyntheticStream } from '../../native-free-bench/system/synthetic-stream.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { PublisherFigures } from './publishers.ts';
import type { ActionKind } from './schedule.ts';
import { type SyntheticAddress, SyntheticCamera } from './synthetic-camera.ts';

/** What the thread is started with. */
export interface SyntheticOptions {
  readonly addresses: readonly SyntheticAddress[];
  readonly shape: StreamShape;
}

/** What the thread is told; every 'figures' is answered, 'measure' forgets how late frames were so far. */
export type SyntheticCommand =
  | { readonly type: 'act'; readonly camera: number; readonly kind: ActionKind }
  | { readonly type: 'measure' | 'stop-all' | 'figures' | 'end' };

/** The answer. */
export interface SyntheticFigures {
  readonly cameras: readonly PublisherFigures[];
  /** How late frames were sent, microseconds: whether this thread itself keeps up. */
  readonly lateness: HistogramData;
  readonly cpuSeconds: number;
}

/** After so many frames in one go the loop runs, so that waiting writes and replies get their turn. */
const framesPerTurn = 256;

const { addresses, shape } = workerData as SyntheticOptions;
const stream = new SyntheticStream(shape);
const cameras = addresses.map((address, index) => new SyntheticCamera(index, address, stream));
const lateness = new Histogram();
const intervalMs = 1000 / shape.framesPerSecond;
const startMs = systemClock.nowMs();
let turn = 0;
let position = 0;
let ended = false;

parentPort!.on('message', (command: SyntheticCommand) => {
  if (command.type === 'act') cameras[command.camera]![command.kind]();
  else if (command.type === 'stop-all') for (const camera of cameras) camera.stop();
  else if (command.type === 'measure') lateness.reset();
  else if (command.type === 'figures') parentPort!.postMessage(figures());
  else {
    ended = true;
    parentPort!.close();
  }
});
run();

/** The cameras take turns inside a frame interval: the next due one is always the next of the circle. */
function run(): void {
  for (let frames = 0; !ended; frames++) {
    const dueMs = startMs + (turn + position / cameras.length) * intervalMs;
    const nowMs = systemClock.nowMs();
    if (dueMs > nowMs) {
      setTimeout(run, 1);
      return;
    }
    if (frames >= framesPerTurn) {
      setImmediate(run);
      return;
    }
    lateness.add((nowMs - dueMs) * 1000);
    cameras[position]!.send(dueMs * 1000, nowMs * 1000);
    if (++position === cameras.length) {
      position = 0;
      turn++;
    }
  }
}

function figures(): SyntheticFigures {
  const { user, system } = process.threadCpuUsage();
  return {
    cameras: cameras.map((camera) => camera.figures()),
    lateness: lateness.toData(),
    cpuSeconds: (user + system) / 1e6,
  };
}
