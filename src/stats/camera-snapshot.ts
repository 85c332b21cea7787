import type { PublisherSnapshot, ReaderSnapshot, StreamCounters } from '../shm/stream-counters.ts';

/** What the shared counters say about one camera at one moment. */
export interface CameraSnapshot {
  readonly publisher: PublisherSnapshot;
  /** Sums over all consumers. A frame that readers in two consumers got is in it twice. */
  readonly reader: ReaderSnapshot;
  /** The counters of each consumer, by its index. */
  readonly consumers: readonly ReaderSnapshot[];
}

/** Reads one camera's counters. Words of different instants may differ by a frame. */
export function readCamera(counters: StreamCounters, camera: number): CameraSnapshot {
  return withReaders(counters.publisher(camera).snapshot(), counters, camera);
}

/**
 * Reads one camera's counters at the end of a window and begins the next one. Sums are those of the moment; the extremes are
 * the closed window's, without a gap between two windows (see the drawing in `stream-counters.ts`).
 */
export function closeWindow(counters: StreamCounters, camera: number): CameraSnapshot {
  const block = counters.publisher(camera);
  const publisher = block.snapshot();
  block.beginWindow();
  block.readExtremes(publisher);
  return withReaders(publisher, counters, camera);
}

/** A publisher's counters that were read before, with the readers' of now. */
export function withReaders(publisher: PublisherSnapshot, counters: StreamCounters, camera: number): CameraSnapshot {
  const first = counters.reader(camera, 0).snapshot();
  const consumers = [first];
  let reader = first;
  for (let consumer = 1; consumer < counters.consumers; consumer++) {
    const part = counters.reader(camera, consumer).snapshot();
    consumers.push(part);
    reader = sum(reader, part);
  }
  return { publisher, reader, consumers };
}

/**
 * A stream's counters after another one has followed it. `then`: when that came. What was delivered of this stream since, `now` has among
 * the frames of earlier ones.
 */
export function withEarlier(then: CameraSnapshot, now: CameraSnapshot): CameraSnapshot {
  const consumers = then.consumers.map((consumer, index) => {
    return { ...consumer, frames: consumer.frames + now.consumers[index]!.earlier - consumer.earlier };
  });
  return { ...then, consumers };
}

function sum(a: ReaderSnapshot, b: ReaderSnapshot): ReaderSnapshot {
  return {
    frames: a.frames + b.frames,
    bytes: a.bytes + b.bytes,
    readers: a.readers + b.readers,
    overflow: a.overflow + b.overflow,
    pacingSleeps: a.pacingSleeps + b.pacingSleeps,
    pacingSleepMs: a.pacingSleepMs + b.pacingSleepMs,
    framesSent: a.framesSent + b.framesSent,
    cutOff: a.cutOff + b.cutOff,
    shed: a.shed + b.shed,
    earlier: a.earlier + b.earlier,
  };
}
