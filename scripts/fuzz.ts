/**
 * Mutants of recorded sessions through every decoder, for as long as one likes: `node scripts/fuzz.ts --minutes 10`. An input
 * that breaks a promise is kept in `test/fuzz/crashers`, where the tests find it. Exit code 1 if there was one.
 */
import { Command } from 'commander';
import { Campaign, makeTargets } from '../test/fuzz/sessions/campaign.ts';
import { crasherFolder, saveCrasher } from '../test/fuzz/sessions/crashers.ts';

/** Inputs between two looks at the clock. */
const batch = 200;
/** Crashers of one target after which it is left alone. */
const enough = 5;

const program = new Command('fuzz')
  .option('--minutes <n>', 'for so long, all targets in turn', '1')
  .option('--inputs <n>', 'or until so many inputs were run')
  .option('--seed <n>', 'of the random numbers; default: the time')
  .option('--targets <list>', 'only these, comma-separated')
  .option('--keep <folder>', 'where inputs that break a promise are kept', crasherFolder)
  .parse();
const options = program.opts<{ minutes: string; inputs?: string; seed?: string; targets?: string; keep: string }>();
const seed = options.seed === undefined ? Date.now() % 2 ** 32 : Number(options.seed);
const endMs =
  performance.now() + (options.inputs === undefined ? Number(options.minutes) * 60_000 : Number.POSITIVE_INFINITY);
const wanted = Number(options.inputs ?? Number.POSITIVE_INFINITY);
const names = options.targets?.split(',');

const targets = makeTargets().filter(({ name }) => names === undefined || names.includes(name));
const lines = targets.map((target, i) => ({ campaign: new Campaign(target, seed + i), ms: 0, crashers: 0 }));
console.log(`seed ${seed}`);
let inputs = 0;
let nextReportMs = performance.now() + 10_000;
run: while (lines.some(({ crashers }) => crashers < enough)) {
  for (const line of lines) {
    if (line.crashers >= enough) continue;
    const startMs = performance.now();
    for (let i = 0; i < batch; i++) {
      const crasher = line.campaign.next();
      if (crasher === null) continue;
      line.crashers++;
      console.log(`${saveCrasher(options.keep, crasher)}\n  ${crasher.problem}`);
    }
    inputs += batch;
    const nowMs = performance.now();
    line.ms += nowMs - startMs;
    if (nowMs > nextReportMs) {
      nextReportMs = nowMs + 10_000;
      const { rss, heapUsed } = process.memoryUsage();
      console.log(`${inputs} inputs, resident ${Math.round(rss / 1e6)} MB, heap ${Math.round(heapUsed / 1e6)} MB`);
    }
    if (nowMs > endMs || inputs >= wanted) break run;
  }
}

console.log('target            inputs      inputs/s   mean bytes  broke a promise');
for (const { campaign, ms, crashers } of lines) {
  const { target, inputs: count, bytes } = campaign;
  const columns = [count, Math.round((1000 * count) / ms), Math.round(bytes / count), crashers];
  console.log(target.name.padEnd(16) + columns.map((value) => String(value).padStart(12)).join(''));
}
console.log(`${inputs} inputs in all`);
process.exit(lines.some(({ crashers }) => crashers > 0) ? 1 : 0);
