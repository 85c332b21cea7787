import type { PublisherSnapshot, ReaderSnapshot, StreamCounters } from '../shm/stream-counters.ts';

/** What the shared counters say about one camera at one moment; sums over all consumers on the readers' side. */
export interface CameraSnapshot {
  readonly publisher: PublisherSnapshot;
  readonly reader: ReaderSnapshot;
}

/** Reads one camera's counters. Words of different instants may differ by a frame. */
export function readCamera(counters: StreamCounters, camera: number, consumers: number): CameraSnapshot {
  const reader = counters.reader(camera, 0).snapshot();
  for (let consumer = 1; consumer < consumers; consumer++) {
    const part = counters.reader(camera, consumer).snapshot();
    for (const name of Object.keys(part) as (keyof ReaderSnapshot)[]) reader[name] += part[name];
  }
  return { publisher: counters.publisher(camera).snapshot(), reader };
}
