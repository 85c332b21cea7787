/** The demo as text: pure, from numbers to lines, for any width and height of the terminal. */
import type { CameraMeter } from './camera-meter.ts';
import type { Manner } from './flight-plan.ts';
import { type Paint, paint, type Tone } from './paint.ts';
import { type Cell, layOutTable, type TableRow } from './table.ts';

/** One camera. */
export interface CameraView {
  readonly name: string;
  readonly path: string;
  /** Since when a publisher holds the path, monotonic milliseconds; null while there is none. */
  readonly liveSinceMs: number | null;
  readonly meter: CameraMeter;
  /** Null for the camera that is left free. */
  readonly manner: Manner | null;
}

/** Where the server is reached. */
export interface Reach {
  /** As it stands in a URL. */
  readonly host: string;
  readonly rtmpPort: number;
  readonly rtspPort: number;
  readonly user: string;
  readonly password: string;
}

/** A line of what happened. */
export interface EventLine {
  /** Milliseconds after the demo's start. */
  readonly atMs: number;
  readonly text: string;
}

/** Everything that is shown at one moment. */
export interface DemoView {
  readonly version: string;
  readonly elapsedMs: number;
  /** Monotonic milliseconds. */
  readonly nowMs: number;
  readonly cameras: readonly CameraView[];
  /** Processor time used, 1 = one core: the whole process, and the server's part of it. */
  readonly cpu: { readonly total: number; readonly server: number };
  readonly memoryBytes: number;
  readonly reach: Reach;
  /** Such as a port that was taken. */
  readonly remarks: readonly string[];
  readonly events: readonly EventLine[];
}

const mostEvents = 12;

/** Lines that a table too long for the screen leaves for them, with the gap before, once it has its own least. */
const leastEvents = 4;
const leastCameras = 10;

/** The whole screen: at most `height` lines, none wider than `width`. */
export function screenLines(view: DemoView, width: number, height: number, how: Paint): string[] {
  const head = [...headLines(view, width, how), ''];
  const foot = ['', ...helpLines(view, width, how)];
  const end = paint('Ctrl-C ends the demo.', 'dim', how);
  // The head line of the table and the last line are always there.
  const space = height - head.length - foot.length - 2;
  const fits = view.cameras.length <= space;
  const rows = fits ? space : Math.min(space, Math.max(leastCameras, space - leastEvents));
  const table = tableLines(view, someCameras(view.cameras, rows), width, how);
  const lines = [...head, ...table, ...foot];
  // One line for the gap before the events, one for the end.
  const room = Math.min(mostEvents, height - lines.length - 2);
  const events = room > 0 ? view.events.slice(-room) : [];
  if (events.length > 0) lines.push('', ...events.map((event) => eventLine(event, width, how)));
  return [...lines.slice(0, height - 1), end];
}

/** The table alone, of all cameras. */
export function tableLines(view: DemoView, cameras: readonly CameraView[], width: number, how: Paint): string[] {
  const rows = cameras.map((camera) => cameraRow(camera, view.nowMs, how));
  const lines = layOutTable(rows, width, how);
  const hidden = view.cameras.length - cameras.length;
  if (hidden > 0) lines.splice(-1, 0, paint(`${how.unicode ? '…' : '...'} and ${hidden} more cameras`, 'dim', how));
  return lines;
}

/** The totals in one line, for output that is no terminal. */
export function totalsLine(view: DemoView): string {
  return [clock(view.elapsedMs), ...totals(view), ...usage(view)].join('  ');
}

/** An event as a line of its own. */
export function eventLine(event: EventLine, width: number, how: Paint): string {
  const text = event.text.slice(0, Math.max(0, width - 7));
  return `${paint(clock(event.atMs), 'dim', how)}  ${text}`;
}

/** How to watch a camera and how to push to the free one. */
export function helpLines({ reach, cameras }: DemoView, width: number, how: Paint): string[] {
  const { host, rtmpPort, rtspPort, user, password } = reach;
  const watched = cameras[0]!.path;
  const url = `rtsp://${user}:${password}@${host}:${rtspPort}${watched}`;
  const player = 'ffplay -rtsp_transport tcp';
  const label = (text: string): string => paint(text.padEnd(7), 'bold', how);
  const indent = ' '.repeat(7);
  const lines: string[] = [];
  if (indent.length + player.length + 1 + url.length <= width)
    lines.push(`${label('Watch')}${player} ${paint(url, 'accent', how)}`);
  else lines.push(`${label('Watch')}${player} \\`, `${indent}${paint(url, 'accent', how)}`);
  lines.push(
    ...flow(['VLC: Media > Open Network Stream,', 'and the same address from rtsp:// on'], width, indent, ' '),
  );
  const free = cameras.find((camera) => camera.manner === null);
  if (free !== undefined) {
    const server = `rtmp://${host}:${rtmpPort}`;
    lines.push(`${label('Push')}${paint(`${server}${free.path}`, 'accent', how)}   from a drone, an encoder, FFmpeg`);
    lines.push(...flow([`OBS: Server ${server}`, `Stream Key ${free.path.slice(1)}`], width, indent, ', '));
  }
  return lines;
}

/** Totals and what they cost. */
export function summaryLines(view: DemoView, width: number): string[] {
  return [...flow(totals(view), width, '', '   '), ...flow(usage(view), width, '', '   ')];
}

function headLines(view: DemoView, width: number, how: Paint): string[] {
  const { rtmpPort, rtspPort } = view.reach;
  const title = `${paint(`Skyweir ${view.version} demo`, 'bold', how)}   ${clock(view.elapsedMs)}   RTMP port ${rtmpPort}   RTSP port ${rtspPort}`;
  const remarks = view.remarks.map((remark) => paint(remark.slice(0, width), 'notice', how));
  return [title, ...remarks, ...summaryLines(view, width)];
}

function totals(view: DemoView): string[] {
  const { cameras } = view;
  const live = cameras.filter((camera) => camera.liveSinceMs !== null);
  const sum = (value: (meter: CameraMeter) => number, from: readonly CameraView[] = live): number =>
    from.reduce((total, camera) => total + (value(camera.meter) || 0), 0);
  const readers = sum((meter) => meter.newest?.readers ?? 0, cameras);
  const drops = sum((meter) => meter.newest?.dropped ?? 0, cameras);
  return [
    `${live.length} of ${cameras.length} cameras live`,
    `in ${sum((meter) => meter.framesPerSecond).toFixed(0)} fps, ${megabits(sum((meter) => meter.bitsPerSecond))} Mbit/s`,
    `${readers} readers, out ${sum((meter) => meter.sentPerSecond).toFixed(0)} fps`,
    `${drops} frames dropped`,
  ];
}

function usage({ cpu, memoryBytes }: DemoView): string[] {
  return [
    `CPU ${percent(cpu.total)} of a core (server ${percent(cpu.server)}, simulation ${percent(cpu.total - cpu.server)})`,
    `memory ${Math.round(memoryBytes / 1024 / 1024)} MiB`,
  ];
}

/** The cameras for `space` lines below the head of the table, the free one always among them. */
export function someCameras(cameras: readonly CameraView[], space: number): readonly CameraView[] {
  // One line says how many are not shown.
  const first = Math.max(1, space - 2);
  if (cameras.length <= space || cameras.length <= first + 1) return cameras;
  return [...cameras.slice(0, first), cameras.at(-1)!];
}

function cameraRow(camera: CameraView, nowMs: number, how: Paint): TableRow {
  const { meter, manner, liveSinceMs } = camera;
  const live = liveSinceMs !== null;
  const { newest } = meter;
  const fps = live ? meter.framesPerSecond : Number.NaN;
  const queue = live ? meter.queueDepth : Number.NaN;
  const drops = newest?.dropped ?? 0;
  const readers = newest?.readers ?? 0;
  const jumps = live ? (newest?.discontinuities ?? 0) : 0;
  return {
    name: cell(camera.name),
    path: cell(camera.path),
    state: stateOf(camera, how),
    fps: number(fps, 1),
    bitrate: number(live ? meter.bitsPerSecond / 1e6 : Number.NaN, 2),
    gop: number(live ? meter.gop : Number.NaN, 0),
    size: live && newest?.width ? cell(`${newest.width}x${newest.height}`) : nothing,
    readers: cell(String(readers), readers > 0 ? 'plain' : 'dim'),
    queue: number(queue, queue < 9.95 ? 1 : 0, queue >= 2 ? 'notice' : 'plain'),
    drops: cell(String(drops), drops > 0 ? 'bad' : 'dim'),
    jumps: live ? cell(String(jumps), jumps > 0 ? 'notice' : 'dim') : nothing,
    uptime: live ? cell(clock(nowMs - liveSinceMs)) : nothing,
    drone: cell(manner === null ? freeText(live).short : manner.name, 'dim'),
    note: cell(manner === null ? freeText(live).long : manner.text, 'dim'),
    history: meter.history,
  };
}

function stateOf({ liveSinceMs, meter }: CameraView, how: Paint): Cell {
  if (liveSinceMs === null) return cell(how.unicode ? '○ offline' : 'offline', 'dim');
  if (meter.silent) return cell(how.unicode ? '● silent' : 'silent', 'notice');
  return cell(how.unicode ? '● live' : 'live', 'good');
}

function freeText(live: boolean): { short: string; long: string } {
  return live ? { short: 'yours', long: 'this is yours' } : { short: 'free', long: 'free: push yours here' };
}

const nothing: Cell = { text: '-', tone: 'dim' };

function cell(text: string, tone: Tone = 'plain'): Cell {
  return { text, tone };
}

function number(value: number, digits: number, tone: Tone = 'plain'): Cell {
  return Number.isFinite(value) ? { text: value.toFixed(digits), tone } : nothing;
}

/** `parts` in as many lines as the width asks for. */
function flow(parts: readonly string[], width: number, indent: string, between: string): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const joined = lines.length === 0 ? indent + part : `${lines.at(-1)}${between}${part}`;
    if (lines.length > 0 && joined.length <= width) lines[lines.length - 1] = joined;
    else lines.push(indent + part);
  }
  return lines;
}

function megabits(bitsPerSecond: number): string {
  return (bitsPerSecond / 1e6).toFixed(1);
}

function percent(share: number): string {
  return `${Math.round(100 * Math.max(0, share))} %`;
}

/** Minutes and seconds, with hours when there are any. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${two(minutes)}:${two(seconds % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`;
}
