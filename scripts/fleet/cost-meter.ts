/** What machine and server spend while the fleet flies. Elsewhere than on Linux there is nothing to read. */
import { availableParallelism } from 'node:os';
import { type ProcessUsage, readMachineCpu, readUsage } from '../../native-free-bench/system/process-usage.ts';
import type { Cost } from './report.ts';

interface Mark {
  readonly atMs: number;
  readonly machineSeconds: number;
  readonly server: ProcessUsage | null;
  readonly readerSeconds: number;
  readonly senderSeconds: number;
}

/** Measures from {@link CostMeter.begin} to {@link CostMeter.end}. */
export class CostMeter {
  readonly #pid: number | null;
  #first: Mark | null = null;
  #last: { readonly atMs: number; readonly cpuSeconds: number } | null = null;
  #cost: Cost | null = null;

  /** `pid`: of the server, null when it is not ours. */
  constructor(pid: number | null) {
    this.#pid = pid;
  }

  /** The result; null before the end, and where nothing can be read. */
  get cost(): Cost | null {
    return this.#cost;
  }

  begin(readerSeconds: number, senderSeconds: number): void {
    this.#first = this.#mark(readerSeconds, senderSeconds);
  }

  end(readerSeconds: number, senderSeconds: number): void {
    const first = this.#first;
    const last = this.#mark(readerSeconds, senderSeconds);
    if (first === null || last === null) return;
    const seconds = (last.atMs - first.atMs) / 1000;
    const both = first.server !== null && last.server !== null;
    this.#cost = {
      seconds,
      machineCores: (last.machineSeconds - first.machineSeconds) / seconds,
      cores: availableParallelism(),
      server: both
        ? {
            cores: (last.server!.cpuSeconds - first.server!.cpuSeconds) / seconds,
            residentBytes: last.server!.residentBytes,
          }
        : null,
      readerCores: (last.readerSeconds - first.readerSeconds) / seconds,
      senderCores: (last.senderSeconds - first.senderSeconds) / seconds,
    };
  }

  /** The server's cores since the question before, and its memory; null when it is not ours. */
  now(): { readonly cores: number; readonly residentBytes: number } | null {
    const usage = this.#usage();
    if (usage === null) return null;
    const atMs = performance.now();
    const last = this.#last;
    this.#last = { atMs, cpuSeconds: usage.cpuSeconds };
    const cores = last === null ? 0 : (usage.cpuSeconds - last.cpuSeconds) / ((atMs - last.atMs) / 1000);
    return { cores, residentBytes: usage.residentBytes };
  }

  /** The server as it stands; null when it is not ours. */
  usage(): ProcessUsage | null {
    return this.#usage();
  }

  #mark(readerSeconds: number, senderSeconds: number): Mark | null {
    try {
      const machineSeconds = readMachineCpu();
      return { atMs: performance.now(), machineSeconds, server: this.#usage(), readerSeconds, senderSeconds };
    } catch {
      return null;
    }
  }

  #usage(): ProcessUsage | null {
    if (this.#pid === null) return null;
    try {
      return readUsage(this.#pid);
    } catch {
      return null;
    }
  }
}
