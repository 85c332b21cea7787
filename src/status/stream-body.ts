import { round } from '../base/round.ts';
import type { ReaderInfo } from '../control/messages.ts';
import type { Violation } from '../ingest-rules/ingest-rules.ts';
import type { Verdict } from '../stats/verdict.ts';
import type { PublisherInfo } from './status-source.ts';
import type { RunningStream, StreamFigures } from './stream-table.ts';

/** One camera as `/api/v1/streams` shows it. */
export function streamBody(
  { camera, live, total, starts, reader, stream }: StreamFigures,
  publisher: PublisherInfo | undefined,
  verdict: Verdict | undefined,
  violations: readonly Violation[],
): Record<string, unknown> {
  return {
    index: camera.index,
    name: camera.name,
    path: camera.path,
    rtspPath: camera.rtspPath,
    hardware: camera.hardware,
    channel: camera.channel,
    live,
    publisher: publisher === undefined ? null : shortPublisher(publisher),
    stream: stream === null ? null : runningBody(stream),
    readers: reader.readers,
    verdict: stream === null || verdict === undefined ? null : verdict,
    rules: violations,
    total: {
      starts,
      frames: total.frames,
      bytes: total.bytes,
      keyframes: total.keyframes,
      seiOnly: total.seiOnly,
      nonH264: total.nonH264,
      truncated: total.truncated,
      discontinuities: total.discontinuities,
      poppedFrames: reader.frames,
      sentFrames: reader.framesSent,
      overflowFrames: reader.overflow,
      shedFrames: reader.shed,
      ingestShedFrames: total.shed,
      slowReaders: reader.cutOff,
    },
  };
}

function runningBody(stream: RunningStream): Record<string, unknown> {
  const { rates } = stream;
  return {
    since: new Date(stream.startedWallMs).toISOString(),
    uptimeSeconds: seconds(stream.uptimeMs),
    silentSeconds: seconds(stream.silentMs),
    width: stream.width,
    height: stream.height,
    profile: stream.profile,
    level: stream.level,
    framesPerSecond: round(rates.fps, 2),
    bitsPerSecond: round(rates.bitsPerSecond, 0),
    jitterSeconds: seconds(rates.jitterMs),
    latenessSeconds: seconds(rates.latenessMs),
    queueDepth: round(rates.queueDepth, 1),
  };
}

function shortPublisher({ connection, address, port }: PublisherInfo): Record<string, unknown> {
  return { connection, address, port };
}

export function publisherBody(info: PublisherInfo, nowMs: number): Record<string, unknown> {
  const { connection, address, port, listenerPort, acceptedMs, camera } = info;
  return { connection, address, port, listenerPort, seconds: seconds(nowMs - acceptedMs), stream: camera };
}

export function readerBody(info: ReaderInfo, nowMs: number): Record<string, unknown> {
  const { peer, camera, connectedMs, playing, transport, tls, frames, lost, bytes } = info;
  const { id: connection, address, port } = peer;
  const age = seconds(nowMs - connectedMs);
  return { connection, address, port, seconds: age, stream: camera, playing, transport, tls, frames, lost, bytes };
}

/** Milliseconds as seconds, to a thousandth. */
export function seconds(ms: number): number {
  return round(ms / 1000, 3);
}
