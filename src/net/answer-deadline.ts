import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Cuts a client off that has not taken its answer after `timeoutMs`, and says so. The time begins when those ahead of it on the same
 * connection have gone: one of them may be a long poll, which has its own time.
 */
export function limitAnswerTime(
  response: ServerResponse,
  socket: Socket,
  timeoutMs: number,
  onStalled: (reason: string) => void,
): void {
  let timer: NodeJS.Timeout | undefined;
  const begin = (): void => {
    timer = setTimeout(() => {
      if (socket.destroyed) return;
      onStalled('the client takes no answers');
      socket.destroy();
    }, timeoutMs);
  };
  // Node gives an answer the socket when it is its turn.
  if (response.socket === null) response.once('socket', begin);
  else begin();
  response.once('finish', () => clearTimeout(timer)).once('close', () => clearTimeout(timer));
}
