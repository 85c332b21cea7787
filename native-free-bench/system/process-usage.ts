/** What a target costs, read from /proc: CPU time and memory of a process and all its descendants. Linux only. */
import { readdirSync, readFileSync } from 'node:fs';

/** Kernel clock ticks per second in /proc/PID/stat; 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** One look at a process tree. */
export interface ProcessUsage {
  readonly processes: number;
  readonly threads: number;
  /** User and system time of all threads so far, ended children that were waited for included. */
  readonly cpuSeconds: number;
  /** Resident bytes: all, private (anonymous) and shared memory. Pages that several processes share count in each. */
  readonly residentBytes: number;
  readonly anonymousBytes: number;
  readonly sharedBytes: number;
  readonly descriptors: number;
}

/** The fields of /proc/PID/stat that matter here. */
export interface StatFields {
  readonly parent: number;
  readonly ticks: number;
  readonly threads: number;
}

/** Parses /proc/PID/stat; the command name in brackets may hold spaces and brackets. Throws an Error if it is malformed. */
export function parseStat(text: string): StatFields {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent, utime, stime, cutime, cstime, threads] = [1, 11, 12, 13, 14, 17].map((i) => Number(fields[i]));
  if ([parent, utime, stime, cutime, cstime, threads].some((value) => !Number.isFinite(value)))
    throw new Error('/proc stat line is malformed');
  return { parent: parent!, ticks: utime! + stime! + cutime! + cstime!, threads: threads! };
}

/** Bytes of one `Vm...:  123 kB` line of /proc/PID/status, 0 if it is missing. */
export function parseStatusBytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
}

/** CPU-seconds all programs of the machine have used so far, from the text of /proc/stat; interrupts are left out. */
export function parseMachineCpu(text: string): number {
  const [user, nice, system] = /^cpu +(\d+) (\d+) (\d+)/.exec(text)?.slice(1).map(Number) ?? [0, 0, 0];
  return (user! + nice! + system!) / ticksPerSecond;
}

/** CPU-seconds all programs of the machine have used so far. */
export function readMachineCpu(): number {
  return parseMachineCpu(readFileSync('/proc/stat', 'latin1'));
}

/** Sums up the processes `roots` and their descendants. Throws an Error if a root is gone. */
export function readUsage(roots: number | readonly number[]): ProcessUsage {
  const wanted = typeof roots === 'number' ? [roots] : roots;
  const total = {
    processes: 0,
    threads: 0,
    cpuSeconds: 0,
    residentBytes: 0,
    anonymousBytes: 0,
    sharedBytes: 0,
    descriptors: 0,
  };
  for (const pid of processTree(wanted)) {
    try {
      const stat = parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
      const status = readFileSync(`/proc/${pid}/status`, 'latin1');
      total.processes++;
      total.threads += stat.threads;
      total.cpuSeconds += stat.ticks / ticksPerSecond;
      total.residentBytes += parseStatusBytes(status, 'VmRSS');
      total.anonymousBytes += parseStatusBytes(status, 'RssAnon');
      total.sharedBytes += parseStatusBytes(status, 'RssShmem');
      total.descriptors += readdirSync(`/proc/${pid}/fd`).length;
    } catch (error) {
      if (wanted.includes(pid)) throw new Error(`process ${pid} is gone: ${(error as Error).message}`);
    }
  }
  return total;
}

/** The processes `roots` and all their descendants. */
export function processTree(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const { parent } = parseStat(readFileSync(`/proc/${name}/stat`, 'latin1'));
      children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    } catch {
      // It ended between the listing and the look.
    }
  }
  const tree = [...roots];
  for (let i = 0; i < tree.length; i++) tree.push(...(children.get(tree[i]!) ?? []));
  return tree;
}
