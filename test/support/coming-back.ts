/** Publishers and readers that come back after a thread was replaced. */
import assert from 'node:assert/strict';
import type { TestServer } from './media-server.ts';
import { NumberedStream, type NumberedStreamOptions } from './numbered-stream.ts';
import type { RtspClient } from './rtsp-client.ts';

/** Publishes a path that a publisher has just lost, trying until it is free. */
export function republish(
  t: { after(cleanup: () => void): void },
  options: NumberedStreamOptions,
  withinMs: number,
): Promise<NumberedStream> {
  return trying(`${options.path} can be published again`, () => NumberedStream.start(t, options), withinMs);
}

/** Plays a path that a consumer has just stopped serving, trying until it is served again. */
export function replay(media: TestServer, path: string, withinMs: number): Promise<RtspClient> {
  return trying(`${path} can be read again`, () => media.play(path), withinMs);
}

/**
 * `withinMs` is time of the processor that this process uses, with the server in it. It tries without a pause, so that this is no less than
 * the time that passes, but for the time in which the machine stands still or works for others.
 */
async function trying<T>(what: string, attempt: () => Promise<T>, withinMs: number): Promise<T> {
  const before = process.cpuUsage();
  for (;;) {
    const made = await attempt().catch(() => null);
    const { user, system } = process.cpuUsage(before);
    const usedMs = (user + system) / 1000;
    assert.ok(usedMs < withinMs, `${what} after ${usedMs} ms of processor time`);
    if (made !== null) return made;
  }
}
