const KiB = 1024;
const MiB = 1024 * 1024;

/**
 * What a camera, a reader and a thread cost. All were measured on two cores of a shared virtual machine (AMD EPYC) with Node
 * 26.10 on Linux, started as `npm start` does it; another machine differs, so plans leave room (see `usable`). The source
 * stands with each figure; measure again with `npm run bench:system` after a change to the way of a frame.
 */
export const capacityFigures = {
  memory: {
    /** Bytes of the process with main thread and acceptor: resident 193 MB, idle, with one worker and one consumer. */
    processBytes: 145 * MiB,
    /** Resident 193, 223, 276 and 348 MB with 1, 2, 4 and 8 ingest workers, idle. */
    ingestWorkerBytes: 28 * MiB,
    /** Resident 193 and 244 MB with 1 and 4 consumers, idle. */
    consumerBytes: 18 * MiB,
    /**
     * Of a live camera with a reader that keeps up, and what each Mbit/s adds: the ring's pages in use, both connections.
     * Resident 215 MB with 100 cameras of 0.5 Mbit/s, 243 MB with 100 of 9 Mbit/s, 428 MB with 1000 of 4.67 Mbit/s.
     */
    cameraBytes: 150 * KiB,
    cameraBytesPerMbit: 25 * KiB,
    /** Seconds of video that a ring comes to hold when its readers are behind (`src/shm/ring-space.ts`). */
    ringSeconds: 2,
  },
  /** Entries of /proc/<pid>/fd: 44 with one worker, consumer and ONVIF device; 80 with 8 workers; 106 with 63 devices. */
  descriptors: {
    process: 29,
    ingestWorker: 5,
    /** With its two UDP ports. */
    consumer: 7,
    /** A listening socket. */
    port: 1,
    /** Connections that a recorder is given for one ONVIF device beside the video. */
    onvifDevice: 4,
  },
  /**
   * Milliseconds of a core each second, at 30 frames a second and full load. System benchmark with 1000 streams of 4.67 Mbit/s:
   * 0.056 s for a Gbit received, 0.209 s for a Gbit received and delivered to one reader. Most of it is for each frame: a
   * program in C that only reads takes 0.033 s for a Gbit, and no more than that is taken for each further Mbit. A server with
   * little to do takes up to three times as long for a frame, since it wakes up for each.
   */
  processor: {
    publisherMs: 0.11,
    publisherMsPerMbit: 0.033,
    readerMs: 0.53,
    readerMsPerMbit: 0.04,
    /** How much more a publisher over RTMPS takes: 1.7 to 2.2 times (docs/adr/0007-tls-in-the-worker.md). */
    tlsFactor: 2,
  },
  /** Part of a machine that a plan may fill. The rest is for its system, bursts, reconnects and machines that are slower. */
  usable: { memory: 0.8, processor: 0.7 },
} as const;
