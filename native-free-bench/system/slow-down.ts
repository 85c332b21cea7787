/**
 * Lets a process run for a part of the time only, as a machine would on which others compute: `slow-down.ts <pid> <ms it runs> <ms it
 * is stopped>`, in turn, until standard input ends or the process is gone.
 */
const [pid, runMs, stopMs] = process.argv.slice(2).map(Number) as [number, number, number];
const never = new Int32Array(new SharedArrayBuffer(4));
let ended = false;

// Not a timer, which comes a millisecond late.
const wait = (ms: number): void => void Atomics.wait(never, 0, 0, ms);

function step(): void {
  if (ended) return;
  try {
    process.kill(pid, 'SIGSTOP');
    wait(stopMs);
    process.kill(pid, 'SIGCONT');
  } catch {
    return;
  }
  wait(runMs);
  setImmediate(step);
}

process.stdin.on('close', () => {
  ended = true;
});
process.stdin.resume();
step();
