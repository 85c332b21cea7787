/** What messages cost in units of `limits.rtmp.workPerTurn`, as measured; others cost one. */
export const work = { video: 8, command: 12, data: 12, dataBytesPerUnit: 16 } as const;
/** Milliseconds of such a unit, and of a byte that is only taken from its place to another. */
export const unitMs = 0.0004;
export const byteMs = 0.000_001;
