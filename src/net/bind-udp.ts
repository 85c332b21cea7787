import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

/** Resolves with a socket that is bound to a port of its own. The addresses that it sends to are numbers already. */
export async function bindUdp(
  address: string,
  port: number,
  options: Omit<SocketOptions, 'type'> = {},
): Promise<Socket> {
  const socket = createSocket({ ...options, type: isIPv6(address) ? 'udp6' : 'udp4', lookup: literalLookup });
  try {
    // Asked for first: with a lookup that answers at once, the event can come before `bind` returns.
    const listening = once(socket, 'listening');
    socket.bind({ address, port, exclusive: true });
    await listening;
    return socket;
  } catch (error) {
    socket.close();
    throw error;
  }
}

/** Node's own lookup would cost a trip through the event loop for each packet. */
function literalLookup(
  address: string,
  _options: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  callback(null, address, isIPv6(address) ? 6 : 4);
}
