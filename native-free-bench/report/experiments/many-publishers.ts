/** 2000 publishers of 1 Mbit/s: many small streams instead of fewer large ones. */
import type { Experiment, PartRecord, Scale } from '../experiment.ts';
import { cameraShape, type LoadCase, loadPart, rowsOf, validText } from '../load-part.ts';
import { figure, megabytes, ratio, table } from '../markdown.ts';

const publishers = 2000;
const mbit = 1;

function cases(scale: Scale): LoadCase[] {
  const list: LoadCase[] = [];
  for (let round = 1; round <= scale.rounds(3); round++)
    for (const target of ['skyweir', 'nginx'] as const)
      list.push({
        labels: { target },
        round,
        target,
        mode: 'ingest',
        load: { publishers: scale.count(publishers), readers: 0, seconds: scale.seconds(10), shape: cameraShape(mbit) },
      });
  return list;
}

function render(records: readonly PartRecord[]) {
  const rows = rowsOf(records);
  const base = rows.find(({ labels }) => labels['target'] === 'nginx');
  const count = rows[0]!.all[0]!.publishers;
  return {
    blocks: [
      `${count} publishers of ${mbit} Mbit/s. One Skyweir has at most 1008 cameras, so above 1000 there are two of them, measured together.`,
      table(
        ['Server', 'CPU s/Gbit', 'to nginx', 'Cores', 'MB', 'Frames not taken in time', 'Valid rounds'],
        rows.map((row) => [
          String(row.labels['target']) === 'nginx' ? 'nginx-rtmp' : 'Skyweir',
          figure(row.cpuPerGigabit),
          ratio(row.cpuPerGigabit, base?.cpuPerGigabit),
          figure(row.cores, 2),
          megabytes(row.residentBytes),
          String(row.all.reduce((sum, one) => sum + one.notSent, 0)),
          validText(row),
        ]),
      ),
    ],
    charts: [],
  };
}

export const manyPublishers: Experiment = {
  name: 'many-publishers',
  question: 'What do 2000 publishers of 1 Mbit/s cost?',
  minutes: 5,
  parts: (scale) => cases(scale).map(loadPart),
  render,
};
