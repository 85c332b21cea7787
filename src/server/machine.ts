import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';

/** What this process may use. */
export interface Machine {
  /** Of the machine, or of the container if that has less. */
  readonly memoryBytes: number;
  /** Processor cores; fewer in a container that may not use all. */
  readonly cores: number;
  /** Files and sockets that the process may have open; null where there is no such limit. */
  readonly openFiles: number | null;
}

/** The machine that the program runs on. */
export function readMachine(): Machine {
  const total = totalmem();
  const constrained = process.constrainedMemory();
  return {
    // Without a limit it is 0 or a number beyond all memory.
    memoryBytes: constrained > 0 ? Math.min(total, constrained) : total,
    cores: availableParallelism(),
    openFiles: readOpenFiles(),
  };
}

/** The soft limit. Node has raised it to the hard one at its start. */
function readOpenFiles(): number | null {
  if (process.platform === 'win32') return null;
  try {
    return parseOpenFiles(readFileSync('/proc/self/limits', 'utf8'));
  } catch {
    // Otherwise it may ask the name server about every peer.
    (process.report as { excludeNetwork?: boolean }).excludeNetwork = true;
    const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } };
    const soft = Number(report.userLimits?.open_files?.soft);
    return Number.isFinite(soft) && soft > 0 ? soft : null;
  }
}

/** The soft limit of open files in the text of /proc/self/limits; null if there is none. */
export function parseOpenFiles(limits: string): number | null {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? null : Number(soft);
}
