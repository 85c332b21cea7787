/** All experiments, in the order of the page. */
import type { Experiment } from './experiment.ts';
import { connectStorm } from './experiments/connect-storm.ts';
import { density } from './experiments/density.ts';
import { hotWorker } from './experiments/hot-worker.ts';
import { manyPublishers } from './experiments/many-publishers.ts';
import { memory } from './experiments/memory.ts';
import { mixedFleet } from './experiments/mixed-fleet.ts';
import { overload } from './experiments/overload.ts';
import { rtmps } from './experiments/rtmps.ts';
import { scaling } from './experiments/scaling.ts';
import { smallThings } from './experiments/small-things.ts';
import { tuning } from './experiments/tuning.ts';
import { udpReaders } from './experiments/udp-readers.ts';
import { verifier } from './experiments/verifier.ts';

export const experiments: readonly Experiment[] = [
  density,
  manyPublishers,
  connectStorm,
  scaling,
  hotWorker,
  overload,
  rtmps,
  udpReaders,
  tuning,
  smallThings,
  memory,
  verifier,
  mixedFleet,
];
