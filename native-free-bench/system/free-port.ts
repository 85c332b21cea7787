/** Ports that are free at this moment on the loopback address. */
import { createServer, type Server } from 'node:net';

/** A port with `count - 1` free ports right behind it. Throws an Error after many tries. */
export async function freePorts(count = 1): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const held: Server[] = [];
    try {
      held.push(await hold(0));
      const first = (held[0]!.address() as { port: number }).port;
      for (let i = 1; i < count; i++) held.push(await hold(first + i));
      return first;
    } catch {
      // One of the ports behind it is taken: try elsewhere.
    } finally {
      await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
    }
  }
  throw new Error(`found no ${count} free ports in a row`);
}

function hold(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
