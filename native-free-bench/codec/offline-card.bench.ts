/** The offline card: a new card's first picture, its later ones, and what a thousand cards hold in memory. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Bench } from 'tinybench';
import { decodeCardFonts } from '../../src/offline-card/card-fonts.ts';
import { OfflineCardStore } from '../../src/offline-card/offline-card.ts';

const fonts = decodeCardFonts((name) => readFileSync(resolve(import.meta.dirname, '../../assets/font', name)));
const contentOf = (camera: number) =>
  ({
    variant: 'offline',
    name: `Drone ${camera} · North gate`,
    url: `rtmp://192.168.10.20:1935/stream${camera}`,
    product: 'Skyweir 0.1.0',
    hint: 'The picture returns by itself when a stream arrives',
  }) as const;

const small = new OfflineCardStore(fonts, { maximumBytes: 1_000_000 });
const kept = new OfflineCardStore(fonts).card(contentOf(7));
let camera = 0;
let step = 0;

const bench = new Bench({ name: 'offline card', time: 1000, warmupTime: 500 })
  .add(`first IDR of a new card, ${kept.idr(0).length} bytes`, () => {
    small.card(contentOf(camera++)).idr(0);
  })
  .add('IDR of a kept card', () => {
    kept.idr(step++);
  })
  .add(`change, ${kept.delta(1, 0).length} bytes`, () => {
    kept.delta((step % 10) + 1, 0);
    step++;
  });
await bench.run();

const store = new OfflineCardStore(fonts);
const cards = Array.from({ length: 1000 }, (_, i) => store.card(contentOf(i)));
for (const card of cards) card.idr(0);
const bytesPerCard = Math.round(store.bytes / cards.length);

if (process.argv.includes('--json')) {
  const rows: object[] = bench.tasks.map((task) => ({
    name: task.name,
    nsPerOperation: task.result.state === 'completed' ? task.result.latency.p50 * 1e6 : Number.NaN,
  }));
  rows.push({ name: 'bytes kept per card, of 1000', bytes: bytesPerCard });
  console.log(JSON.stringify(rows));
} else {
  console.table(bench.table());
  console.log(`1000 cards: ${store.bytes} bytes kept, ${bytesPerCard} a card`);
}
