/** Processor time and memory of this process, with the part that the simulation takes told apart. */

/** Shares of one core since the question before; memory at this moment. */
export interface Usage {
  readonly cpu: { readonly total: number; readonly server: number };
  readonly memoryBytes: number;
}

/** Asks the system; each answer is about the time since the one before. */
export class UsageMeter {
  #atMs = performance.now();
  #process = cpuMs(process.cpuUsage());
  #thread = cpuMs(process.threadCpuUsage());

  /** Drones, readers and table live in the main thread, where the server does hardly anything: the rest is the server. */
  read(): Usage {
    const atMs = performance.now();
    const whole = cpuMs(process.cpuUsage());
    const thread = cpuMs(process.threadCpuUsage());
    const elapsed = atMs - this.#atMs;
    const total = (whole - this.#process) / elapsed;
    const simulation = (thread - this.#thread) / elapsed;
    this.#atMs = atMs;
    this.#process = whole;
    this.#thread = thread;
    return { cpu: { total, server: Math.max(0, total - simulation) }, memoryBytes: process.memoryUsage.rss() };
  }
}

function cpuMs({ user, system }: { readonly user: number; readonly system: number }): number {
  return (user + system) / 1000;
}
