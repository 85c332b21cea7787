import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';

/** Other threads may take some between the look and the use. */
const spare = 4;

/**
 * Whether the process may open further files. A socket that moves to another thread needs one for a moment: without it Node loses the socket
 * and says nothing, so that it stays open for good, and nobody ever hears that it ended.
 */
export function hasSpareDescriptors(): boolean {
  const opened: number[] = [];
  try {
    while (opened.length < spare) opened.push(openSync(devNull, 'r'));
    return true;
  } catch {
    return false;
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
