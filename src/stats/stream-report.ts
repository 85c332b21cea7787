import { round } from '../base/round.ts';
import type { StreamMetadata } from '../control/messages.ts';
import type { Verdict } from './verdict.ts';

/** The statistics of one stream at the end of one window. Milliseconds, bytes and frames, rates a second; nothing is rounded. */
export interface StreamReport {
  readonly path: string;
  /** Address and port of the publisher. */
  readonly publisher: string;
  /** The stream has ended; the window is its last one. */
  readonly final: boolean;
  /** When the stream started: ISO 8601, UTC. */
  readonly since: string;
  readonly uptimeMs: number;
  /** From the SPS; null before one was understood. */
  readonly codec: CodecFacts | null;
  /** From onMetaData; null before it came. */
  readonly declared: StreamMetadata | null;
  readonly window: WindowFigures;
  readonly total: TotalFigures;
  readonly verdict: Verdict;
}

export interface CodecFacts {
  readonly profile: number;
  readonly level: number;
  readonly width: number;
  readonly height: number;
  /** Of the SPS; 0 when it names none. */
  readonly fps: number;
}

/** What happened in one window. */
export interface WindowFigures {
  /** Length of the window as measured. */
  readonly measuredMs: number;
  /** What rates are taken over: the measured length, at least 1. */
  readonly seconds: number;
  readonly push: { readonly frames: number; readonly bytes: number; readonly keyframes: number };
  /** Frames that at least one reader got: of the consumer that delivered most, when there are several. */
  readonly pop: { readonly frames: number };
  readonly drops: Drops;
  /** Frames that were cut short, or had lengths that make no sense. */
  readonly truncated: number;
  /** Frames of `drops.overflow` that a consumer thread left out because it could not keep up. */
  readonly shed: number;
  /** Frames of `push` that nobody can have got, because the publisher's thread could not keep up and left them out. */
  readonly ingestShed: number;
  /** Frames of `push` that nobody can have got, because they came before the first picture that decoding can start at. */
  readonly unplayable: number;
  /** No SPS and PPS have come since the start of the stream. */
  readonly parametersMissing: boolean;
  /** Jumps of the publisher's clock. */
  readonly discontinuities: number;
  readonly queue: { readonly average: number; readonly maximum: number; readonly capacity: number };
  /** Distances of the time stamps; null without any. */
  readonly interFrame: Deltas | null;
  /** Shortest average of these distances in any window so far; 0 before there are any. */
  readonly usualMs: number;
  /** Distances of the arrivals; null without any. */
  readonly arrival: { readonly average: number; readonly deviation: number; readonly maximum: number } | null;
  /** How much later, against their time stamps, frames arrived than the promptest one in the half minute before; null without any. */
  readonly lateness: { readonly average: number; readonly maximum: number } | null;
  /** By how much the publisher's thread itself came late to its work when the latest frame came. */
  readonly threadLateMs: number;
  /** Since the newest frame, at the end of the window. */
  readonly silentMs: number;
  /** How long after the newest frame audio was still noted to come, while no video was on its way. */
  readonly audioOnlyMs: number;
  /** Since the publisher's thread made a note, as it does each second. */
  readonly threadSilentMs: number;
  readonly pacing: { readonly sleeps: number; readonly averageMs: number };
  /** Readers at the start of the window, at its end, and how many were disconnected because they were too slow. */
  readonly readersBefore: number;
  readonly readers: number;
  readonly cutOff: number;
  /** Frames sent, summed over the readers. */
  readonly framesSent: number;
  /** Part of the time that the threads of the camera were busy, 0 to 1: the publisher's, and the busiest consumer with readers of it. */
  readonly ingestLoad: number;
  readonly consumerLoad: number;
}

/** Frames that a camera has less than its publisher sent, by reason. */
export interface Drops {
  /** Lost by readers because the ring overran them, summed over the readers. */
  readonly overflow: number;
  /** Without a picture; their SEI goes with the next picture. */
  readonly seiOnly: number;
  readonly nonH264: number;
}

export interface Deltas {
  readonly average: number;
  readonly minimum: number;
  readonly maximum: number;
  readonly samples: number;
}

/** Since the stream started. */
export interface TotalFigures {
  readonly push: { readonly frames: number; readonly bytes: number };
  readonly pop: { readonly frames: number };
  readonly drops: Drops;
}

/** The report as fields of a JSON log line, numbers rounded to what they are good for. */
export function reportFields(report: StreamReport) {
  const { window, total, declared, codec } = report;
  const { seconds, push, pop, queue, interFrame, arrival, lateness, pacing } = window;
  return {
    publisher: report.publisher,
    final: report.final,
    since: report.since,
    uptimeSeconds: round(report.uptimeMs / 1000, 1),
    codec,
    declared,
    window: {
      seconds: round(seconds, 2),
      push: {
        frames: push.frames,
        bytes: push.bytes,
        keyframes: push.keyframes,
        fps: round(push.frames / seconds, 2),
        mbitPerSecond: round((push.bytes * 8) / seconds / 1e6, 2),
      },
      pop: { frames: pop.frames, fps: round(pop.frames / seconds, 2) },
      drops: window.drops,
      truncated: window.truncated,
      shed: window.shed,
      ingestShed: window.ingestShed,
      discontinuities: window.discontinuities,
      queueDepth: { average: round(queue.average, 1), maximum: queue.maximum, capacity: queue.capacity },
      interFrameMs: interFrame && {
        average: round(interFrame.average, 1),
        minimum: round(interFrame.minimum, 1),
        maximum: round(interFrame.maximum, 1),
        samples: interFrame.samples,
      },
      arrivalMs: arrival && {
        average: round(arrival.average, 1),
        deviation: round(arrival.deviation, 1),
        maximum: round(arrival.maximum, 1),
      },
      latenessMs: lateness && { average: round(lateness.average, 1), maximum: round(lateness.maximum, 1) },
      silentMs: round(window.silentMs, 0),
      pacing: { sleeps: pacing.sleeps, averageMs: round(pacing.averageMs, 1) },
      readers: window.readers,
      cutOff: window.cutOff,
      framesSent: window.framesSent,
      ingestLoad: round(window.ingestLoad, 2),
      consumerLoad: round(window.consumerLoad, 2),
    },
    total: { push: total.push, pop: total.pop, drops: total.drops, gapToPush: total.push.frames - total.pop.frames },
    verdict: report.verdict.blame,
    because: report.verdict.text,
  };
}
