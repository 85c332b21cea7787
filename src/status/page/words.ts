/** Figures in plain words, the same everywhere on the page. */

/** How a camera is doing. */
export type CameraState = 'air' | 'trouble' | 'offline';

export const stateWords: Readonly<Record<CameraState, string>> = {
  air: 'On air',
  trouble: 'Troubled',
  offline: 'Offline',
};

/** Who is to blame for a bad picture. `silent` and `measuring` are the page's own: the server has not judged yet. */
export type Blame = 'none' | 'source' | 'network' | 'server' | 'reader' | 'silent' | 'measuring';

export const blameWords: Readonly<Record<Blame, string>> = {
  none: 'Good',
  source: 'Source',
  network: 'Network',
  server: 'Server',
  reader: 'Reader',
  silent: 'Silent',
  measuring: 'Measuring',
};

/** The same with what the word stands for. */
export const blameTitles: Readonly<Record<Blame, string>> = {
  none: 'Nothing is wrong',
  source: 'The source is to blame: the drone, camera or encoder',
  network: 'The network between the source and this server is to blame',
  server: 'This server is to blame: it has too much to do',
  reader: 'A reader is to blame, such as the recording server: it does not keep up',
  silent: 'No video comes in',
  measuring: 'Not judged yet',
};

/** `4.5 Mbit/s`. */
export function bitrateText(kbps: number): string {
  if (kbps < 1000) return `${Math.round(kbps)} kbit/s`;
  const mbps = kbps / 1000;
  return mbps < 1000 ? `${mbps.toFixed(mbps < 100 ? 1 : 0)} Mbit/s` : `${(mbps / 1000).toFixed(2)} Gbit/s`;
}

/** `42 s`, `3 min`, `2 h 05 min`, `3 d 4 h`. */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, '0')} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `29.9 / 30`, or what is known of it. */
export function fpsText(got: number, promised: number): string {
  const shown = got.toFixed(1);
  return promised > 0 ? `${shown} / ${plainNumber(promised)}` : shown;
}

/** `1920 × 1080`; nothing while it is unknown. */
export function pictureText(width: number, height: number): string {
  return width > 0 ? `${width} × ${height}` : '';
}

/** `30` and `29.97`. */
export function plainNumber(value: number): string {
  return String(Number(value.toFixed(2)));
}

/** `1 camera`, `5 cameras`. */
export function countText(count: number, noun: string): string {
  return `${count.toLocaleString('en-GB')} ${noun}${count === 1 ? '' : 's'}`;
}

/** `14:03:07` in the time of whoever looks, with the date when it was another day. */
export function clockText(time: Date, now: Date): string {
  const clock = time.toLocaleTimeString('en-GB');
  if (time.toDateString() === now.toDateString()) return clock;
  return `${time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}, ${clock}`;
}

/** The meaning of a reason code, or the code itself. */
export function reasonText(reason: string, reasons: Readonly<Record<string, string>>): string {
  return reasons[reason] ?? reason.replaceAll('_', ' ');
}
