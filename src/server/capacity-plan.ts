import { ringMemory } from '../banner.ts';
import type { Config } from '../config/schema.ts';
import { payloadStartOf } from '../shm/layout.ts';
import { capacityFigures } from './capacity-figures.ts';
import type { Machine } from './machine.ts';

/** `enough`; `tight`: as long as nothing unusual happens; `short`: the machine cannot do what is planned. */
export type Verdict = 'enough' | 'tight' | 'short';

/** What all cameras of a configuration need when they are live at one bitrate and each has one reader. */
export interface CapacityPlan {
  readonly cameras: number;
  readonly bitsPerSecond: number;
  readonly memory: {
    /** Threads and all that is not a camera's, in bytes. */
    readonly process: number;
    /** All of it while readers keep up. */
    readonly expected: number;
    /** All of it when every ring holds as much as it does at this bitrate. */
    readonly behind: number;
    readonly verdict: Verdict;
  };
  readonly connections: {
    /** Publishers that are admitted at the same time, and the cameras that want to be: of all listeners together or of one. */
    readonly admitted: number;
    readonly cameras: number;
    /** The RTMP port of that one, where all together would do; null for all. */
    readonly port: number | null;
    readonly verdict: Verdict;
  };
  readonly descriptors: {
    /** With as many connections as are admitted, and a reader for each camera. */
    readonly least: number;
    /** With two readers for each camera, and recorders at every ONVIF device. */
    readonly advised: number;
    readonly verdict: Verdict;
  };
  readonly cores: {
    readonly ingest: number;
    readonly delivery: number;
    readonly verdict: Verdict;
  };
  /** Threads that take more than they should, if the work is spread evenly over their kind; the verdict is of the fullest. */
  readonly threads: {
    /** Part of a core that each takes. */
    readonly ingestWorker: number;
    readonly consumer: number;
    /** How many would do. */
    readonly ingestWorkersNeeded: number;
    readonly consumersNeeded: number;
    readonly verdict: Verdict;
  };
}

/** Compares a configuration with a machine. */
export function planCapacity(config: Config, machine: Machine, bitsPerSecond: number): CapacityPlan {
  const cores = planCores(config, bitsPerSecond);
  return {
    cameras: config.cameras,
    bitsPerSecond,
    memory: planMemory(config, machine, bitsPerSecond),
    connections: planConnections(config),
    descriptors: planDescriptors(config, machine),
    cores: { ...cores, verdict: judge(cores.ingest + cores.delivery, machine.cores, capacityFigures.usable.processor) },
    threads: planThreads(config, cores),
  };
}

function planMemory(config: Config, machine: Machine, bitsPerSecond: number): CapacityPlan['memory'] {
  const { processBytes, ingestWorkerBytes, consumerBytes, cameraBytes, cameraBytesPerMbit, ringSeconds } =
    capacityFigures.memory;
  const process = processBytes + config.ingestWorkers * ingestWorkerBytes + config.consumers * consumerBytes;
  const streams = config.cameras * (cameraBytes + (cameraBytesPerMbit * bitsPerSecond) / 1e6);
  const { startBytes, grownBytes } = ringMemory(config);
  const wanted = config.cameras * (payloadStartOf(config.ringFrames) + (ringSeconds * bitsPerSecond) / 8);
  const full = Math.min(Math.max(wanted, startBytes), grownBytes);
  // A ring that keeps a group of pictures is never drained, so it does not start again at its first byte.
  const expected = process + streams + (config.gopCache ? full : 0);
  const behind = Math.max(expected, process + full);
  const usable = machine.memoryBytes * capacityFigures.usable.memory;
  const verdict = behind <= usable ? 'enough' : expected <= usable ? 'tight' : 'short';
  return { process, expected, behind, verdict };
}

/** A place that one listener has left is of no use to the cameras of another. */
function planConnections(config: Config): CapacityPlan['connections'] {
  const admitted = admittedOf(config);
  const { cameras } = config;
  if (admitted < cameras) return { admitted, cameras, port: null, verdict: 'short' };
  for (const { key, port, maxConnections } of config.listenerList) {
    const own = config.cameraList.filter(({ listener }) => listener === key).length;
    if (maxConnections < own) return { admitted: maxConnections, cameras: own, port, verdict: 'short' };
  }
  return { admitted, cameras, port: null, verdict: 'enough' };
}

function admittedOf(config: Config): number {
  return config.listenerList.reduce((sum, { maxConnections }) => sum + maxConnections, 0);
}

function planDescriptors(config: Config, machine: Machine): CapacityPlan['descriptors'] {
  const { process, ingestWorker, consumer, port, onvifDevice } = capacityFigures.descriptors;
  const devices = config.onvif ? config.hardwareList.length : 0;
  const ports = config.listenerList.reduce((sum, { rtmpsPort }) => sum + (rtmpsPort === null ? 1 : 2), 1 + devices);
  const publishers = admittedOf(config);
  const own = process + config.ingestWorkers * ingestWorker + config.consumers * consumer + ports * port;
  const least = own + publishers + config.cameras;
  const advised = least + config.cameras + devices * onvifDevice;
  const limit = machine.openFiles ?? Number.POSITIVE_INFINITY;
  return { least, advised, verdict: advised <= limit ? 'enough' : least <= limit ? 'tight' : 'short' };
}

function planCores(config: Config, bitsPerSecond: number): { ingest: number; delivery: number } {
  const { publisherMs, publisherMsPerMbit, readerMs, readerMsPerMbit, tlsFactor } = capacityFigures.processor;
  const mbit = bitsPerSecond / 1e6;
  const secure = new Set(config.listenerList.filter(({ tls }) => tls).map(({ key }) => key));
  const publishers = config.cameraList.reduce((sum, { listener }) => sum + (secure.has(listener) ? tlsFactor : 1), 0);
  return {
    ingest: (publishers * (publisherMs + publisherMsPerMbit * mbit)) / 1000,
    delivery: (config.cameras * (readerMs + readerMsPerMbit * mbit)) / 1000,
  };
}

function planThreads(config: Config, { ingest, delivery }: { ingest: number; delivery: number }) {
  const usable = capacityFigures.usable.processor;
  const ingestWorker = ingest / config.ingestWorkers;
  const consumer = delivery / config.consumers;
  return {
    ingestWorker,
    consumer,
    ingestWorkersNeeded: Math.max(1, Math.ceil(ingest / usable)),
    consumersNeeded: Math.max(1, Math.ceil(delivery / usable)),
    verdict: judge(Math.max(ingestWorker, consumer), 1, usable),
  };
}

function judge(needed: number, there: number, usable: number): Verdict {
  return needed <= there * usable ? 'enough' : needed <= there ? 'tight' : 'short';
}
