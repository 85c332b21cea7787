import type { Config } from '../config/schema.ts';
import type { AcceptorBoot, Camera, ConsumerBoot } from '../control/messages.ts';
import { threadPriority } from '../control/thread-priority.ts';
import { readVersion } from '../version.ts';
import { listenOptions, type OpenPorts } from './listen-options.ts';
import type { RingStore } from './ring-store.ts';
import type { ServerOptions, ThreadEntries } from './server.ts';
import type { ServerMemory } from './server-memory.ts';

/** Priority of the threads that pictures pass through: what the process was started with. */
export const picturePriority = threadPriority();

/** The server at the moment at which a thread starts. */
export interface ServerState {
  readonly options: ServerOptions;
  readonly entries: ThreadEntries;
  readonly config: Config;
  readonly cameras: readonly Camera[];
  readonly memory: ServerMemory;
  readonly rings: RingStore;
  /** By camera index: it has a publisher. */
  readonly live: readonly boolean[];
  /** {@link TlsMaterialBoard} memory. */
  readonly tls: SharedArrayBuffer;
  /** Null before the first acceptor has opened them. */
  readonly ports: OpenPorts | null;
  readonly tunnelChannel: string;
  readonly pipePass: string;
}

/** What a consumer is started with. */
export function consumerBoot(state: ServerState, index: number): ConsumerBoot {
  const { options, config, cameras, memory, rings, live, tls, tunnelChannel, pipePass } = state;
  return {
    log: options.logOptions,
    priority: picturePriority,
    index,
    cameras,
    doorbell: memory.doorbells[index]!,
    counters: memory.counters,
    loads: memory.loads,
    readerTally: memory.readerTally,
    rings: rings.all,
    host: config.host,
    credentials: options.credentials,
    digestSha256: config.rtspDigestSha256,
    packetBytes: config.rtpPacketBytes,
    tcpPacketBytes: config.rtpTcpPacketBytes,
    gopCache: config.gopCache,
    live,
    product: `Skyweir ${readVersion()}`,
    tunnelChannel: config.consumers > 1 ? tunnelChannel : null,
    pipePass,
    tls,
  };
}

/** What the acceptor is started with, and gives to its ingest workers. */
export function acceptorBoot({ options, entries, config, memory, tls, ports }: ServerState): AcceptorBoot {
  const log = options.logOptions;
  const { doorbells, counters, loads } = memory;
  return {
    log,
    host: config.host,
    // After a restart the ports stay what they were, also where the system chose them.
    listen: listenOptions(config, ports),
    ingestWorkers: config.ingestWorkers,
    ingestEntry: entries.ingest.href,
    ingest: { log, priority: picturePriority, doorbells, counters, loads, tls },
  };
}
