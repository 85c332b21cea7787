/** What the server says of itself on /metrics; asked at the end of a window, so that it costs the window nothing. */
import type { RunningTarget } from '../system/target.ts';

/** One thread as the server sees it. */
export interface ThreadFigures {
  readonly thread: string;
  readonly index: number;
  readonly bitsPerSecond: number;
  /** Part of the last second in which it worked. */
  readonly busy: number;
  readonly connections: number;
}

export interface ServerFigures {
  readonly threads: readonly ThreadFigures[];
  /** Frames that readers lost because they were too far behind, since the start. */
  readonly overflowFrames: number;
}

const timeoutMs = 10_000;

/** Null where the target has no such port, or it does not answer. */
export async function serverFigures(running: RunningTarget): Promise<ServerFigures | null> {
  if (running.httpPort === 0) return null;
  const url = `http://127.0.0.1:${running.httpPort}/metrics`;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
    return answer.ok ? parseServerFigures(await answer.text()) : null;
  } catch {
    return null;
  }
}

/** Reads the Prometheus text. */
export function parseServerFigures(text: string): ServerFigures {
  const threads = new Map<string, { thread: string; index: number; values: Map<string, number> }>();
  let overflowFrames = 0;
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{([^}]*)\})? (\S+)/.exec(line);
    if (match === null) continue;
    const [, name, labels = '', value] = match;
    if (name === 'skyweir_stream_overflow_frames_total') overflowFrames += Number(value);
    if (!name!.startsWith('skyweir_thread_')) continue;
    const thread = /thread="([^"]*)"/.exec(labels)?.[1];
    const index = /index="(\d+)"/.exec(labels)?.[1];
    if (thread === undefined || index === undefined) continue;
    const key = `${thread} ${index}`;
    const known = threads.get(key) ?? { thread, index: Number(index), values: new Map<string, number>() };
    known.values.set(name!, Number(value));
    threads.set(key, known);
  }
  return {
    threads: [...threads.values()].map(({ thread, index, values }) => ({
      thread,
      index,
      bitsPerSecond: values.get('skyweir_thread_bits_per_second') ?? 0,
      busy: values.get('skyweir_thread_busy_ratio') ?? 0,
      connections: values.get('skyweir_thread_connections') ?? 0,
    })),
    overflowFrames,
  };
}

/** Most against least bits per second of the threads of a kind; 1 for less than two, Infinity if one had nothing. */
export function balanceOf(figures: ServerFigures, thread: string): number {
  const bits = figures.threads.filter((one) => one.thread === thread).map((one) => one.bitsPerSecond);
  return bits.length < 2 ? 1 : Math.max(...bits) / Math.min(...bits);
}
