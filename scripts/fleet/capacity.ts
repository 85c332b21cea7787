/** How many FFmpeg processes a machine carries without being brought to its knees by them. */

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
