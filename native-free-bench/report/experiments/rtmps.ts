/** RTMPS against RTMP at the same load. */
import type { Experiment, PartRecord, Scale } from '../experiment.ts';
import { cameraShape, type LoadCase, loadPart, rowsOf, validText } from '../load-part.ts';
import { figure, megabytes, ratio, table } from '../markdown.ts';

const cameras = 300;
const mbit = 4.5;

function cases(scale: Scale): LoadCase[] {
  const list: LoadCase[] = [];
  for (let round = 1; round <= scale.rounds(3); round++)
    for (const transport of ['RTMP', 'RTMPS'] as const)
      list.push({
        labels: { transport },
        round,
        target: 'skyweir',
        mode: 'ingest',
        load: {
          publishers: scale.count(cameras),
          readers: 0,
          seconds: scale.seconds(10),
          shape: cameraShape(mbit),
          tls: transport === 'RTMPS',
        },
      });
  return list;
}

function render(records: readonly PartRecord[]) {
  const rows = rowsOf(records);
  const base = rows.find(({ labels }) => labels['transport'] === 'RTMP');
  const count = rows[0]!.all[0]!.publishers;
  return {
    blocks: [
      `${count} publishers of ${mbit} Mbit/s, TLS 1.3 with a key on P-256, no readers. The generator encrypts on the same machine; its cost is not in these figures.`,
      table(
        ['Transport', 'CPU s/Gbit', 'to RTMP', 'Cores', 'MB', 'MB more per camera', 'Valid rounds'],
        rows.map((row) => [
          String(row.labels['transport']),
          figure(row.cpuPerGigabit),
          ratio(row.cpuPerGigabit, base?.cpuPerGigabit),
          figure(row.cores, 2),
          megabytes(row.residentBytes),
          row === base || base === undefined ? '-' : figure((row.residentBytes - base.residentBytes) / 1e6 / count, 2),
          validText(row),
        ]),
      ),
    ],
    charts: [],
  };
}

export const rtmps: Experiment = {
  name: 'rtmps',
  question: 'What does encryption cost?',
  minutes: 4,
  parts: (scale) => cases(scale).map(loadPart),
  render,
};
