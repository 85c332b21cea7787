import { type RoundDigits, round } from '../base/round.ts';
import type { StreamReport, WindowFigures } from './stream-report.ts';

/** Bytes: KB and MB of the block are binary; its Mbit are decimal. */
const kilobyte = 1024;
const megabyte = 1024 * 1024;

/** The first line of a block without its frame; what logs are searched for. */
export function statsTitle(report: StreamReport): string {
  return `RTMP Stream Stats: ${report.path}${report.final ? ' (final, publisher disconnected)' : ''}`;
}

/**
 * The report in the form of Milestone's RTMP Push Driver, line for line, so that people and scripts that read its blocks read
 * ours. Two lines are added at the end of the window: `Arrival ms` and `Verdict`.
 */
export function formatStatsBlock(report: StreamReport): string {
  return [
    `================ ${statsTitle(report)} ================`,
    ...header(report),
    ...windowLines(report),
    ...totalLines(report),
    '=========================================================',
  ].join('\n');
}

function header(report: StreamReport): string[] {
  const { codec, declared } = report;
  const lines = [
    line('Publisher', report.publisher),
    line('Uptime', `${duration(report.uptimeMs)} (since ${utc(report.since)} UTC)`),
    line('Video codec', codec === null ? '(unknown)' : `H.264 (profile=${codec.profile} level=${codec.level})`),
  ];
  if (declared === null) return [...lines, line('Source declared', '(no onMetaData received from publisher)')];
  const { width, height, fps, videoKbps, audioCodec, audioHz, audioKbps } = declared;
  const size = width > 0 && height > 0 ? `${width}x${height}` : '?';
  const rate = fps > 0 ? atMost(fps, 2) : '?';
  const bitrate = videoKbps > 0 ? `${Math.round(videoKbps)} kbps` : '?';
  lines.push(line('Source declared', `${size} @ ${rate} fps, video=${bitrate}`));
  if (audioCodec !== '' || audioHz > 0 || audioKbps > 0) {
    const suffix = audioKbps > 0 ? `(${Math.round(audioKbps)} kbps)` : '(audio is ignored by the driver)';
    const hertz = audioHz > 0 ? Math.round(audioHz) : '?';
    lines.push(line('Source audio', `codec=${audioCodec || '?'} rate=${hertz} Hz ${suffix}`));
  }
  return lines;
}

function windowLines({ window, verdict }: StreamReport): string[] {
  const { seconds, push, pop, queue, pacing, interFrame } = window;
  const mbit = (push.bytes * 8) / seconds / 1e6;
  const frameKb = push.frames > 0 ? push.bytes / kilobyte / push.frames : 0;
  const gop = push.keyframes > 0 ? push.frames / push.keyframes : 0;
  return [
    ` --- Last ${seconds.toFixed(0)}s window ---`,
    line(
      'Push (RTMP)',
      `${push.frames} frames (${(push.frames / seconds).toFixed(2)} fps), ${mbit.toFixed(2)} Mbit/s, ` +
        `avg ${frameKb.toFixed(1)} KB/frame, ${push.keyframes} keyframes (GOP~${gop.toFixed(1)})`,
    ),
    line('Pop (XProtect)', `${pop.frames} frames (${(pop.frames / seconds).toFixed(2)} fps)`),
    line('Drops in window', drops(window.drops)),
    line('Queue depth', `avg=${queue.average.toFixed(1)}, max=${queue.maximum}, capacity=${queue.capacity}`),
    line(
      'Inter-frame ms',
      interFrame === null
        ? noFrames
        : `avg=${interFrame.average.toFixed(1)}, min=${interFrame.minimum.toFixed(1)}, ` +
            `max=${interFrame.maximum.toFixed(1)} (${interFrame.samples} samples)`,
    ),
    line(
      'Pacing sleep',
      pacing.sleeps === 0
        ? '0 (queue empty most of the time, or backlog skipped pacing)'
        : `avg=${pacing.averageMs.toFixed(1)} ms (${pacing.sleeps} sleeps), driver throttled to publisher rate`,
    ),
    line('Arrival ms', arrivalText(window)),
    line('Verdict', `${verdict.blame} (${verdict.text})`),
  ];
}

function arrivalText({ arrival, lateness }: WindowFigures): string {
  if (arrival === null || lateness === null) return noFrames;
  return (
    `avg=${arrival.average.toFixed(1)}, stddev=${arrival.deviation.toFixed(1)}, max=${arrival.maximum.toFixed(1)}, ` +
    `late against time stamps avg=${lateness.average.toFixed(1)}, max=${lateness.maximum.toFixed(1)}`
  );
}

function totalLines({ total }: StreamReport): string[] {
  const { push, pop } = total;
  return [
    ' --- Cumulative ---',
    line('Push total', `${push.frames} frames, ${(push.bytes / megabyte).toFixed(1)} MB`),
    line('Pop total', `${pop.frames} frames (gap to push: ${push.frames - pop.frames})`),
    line('Drops total', drops(total.drops)),
  ];
}

const noFrames = '(no frames in window)';

function line(label: string, text: string): string {
  return ` ${label.padEnd(15)} : ${text}`;
}

function drops({ overflow, seiOnly, nonH264 }: WindowFigures['drops']): string {
  return `overflow=${overflow}, SEI-only=${seiOnly}, non-H264=${nonH264}`;
}

/** hh:mm:ss; the hours are not cut off at a day. */
function duration(ms: number): string {
  const all = Math.floor(ms / 1000);
  return [all / 3600, (all / 60) % 60, all % 60].map((part) => String(Math.floor(part)).padStart(2, '0')).join(':');
}

/** 2026-04-25 06:30:00 */
function utc(isoTime: string): string {
  return isoTime.slice(0, 19).replace('T', ' ');
}

/** With up to `digits` decimals. */
function atMost(value: number, digits: RoundDigits): string {
  return String(round(value, digits));
}
