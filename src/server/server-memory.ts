import type { Config } from '../config/schema.ts';
import type { Camera } from '../control/messages.ts';
import { Doorbell } from '../shm/doorbell.ts';
import { ReaderTally } from '../shm/reader-tally.ts';
import { StreamCounters } from '../shm/stream-counters.ts';
import { WorkerLoads } from '../shm/worker-load.ts';
import { cameraPlaces } from './camera-table.ts';

/** What all threads share beside the rings and the certificate: made once, for as long as the server runs. */
export class ServerMemory {
  readonly counters: SharedArrayBuffer;
  readonly loads: SharedArrayBuffer;
  readonly readerTally: SharedArrayBuffer;
  /** One for each consumer. */
  readonly doorbells: readonly SharedArrayBuffer[];
  /** The counters and loads as the main thread reads them. */
  readonly streamCounters: StreamCounters;
  readonly workerLoads: WorkerLoads;
  readonly #bells: readonly Doorbell[];

  constructor({ consumers, ingestWorkers }: Pick<Config, 'consumers' | 'ingestWorkers'>) {
    this.counters = StreamCounters.create(cameraPlaces, consumers);
    this.loads = WorkerLoads.create(ingestWorkers, consumers);
    this.readerTally = ReaderTally.create(consumers);
    this.doorbells = Array.from({ length: consumers }, () => Doorbell.create(cameraPlaces));
    this.streamCounters = new StreamCounters(this.counters);
    this.workerLoads = new WorkerLoads(this.loads);
    this.#bells = this.doorbells.map((memory) => new Doorbell(memory));
  }

  /** The consumers that have a reader of the camera. */
  consumersOf({ index }: Camera): number[] {
    return [...this.#bells.keys()].filter((consumer) => this.#bells[consumer]!.interested(index));
  }
}
