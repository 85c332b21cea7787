/** Publishers and readers that come back after a thread was replaced. */
import assert from 'node:assert/strict';
import type { TestServer } from './media-server.ts';
import { NumberedStream, type NumberedStreamOptions } from './numbered-stream.ts';
import type { RtspClient } from './rtsp-client.ts';

/** Publishes a path that a publisher has just lost, trying until it is free. */
export async function republish(
  t: { after(cleanup: () => void): void },
  options: NumberedStreamOptions,
  withinMs: number,
): Promise<NumberedStream> {
  const startMs = performance.now();
  for (;;) {
    const stream = await NumberedStream.start(t, options).catch(() => null);
    const elapsedMs = performance.now() - startMs;
    assert.ok(elapsedMs < withinMs, `${options.path} can be published again after ${elapsedMs} ms`);
    if (stream !== null) return stream;
  }
}

/** Plays a path that a consumer has just stopped serving, trying until it is served again. */
export async function replay(media: TestServer, path: string, withinMs: number): Promise<RtspClient> {
  const startMs = performance.now();
  for (;;) {
    const reader = await media.play(path).catch(() => null);
    const elapsedMs = performance.now() - startMs;
    assert.ok(elapsedMs < withinMs, `${path} can be read again after ${elapsedMs} ms`);
    if (reader !== null) return reader;
  }
}
