import { getPriority, setPriority } from 'node:os';

/** Steps by which the system prefers threads that carry pictures: as much as to give them three times the time where all want it. */
const steps = 5;

/** The lowest priority that Linux has. */
const lowest = 19;

/** Only Linux has priorities of single threads; elsewhere these calls would set that of the whole process. */
const perThread = process.platform === 'linux';

/** Linux: the priority (nice value, less is more) that the calling thread has now. Elsewhere 0. */
export function threadPriority(): number {
  return perThread ? getPriority() : 0;
}

/**
 * Lets the threads that carry pictures go before the calling one, where there are fewer processors than threads with something
 * to do. For threads that no picture passes through: an attack on their ports then costs the pictures less.
 */
export function letPicturesGoFirst(priority: number): void {
  set(Math.min(priority + steps, lowest));
}

/** For threads that pictures pass through: one that takes the place of a failed one has inherited the priority of who started it. */
export function goFirst(priority: number): void {
  set(priority);
}

function set(priority: number): void {
  if (!perThread || getPriority() === priority) return;
  try {
    setPriority(priority);
  } catch {
    // Only some may raise a priority: root, and services with LimitNICE. The thread works as it is.
  }
}
