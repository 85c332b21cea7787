/** How a load process watches itself: its own CPU, how busy its loop is, and how it talks to the runner. */
import { performance } from 'node:perf_hooks';
import type { LoadCommand, LoadReport, LoadSelf } from './load-messages.ts';

/** Measures the process between `begin` and `end`. */
export class SelfWatch {
  #cpu = process.cpuUsage();
  #loop = performance.eventLoopUtilization();
  #startMs = performance.now();

  /** Starts a window. */
  begin(): void {
    this.#cpu = process.cpuUsage();
    this.#loop = performance.eventLoopUtilization();
    this.#startMs = performance.now();
  }

  /** The window's figures so far. */
  end(): LoadSelf {
    const cpu = process.cpuUsage(this.#cpu);
    return {
      seconds: (performance.now() - this.#startMs) / 1000,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      loopUtilization: performance.eventLoopUtilization(this.#loop).utilization,
    };
  }
}

/** Sends one report to the runner. */
export function report(message: LoadReport): void {
  process.send?.(message);
}

/** Calls `onCommand` for everything the runner says; the process ends with the runner. */
export function listen(onCommand: (command: LoadCommand) => void): void {
  process.on('message', (message) => onCommand(message as LoadCommand));
  process.on('disconnect', () => process.exit(0));
}
