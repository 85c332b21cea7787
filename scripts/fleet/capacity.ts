/** How large a fleet this machine carries: FFmpeg processes without being brought to its knees by them, and open files. */

/** Processes per core: one that copies takes about one percent of a core, one that encodes a quarter. */
const copyPerCore = 100;
const encodePerCore = 4;
/** Memory of one process beyond what all of them share. */
const copyBytes = 32 * 1024 * 1024;
const encodeBytes = 96 * 1024 * 1024;
/** Share of the free memory that they may take. */
const memoryShare = 0.8;

/** The most FFmpeg processes to start without being told to. */
export function mostProcesses(cores: number, freeBytes: number, encode: boolean): number {
  const byCores = cores * (encode ? encodePerCore : copyPerCore);
  const byMemory = Math.floor((freeBytes * memoryShare) / (encode ? encodeBytes : copyBytes));
  return Math.max(1, Math.min(byCores, byMemory));
}

/** Entries of /proc/<pid>/fd of a fleet that has nothing connected, with what its threads open for a moment. */
const ownFiles = 80;
/** A link listens, and has a socket on each side. */
const filesPerLink = 3;
/** The pipes of a process. */
const filesPerFfmpeg = 2;

/** What is connected when all cameras fly. */
export interface FleetSockets {
  readonly count: number;
  readonly synthetic: boolean;
  readonly links: number;
  readonly readers: number;
}

/** Open files that a fleet needs; a connection that the system refuses would look like one that the server has refused. */
export function openFilesOf({ count, synthetic, links, readers }: FleetSockets): number {
  return ownFiles + count * (synthetic ? 1 : filesPerFfmpeg) + links * filesPerLink + readers;
}
