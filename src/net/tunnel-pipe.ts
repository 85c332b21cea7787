import { connect, type Socket } from 'node:net';
import { hostAndPort } from '../base/address.ts';

/**
 * Joins a connection that turned out to be tunnelled RTSP with the RTSP port of this machine, which does the rest. Each
 * side waits for the other when that is slow, and ends with it. `onJoined` is told whom the RTSP port takes it for, and
 * `onEnd` once, with the reason if it failed.
 */
export function pipeToRtsp(
  client: Socket,
  head: Buffer,
  rtsp: { readonly host: string; readonly port: number },
  onJoined: (rtspPeer: string) => void,
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
  server.on('connect', () => onJoined(hostAndPort(server.localAddress ?? '', server.localPort ?? 0)));
  server.on('error', (error: NodeJS.ErrnoException) => end(`the RTSP port: ${error.code ?? error.message}`));
  client.on('error', () => end(null));
  server.on('close', () => end(null));
  client.on('close', () => end(null));
  server.write(head);
  client.pipe(server);
  server.pipe(client);
}
