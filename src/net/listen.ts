import type { AddressInfo, Server } from 'node:net';

/** A port that could not be opened. */
export class ListenError extends Error {
  readonly flag: string;
  readonly port: number;
  /** Of the system, such as EADDRINUSE. */
  readonly code: string;

  constructor(flag: string, port: number, code: string) {
    super(`${flag} ${port}: ${code}`);
    this.flag = flag;
    this.port = port;
    this.code = code;
  }
}

export interface ListenAddress {
  /** Bind address; `::` is every address, of IPv4 alone on a machine without IPv6. */
  readonly host: string;
  /** 0 is any free one. */
  readonly port: number;
  /** What an operator chooses the port with, for messages. */
  readonly flag: string;
  readonly backlog?: number;
}

/** Opens a port and returns its number. Throws {@link ListenError}. Errors after that are for a handler of the caller's. */
export function listen(server: Server, { host, port, flag, backlog }: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    let bound = host;
    const tryNow = (): void => void server.listen({ host: bound, port, ...(backlog !== undefined && { backlog }) });
    const onError = ({ code }: NodeJS.ErrnoException): void => {
      if (bound === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')) {
        // The default means every address; this machine has no IPv6.
        bound = '0.0.0.0';
        tryNow();
      } else reject(new ListenError(flag, port, code ?? 'UNKNOWN'));
    };
    server.on('error', onError);
    server.once('listening', () => {
      server.off('error', onError);
      resolve((server.address() as AddressInfo).port);
    });
    tryNow();
  });
}
