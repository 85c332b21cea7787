import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Cuts a client off that has not taken its answer after `timeoutMs`, and says so. */
export function limitAnswerTime(
  response: ServerResponse,
  socket: Socket,
  timeoutMs: number,
  onStalled: (reason: string) => void,
): void {
  const timer = setTimeout(() => {
    if (socket.destroyed) return;
    onStalled('the client takes no answers');
    socket.destroy();
  }, timeoutMs);
  response.once('finish', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
}
