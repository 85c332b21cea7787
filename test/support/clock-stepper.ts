/**
 * Loaded into every thread of a program by NODE_OPTIONS: the wall clock is as far off as the file CLOCK_STEP_FILE says, in
 * milliseconds. The monotonic clock is left alone, as it is when somebody sets the time of a machine.
 */
import { readFileSync } from 'node:fs';

const file = process.env['CLOCK_STEP_FILE'];
const now = Date.now.bind(Date);
let offsetMs = 0;

if (file !== undefined) {
  Date.now = () => now() + offsetMs;
  const look = (): void => {
    try {
      offsetMs = Number(readFileSync(file, 'utf8'));
    } catch {
      // Not written yet.
    }
  };
  setInterval(look, 20).unref();
}
