/** Runs a made-up server through its life and reports each step in a line; run as a process of its own. */
import { runServer, type StoppableServer } from '../../../src/lifetime.ts';

const kind = process.argv[2];
const report = (step: string): void => console.log(step);

let drainTimeoutMs = kind === 'patient' ? 10_000 : 200;

// Keeps the process alive as listeners would.
const alive = setInterval(() => {}, 1000);

function makeServer(): StoppableServer {
  const stop = (): Promise<void> => {
    report('stop called');
    if (kind === 'patient') setTimeout(() => report('a moment later'), 300);
    return kind === 'stuck' || kind === 'patient' || kind === 'shortened' ? new Promise(() => {}) : Promise.resolve();
  };
  if (kind === 'dying') return { stop, done: Promise.resolve() };
  if (kind === 'crashing') return { stop, done: Promise.reject(new Error('crash')) };
  return { stop };
}

const messages: Record<string, string> = {
  'stopping; the same signal again ends the process at once': 'stopping',
  'not all connections ended in time; they are cut off': 'cut off',
};
const log = (fields: object, message: string): void => {
  report(messages[message] ?? message);
  if ('drainTimeoutMs' in fields) report(`after ${fields.drainTimeoutMs} ms`);
};

try {
  const code = await runServer({
    start: async () => {
      if (kind === 'failing start') throw new Error('the port is in use');
      if (kind === 'hanging start') {
        report('starting');
        await new Promise(() => {});
      }
      report('started');
      return makeServer();
    },
    ready: () => {
      if (kind === 'failing ready') throw new Error('cannot store');
      report('ready');
      if (kind === 'shortened') drainTimeoutMs = 50;
      if (kind === 'twice') for (let n = 0; n < 2; n++) process.emit('SIGINT', 'SIGINT');
    },
    drainTimeoutMs: () => drainTimeoutMs,
    logger: { debug: log, info: log, warn: log, error: log },
    exit: (exitCode) => process.exit(exitCode),
  });
  report(`code ${code}`);
  process.exitCode = code;
} catch (error) {
  report(`error: ${(error as Error).message}`);
  process.exitCode = 1;
}
clearInterval(alive);
process.exit();
