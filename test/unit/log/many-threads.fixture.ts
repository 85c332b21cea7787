/** Logs from several threads at once, or a single line from one that then waits; run as a process of its own. */
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createLog, createThreadLogger } from '../../../src/log.ts';

const threads = 4;

if (!isMainThread) {
  const { mode, name } = workerData;
  if (mode === 'idle') {
    createThreadLogger({ level: 'info', format: 'json' }, name).info({ waitedFrom: Date.now() }, 'one line');
    setInterval(() => {}, 1000);
  } else if (mode === 'json') {
    const logger = createThreadLogger({ level: 'info', format: 'json' }, name);
    for (let n = 0; n < 2000; n++) {
      logger.info({ n, text: 'é'.repeat(n % 200) }, 'line');
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } else {
    const logger = createThreadLogger({ level: 'info', format: 'pretty' }, name);
    for (let n = 0; n < 200; n++) {
      logger.info({ block: ` begin a${'b'.repeat(1000)}\n end` }, 'block');
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
} else {
  const mode = process.argv[2]!;
  createLog({ level: 'info', format: 'json' }, 'main');
  for (let index = 0; index < (mode === 'idle' ? 1 : threads); index++)
    new Worker(new URL(import.meta.url), { workerData: { mode, name: `worker${index}` } });
  if (mode === 'idle') process.stdin.on('end', () => process.exit(0)).resume();
}
