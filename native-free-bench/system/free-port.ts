/**
 * Ports that are free at this moment on the loopback address. They are taken from outside the range that the kernel gives to
 * outgoing connections: after a round with thousands of those, hardly any 60 ports in a row are left inside it, because each
 * connection that was closed keeps its port for a minute (TIME_WAIT), and every new one may take the port that was just found.
 */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/** Below this many services have their fixed ports. */
const lowestPort = 10_240;
const highestPort = 65_535;
/** A region outside the kernel's range that is smaller than this is not worth a look. */
const leastRegion = 512;
const attempts = 200;
/** Where the kernel takes ports for outgoing connections, where nothing else is known (IANA's dynamic ports). */
const usualEphemeral: PortRange = { first: 49_152, last: 65_535 };

/** Both ends belong to it. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Handed out in this process and perhaps not listened on yet. */
const given = new Set<number>();

/** A port with `count - 1` free ports right behind it. Throws an Error after many tries. */
export async function freePorts(count = 1): Promise<number> {
  const regions = regionsOutside(ephemeralRange()).filter(({ first, last }) => last - first + 1 >= count);
  for (let attempt = 0; attempt < attempts && regions.length > 0; attempt++) {
    // Chance keeps several benchmarks of one machine apart.
    const first = placeIn(regions, count, Math.random());
    const wanted = Array.from({ length: count }, (_, index) => first + index);
    if (wanted.some((port) => given.has(port)) || !(await allFree(wanted))) continue;
    for (const port of wanted) given.add(port);
    return first;
  }
  throw new Error(`found no ${count} free ports in a row`);
}

/** The parts of the usable ports that lie outside `ephemeral`; all of them if next to nothing lies outside. */
export function regionsOutside(ephemeral: PortRange): PortRange[] {
  const below = { first: lowestPort, last: Math.min(highestPort, ephemeral.first - 1) };
  const above = { first: Math.max(lowestPort, ephemeral.last + 1), last: highestPort };
  const regions = [below, above].filter(({ first, last }) => last - first + 1 >= leastRegion);
  return regions.length > 0 ? regions : [{ first: lowestPort, last: highestPort }];
}

/** Where `count` ports begin: `share`, from 0 to below 1, of all the places where they fit into one of the regions. */
export function placeIn(regions: readonly PortRange[], count: number, share: number): number {
  const places = regions.map(({ first, last }) => Math.max(0, last - first + 2 - count));
  let place = Math.floor(share * places.reduce((sum, one) => sum + one, 0));
  for (const [index, { first }] of regions.entries()) {
    if (place < places[index]!) return first + place;
    place -= places[index]!;
  }
  throw new Error(`${count} ports in a row fit nowhere`);
}

/** The kernel's range of ports for outgoing connections (ip(7), ip_local_port_range). */
function ephemeralRange(): PortRange {
  try {
    const [first, last] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'latin1')
      .trim()
      .split(/\s+/)
      .map(Number);
    return { first: first!, last: last! };
  } catch {
    return usualEphemeral;
  }
}

async function allFree(ports: readonly number[]): Promise<boolean> {
  const held: Server[] = [];
  try {
    for (const port of ports) held.push(await hold(port));
    return true;
  } catch {
    return false;
  } finally {
    await Promise.all(held.map((server) => new Promise((done) => server.close(done))));
  }
}

function hold(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
