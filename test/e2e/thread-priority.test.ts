import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { it } from 'node:test';
import { startCliServer } from '../support/cli-server.ts';

/** The nice value of every thread of a process, by thread id (proc(5), field 19 of stat). */
function priorities(pid: number): Map<number, number> {
  const tasks = `/proc/${pid}/task`;
  return new Map(
    readdirSync(tasks).map((thread) => {
      // The name, in brackets, may hold anything.
      const [, fields] = readFileSync(`${tasks}/${thread}/stat`, 'utf8').split(/\) (?=[A-Z] )/);
      return [Number(thread), Number(fields!.split(' ')[16])];
    }),
  );
}

it('threads that pictures pass through go before the main thread and the acceptor', {
  skip: process.platform !== 'linux' && 'only Linux has priorities of single threads',
}, async (t) => {
  const usual = getPriority();
  const { program } = await startCliServer(t, ['--ingest-workers', '2']);
  const found = priorities(program.process.pid!);
  const main = found.get(program.process.pid!)!;
  assert.ok(main > usual, `the main thread has ${main}`);
  const lowered = [...found.values()].filter((priority) => priority === main);
  assert.equal(lowered.length, 2, 'the main thread and one more');
  assert.ok([...found.values()].every((priority) => priority === main || priority === usual));
});
