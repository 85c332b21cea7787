import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { ListenError, listen } from './listen.ts';

/** Whether a TCP port can be opened now: null if it can, else the system's code, such as EADDRINUSE. It is closed again. */
export async function probeTcpPort(host: string, port: number): Promise<string | null> {
  const server = createServer((socket) => socket.destroy());
  try {
    await listen(server, { host, port, flag: '' });
    return null;
  } catch (error) {
    return error instanceof ListenError ? error.code : 'UNKNOWN';
  } finally {
    server.close();
  }
}

/** The same for a UDP port; 0 is any. */
export function probeUdpPort(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    // A port that programs of one machine share, as that of discovery, is asked for as they do.
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', reuseAddr: port !== 0 });
    socket.on('error', ({ code = 'UNKNOWN' }: NodeJS.ErrnoException) => {
      socket.close();
      resolve(code);
    });
    socket.bind({ address: host, port }, () => {
      socket.close();
      resolve(null);
    });
  });
}
