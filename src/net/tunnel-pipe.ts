import { connect, type Socket } from 'node:net';

/**
 * Joins a connection that turned out to be tunnelled RTSP with the RTSP port of this machine, which does the rest. Each
 * side waits for the other when that is slow, and ends with it. `onEnd` is told once, with the reason if it failed.
 */
export function pipeToRtsp(
  client: Socket,
  head: Buffer,
  rtsp: { readonly host: string; readonly port: number },
  onEnd: (failure: string | null) => void,
): void {
  let ended = false;
  const server = connect({ host: rtsp.host, port: rtsp.port, noDelay: true });
  const end = (failure: string | null): void => {
    client.destroy();
    server.destroy();
    if (ended) return;
    ended = true;
    onEnd(failure);
  };
  server.on('error', (error: NodeJS.ErrnoException) => end(`the RTSP port: ${error.code ?? error.message}`));
  client.on('error', () => end(null));
  server.on('close', () => end(null));
  client.on('close', () => end(null));
  server.write(head);
  client.pipe(server);
  server.pipe(client);
}
