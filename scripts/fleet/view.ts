/** The fleet as text: pure, from figures to lines. */
import { type Paint, paint, type Tone } from '../demo/paint.ts';
import type { FleetReport, Totals } from './report.ts';
import type { CameraResult } from './verdict.ts';

/** Everything that is shown at one moment. */
export interface FleetView {
  /** Such as "8 cameras, steady, against rtmp://..." */
  readonly title: string;
  readonly elapsedMs: number;
  readonly lengthMs: number;
  readonly cameras: readonly CameraResult[];
  readonly totals: Totals;
  /** Per second, over the last moments. */
  readonly framesPerSecond: number;
  readonly bitsPerSecond: number;
  /** Of the server that was started here, null for another one. */
  readonly serverCores: number | null;
  readonly serverBytes: number | null;
}

const columns = ['CAMERA', 'CLIP', 'STATE', 'SENT', 'READ', 'LOST', 'TWICE', 'ORDER', 'WRONG', 'RUNS', 'NOTE'] as const;
/** Columns of figures. */
const rightFrom = 3;
const rightTo = 9;

/** A sender that is later than this is itself what delays the frames. */
const lateSenderMs = 50;

/** The whole screen, at most `height` lines. */
export function screenLines(view: FleetView, width: number, height: number, how: Paint): string[] {
  const head = [paint(view.title.slice(0, width), 'bold', how), totalsLine(view).slice(0, width), ''];
  const rows = Math.max(1, height - head.length - 4);
  const end = ['', paint('Ctrl-C ends the fleet with a report.', 'dim', how)];
  return [...head, ...tableLines(view.cameras, rows, width, how), ...end].slice(0, height);
}

/** The totals in one line. */
export function totalsLine(view: FleetView): string {
  const { totals, cameras } = view;
  const parts = [
    `${clock(view.elapsedMs)} of ${clock(view.lengthMs)}`,
    `${totals.live} of ${cameras.length} live`,
    `${totals.playing} read`,
    `${Math.round(view.framesPerSecond)} frames/s`,
    `${(view.bitsPerSecond / 1e6).toFixed(1)} Mbit/s`,
    `lost ${totals.lost}`,
    `wrong ${totals.duplicated + totals.reordered + totals.corrupt + totals.misrouted}`,
  ];
  if (totals.returns > 0) parts.push(`returns ${totals.returns}`);
  if (view.serverCores !== null) parts.push(`server ${view.serverCores.toFixed(2)} cores`);
  if (view.serverBytes !== null) parts.push(`${Math.round(view.serverBytes / 1e6)} MB`);
  return parts.join('  ');
}

/** Head line and one line for each camera, those in trouble first when not all fit into `rows`. */
export function tableLines(cameras: readonly CameraResult[], rows: number, width: number, how: Paint): string[] {
  const numbered = cameras.map((camera, index) => ({ camera, number: index + 1 }));
  const shown =
    numbered.length <= rows
      ? numbered
      : [...numbered]
          .sort((a, b) => troubles(b.camera) - troubles(a.camera) || a.number - b.number)
          .slice(0, Math.max(1, rows - 1))
          .sort((a, b) => a.number - b.number);
  const cells = shown.map(({ camera, number }) => cellsOf(camera, number));
  const widths = columns.map((head, column) => Math.max(head.length, ...cells.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) =>
        column >= rightFrom && column <= rightTo ? text.padStart(widths[column]!) : text.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd()
      .slice(0, width);
  const lines = [
    paint(line(columns), 'dim', how),
    ...cells.map((row, index) => paint(line(row), toneOf(shown[index]!.camera), how)),
  ];
  if (shown.length < numbered.length) lines.push(paint(`... and ${numbered.length - shown.length} more`, 'dim', how));
  return lines;
}

/** The last words. */
export function reportLines(report: FleetReport, how: Paint): string[] {
  const { totals, cost, latency, senderLateness, verdict } = report;
  const sent = `${report.publishers !== 'synthetic' && totals.kills + totals.broken > 0 ? 'At least ' : ''}${totals.sent} frames sent`;
  const lines = [
    report.read === null
      ? `${sent}, none read back`
      : `${sent}, ${totals.frames} read back (${(totals.bytesRead / 1e6).toFixed(1)} MB): ` +
        `${totals.lost} lost, ${totals.duplicated} twice, ${totals.reordered} out of order, ` +
        `${totals.corrupt} with wrong bytes, ${totals.misrouted} on the wrong camera`,
  ];
  if (totals.returns > 0 || totals.kills > 0)
    lines.push(
      `${totals.kills} kills, ${totals.broken} broken streams, ${totals.refused} refusals, ${totals.returns} returns`,
    );
  const underWay = totals.sent - totals.frames - totals.unseen - totals.lost;
  if (report.read !== null && totals.kills + totals.broken > 0 && underWay > 0)
    lines.push(`${underWay} frames or more were on their way when their stream was killed or broke: nobody's loss`);
  if (totals.slowestStartMs > 0)
    lines.push(
      `Slowest start, from connecting to the first frame at the reader: ${Math.round(totals.slowestStartMs)} ms`,
    );
  if (totals.unseen > 0) lines.push(`${totals.unseen} frames were sent while their reader was not there`);
  const { slowReaders } = report;
  if (slowReaders !== null)
    lines.push(
      `${slowReaders.readers} slow readers stopped reading ${slowReaders.pauses} times; the server cut them off ${slowReaders.cutOff} times`,
    );
  if (latency !== null)
    lines.push(
      `Latency from the moment a frame was due: median ${latency.p50Ms.toFixed(1)} ms, 99 % ${latency.p99Ms.toFixed(1)} ms, ` +
        `longest ${latency.maximumMs.toFixed(0)} ms` +
        (senderLateness === null ? '' : ` (the sender itself: 99 % ${senderLateness.p99Ms.toFixed(1)} ms late)`),
    );
  if (cost !== null) {
    const own =
      cost.server === null
        ? ''
        : `, of which the server ${cost.server.cores.toFixed(2)} (${Math.round(cost.server.residentBytes / 1e6)} MB)`;
    lines.push(`${cost.machineCores.toFixed(2)} of ${cost.cores} cores busy${own}`);
  }
  if (senderLateness !== null && senderLateness.p99Ms > lateSenderMs)
    lines.push('The sending thread could not keep its own time: this machine is too busy for a verdict on latency');
  lines.push(paint(verdict.line, verdict.pass ? 'good' : 'bad', how));
  return lines;
}

function cellsOf({ publisher, reader, path, clip, tailLost }: CameraResult, number: number): string[] {
  const read = (count: number | undefined): string => (count === undefined ? '-' : String(count));
  return [
    `${number} ${path}`,
    clip,
    publisher.state,
    String(publisher.sent),
    read(reader?.frames),
    read(reader === null ? undefined : reader.lost + tailLost),
    read(reader?.duplicated),
    read(reader?.reordered),
    read(reader === null ? undefined : reader.corrupt + reader.misrouted),
    String(publisher.starts),
    publisher.state === 'starting' && publisher.problem !== '' ? publisher.problem : (reader?.problem ?? ''),
  ];
}

function troubles({ publisher, reader, tailLost }: CameraResult): number {
  const wrong = reader === null ? 0 : reader.lost + reader.duplicated + reader.reordered + reader.corrupt;
  return wrong + tailLost + publisher.broken + (publisher.state === 'live' ? 0 : 1);
}

function toneOf(camera: CameraResult): Tone {
  const { publisher, reader } = camera;
  if (reader !== null && reader.lost + camera.tailLost + reader.duplicated + reader.reordered + reader.corrupt > 0)
    return 'bad';
  return publisher.state === 'live' ? 'plain' : 'notice';
}

function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
}
