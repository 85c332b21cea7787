/** Flags that change speed or memory, with what they were measured to do. */
import type { Experiment, PartRecord, Scale } from '../experiment.ts';
import { cameraShape, type LoadCase, type LoadRow, loadPart, observedOf, rowsOf, validText } from '../load-part.ts';
import { figure, megabytes, ratio, table } from '../markdown.ts';

/** What a flag is tried with. */
type Load = 'readers' | 'udp' | 'hanging';

interface Trial {
  readonly flag: string;
  /** The first one is the default, which the others are set against. */
  readonly values: readonly string[];
  readonly load: Load;
}

const trials: readonly Trial[] = [
  { flag: '--rtp-tcp-packet-bytes', values: ['8000', '1400', '32000', '65000'], load: 'readers' },
  { flag: '--rtp-packet-bytes', values: ['1400', '1000', '8900'], load: 'udp' },
  { flag: '--gop-cache', values: ['off', 'on'], load: 'readers' },
  { flag: '--ring-frames', values: ['300', '64', '1200'], load: 'hanging' },
  { flag: '--ring-bytes', values: ['auto', '1MiB', '16MiB'], load: 'hanging' },
];

const cameras = 300;
const mbit = 4.5;
const udpCameras = 50;
const udpSample = 20;
const hanging = { cameras: 40, mbit: 20, readers: 10, ms: 6000, seconds: 15 } as const;
const quickHangMs = 1000;

function loadOf(kind: Load, scale: Scale): LoadCase['load'] {
  const seconds = scale.seconds(10);
  if (kind === 'udp') {
    const count = scale.count(udpCameras);
    return { publishers: count, readers: 2 * count, seconds, shape: cameraShape(mbit), udpSample };
  }
  if (kind === 'readers') {
    const count = scale.count(cameras);
    return { publishers: count, readers: count, seconds, shape: cameraShape(mbit) };
  }
  const count = scale.count(hanging.cameras);
  return {
    publishers: count,
    readers: count,
    seconds: scale.seconds(hanging.seconds),
    shape: cameraShape(hanging.mbit),
    stall: { readers: Math.min(count, hanging.readers), ms: scale.quick ? quickHangMs : hanging.ms },
  };
}

function flagsOf(flag: string, value: string): string[] {
  if (value === 'on') return [flag];
  if (value === 'off') return [flag.replace('--', '--no-')];
  return [flag, value];
}

function cases(scale: Scale): LoadCase[] {
  const list: LoadCase[] = [];
  for (const { flag, values, load } of trials)
    for (let round = 1; round <= scale.rounds(2); round++)
      for (const value of values)
        list.push({
          labels: { flag, value },
          round,
          target: 'skyweir',
          flags: flagsOf(flag, value),
          mode: 'relay',
          load: loadOf(load, scale),
        });
  return list;
}

const texts: Readonly<Record<Load, (row: LoadRow) => string>> = {
  readers: ({ all }) => `${all[0]!.publishers} cameras of ${mbit} Mbit/s with a reader each, RTSP over TCP`,
  udp: ({ all }) => `${all[0]!.publishers} cameras of ${mbit} Mbit/s, ${all[0]!.readers} readers over UDP`,
  hanging: ({ all }) =>
    `${all[0]!.publishers} cameras of ${hanging.mbit} Mbit/s with a reader each, of which ${Math.min(hanging.readers, all[0]!.readers)} stop reading for ${hanging.ms / 1000} s (the p99 is theirs)`,
};

function render(records: readonly PartRecord[]) {
  const rows = rowsOf(records);
  const blocks: string[] = [];
  for (const { flag, values, load } of trials) {
    const own = rows.filter(({ labels }) => labels['flag'] === flag);
    if (own.length === 0) continue;
    const base = own.find(({ labels }) => labels['value'] === values[0]);
    blocks.push(`**\`${flag}\`** with ${texts[load](own[0]!)}:`, tableOf(own, base, values[0]!));
  }
  blocks.push(
    'The receive buffer of a socket (`SO_RCVBUF`) cannot be set from Node for TCP; the kernel sizes it (`net.ipv4.tcp_rmem`). Receivers of RTP ' +
      'over UDP need `net.core.rmem_max` of some MB for large keyframes, on the machine that receives. Skyweir asks for 4 MB to send, of which ' +
      '`net.core.wmem_max` says how much it gets. The buffer that an ingest worker reads into, 256 KiB for all of its ' +
      'sockets, has no flag; one read takes at most that much.',
  );
  return { blocks, charts: [] };
}

function tableOf(rows: readonly LoadRow[], base: LoadRow | undefined, usual: string): string {
  return table(
    [
      'Value',
      'CPU s/Gbit',
      'to the default',
      'MB',
      'p50 ms',
      'p99',
      'First frame p50 ms',
      'Frames lost',
      'Behind',
      'Valid rounds',
    ],
    rows.map((row) => [
      `${row.labels['value']}${row.labels['value'] === usual ? ' (default)' : ''}`,
      figure(row.cpuPerGigabit),
      row === base ? '-' : ratio(row.cpuPerGigabit, base?.cpuPerGigabit),
      megabytes(row.residentBytes),
      figure(row.latency?.p50, 2),
      figure(row.latency?.p99, 2),
      row.firstFrame === null ? '-' : figure(row.firstFrame.p50, 0),
      String(row.lost),
      String(observedOf(row)?.overflowFrames ?? '-'),
      validText(row),
    ]),
  );
}

export const tuning: Experiment = {
  name: 'tuning',
  question: 'What do the tuning flags do?',
  minutes: 14,
  parts: (scale) => cases(scale).map(loadPart),
  render,
};
