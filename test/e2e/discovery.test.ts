import assert from 'node:assert/strict';
import dgram, { type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { networkInterfaces } from 'node:os';
import { after, before, describe, type TestContext, test } from 'node:test';
import { systemClock } from '../../src/base/clock.ts';
import { limits } from '../../src/base/limits.ts';
import { DiscoverySocket, type DiscoverySocketOptions } from '../../src/net/discovery-socket.ts';
import { type Announced, discoverableDevices, probe, readAnnounced, resolve } from '../support/discovery-client.ts';
import { until } from '../support/program.ts';

const { Discovery } = createRequire(import.meta.url)('onvif') as {
  Discovery: {
    probe(
      options: { timeout: number; resolve?: boolean },
      done: (errors: unknown, cams: { hostname: string; port: string; path: string }[]) => void,
    ): void;
    on(event: 'error' | 'device', listener: () => void): void;
  };
};

/** A log that keeps what it is told. */
function recorder(): { readonly lines: string[]; readonly logger: DiscoverySocketOptions['logger'] } {
  const lines: string[] = [];
  const line = (level: string) => (_: object, message: string) => void lines.push(`${level} ${message}`);
  return { lines, logger: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') } };
}

const open: { close(): unknown }[] = [];
after(async () => {
  for (const one of open) await one.close();
});

async function discovery(changes: Partial<DiscoverySocketOptions> = {}): Promise<DiscoverySocket> {
  const socket = await DiscoverySocket.open({
    devices: discoverableDevices(2),
    host: '0.0.0.0',
    clock: systemClock,
    logger: recorder().logger,
    port: 0,
    random: () => 0.1,
    ...changes,
  });
  open.push(socket);
  return socket;
}

/** A client's socket, with the first of each message that it gets. */
class Listener {
  readonly socket: Socket;
  readonly #seen = new Set<string>();
  readonly #waiting: { count: number; done: (all: Announced[]) => void }[] = [];
  #messages: Announced[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (bytes) => {
      // Others' probes come by multicast too.
      if (!bytes.includes('AppSequence')) return;
      const message = readAnnounced(bytes);
      if (this.#seen.has(message.messageId)) return;
      this.#seen.add(message.messageId);
      this.#messages.push(message);
      this.#settle();
    });
    open.push({ close: () => socket.close() });
  }

  static async bind(type: 'udp4' | 'udp6', port = 0, address?: string): Promise<Listener> {
    const socket = dgram.createSocket({ type, reuseAddr: port !== 0 });
    const listening = once(socket, 'listening');
    socket.bind(port, address);
    await listening;
    return new Listener(socket);
  }

  /** The next so many messages, sorted by endpoint. */
  next(count: number): Promise<Announced[]> {
    return new Promise((done) => {
      this.#waiting.push({ count, done });
      this.#settle();
    });
  }

  #settle(): void {
    const first = this.#waiting[0];
    if (first === undefined || this.#messages.length < first.count) return;
    this.#waiting.shift();
    const all = this.#messages.splice(0, first.count);
    first.done(all.sort((a, b) => a.endpoint.localeCompare(b.endpoint)));
  }
}

const group = '239.255.255.250';

/** Calls of a membership method, which go on to the real one. */
function memberships(t: TestContext, name: 'addMembership' | 'dropMembership', refuse = (_address: string) => false) {
  const real = dgram.Socket.prototype[name];
  return t.mock.method(dgram.Socket.prototype, name, function (this: Socket, to: string, address = '') {
    if (refuse(address)) throw Object.assign(new Error(`${name} ENODEV`), { code: 'ENODEV' });
    real.call(this, to, address);
  }).mock;
}

/** An address on which multicast can be tried. */
const external = Object.values(networkInterfaces())
  .flatMap((infos) => infos ?? [])
  .find((info) => info.family === 'IPv4' && !info.internal)?.address;
const hasIPv6 = networkInterfaces()['lo']?.some((info) => info.address === '::1') ?? false;

describe('discovery', () => {
  const { interfaceCheckMs } = limits.discovery;
  before(() => void Object.assign(limits.discovery, { interfaceCheckMs: 20 }));
  after(() => void Object.assign(limits.discovery, { interfaceCheckMs }));

  test('a probe over loopback is answered by every device', async () => {
    const socket = await discovery();
    const client = await Listener.bind('udp4', 0, '127.0.0.1');
    client.socket.send(Buffer.from('<Probe'), socket.port, '127.0.0.1');
    client.socket.send(probe({ messageId: 'urn:uuid:loopback' }), socket.port, '127.0.0.1');
    const found = await client.next(2);
    assert.deepEqual(
      found.map(({ action, addresses, relatesTo }) => [action, addresses, relatesTo]),
      [8081, 8082].map((port) => [
        'ProbeMatches',
        `http://127.0.0.1:${port}/onvif/device_service`,
        'urn:uuid:loopback',
      ]),
    );
    client.socket.send(resolve(found[1]!.endpoint), socket.port, '127.0.0.1');
    const [match] = await client.next(1);
    assert.equal(match!.action, 'ResolveMatches');
    const { answered, malformed } = socket.counters;
    assert.deepEqual({ answered, malformed }, { answered: 2, malformed: 1 });
  });

  test('a probe over IPv6 is answered over IPv6', { skip: !hasIPv6 }, async () => {
    const socket = await discovery({ host: '::' });
    const client = await Listener.bind('udp6', 0, '::1');
    client.socket.send(probe(), socket.port, '::1');
    const [first] = await client.next(2);
    assert.equal(first!.addresses, 'http://[::1]:8081/onvif/device_service');
  });

  test('the npm client onvif finds the devices', { timeout: 60_000 }, async (t) => {
    const socket = await discovery();
    // Its port and group are fixed; its socket is told where ours is instead.
    const real = dgram.createSocket;
    t.mock.method(dgram, 'createSocket', (...args: Parameters<typeof real>) => {
      const made = real(...args);
      const send = made.send.bind(made) as (
        bytes: Buffer,
        from: number,
        length: number,
        port: number,
        to: string,
      ) => void;
      made.send = ((bytes: Buffer, from: number, length: number) =>
        send(bytes, from, length, socket.port, '127.0.0.1')) as typeof made.send;
      return made;
    });
    // It collects for a time that it takes from a timer: over when as many have answered as there are.
    const { promise: bothFound, resolve: enough } = Promise.withResolvers<void>();
    const collectsMs = 987_654;
    const setReal = globalThis.setTimeout;
    t.mock.method(globalThis, 'setTimeout', ((over: (...args: unknown[]) => void, ms: number, ...args: unknown[]) => {
      if (ms !== collectsMs) return setReal(() => over(...args), ms);
      void bothFound.then(over);
      return undefined;
    }) as typeof setTimeout);
    let found = 0;
    Discovery.on('device', () => ++found === 2 && enough());
    Discovery.on('error', () => undefined);
    const cams = await new Promise<{ hostname: string; port: string; path: string }[]>((resolved, failed) => {
      Discovery.probe({ timeout: collectsMs }, (errors, all) => (errors ? failed(errors) : resolved(all)));
    });
    assert.deepEqual(
      cams.map(({ hostname, port, path }) => [hostname, String(port), path]).sort(),
      discoverableDevices(2).map(({ port }) => ['127.0.0.1', String(port), '/onvif/device_service']),
    );
  });

  test('devices announce themselves, answer a multicast, and say goodbye', {
    skip: external === undefined,
  }, async () => {
    const socket = await discovery({ host: external!, devices: discoverableDevices(1) });
    const client = await Listener.bind('udp4', socket.port);
    client.socket.addMembership('239.255.255.250', external);
    const service = `http://${external}:8081/onvif/device_service`;
    socket.replaceDevices(discoverableDevices(2));
    const hellos = await client.next(2);
    assert.deepEqual(
      hellos.map(({ action }) => action),
      ['Hello', 'Hello'],
    );
    assert.equal(hellos[0]!.addresses, service);

    const asker = await Listener.bind('udp4', 0, external);
    asker.socket.setMulticastInterface(external!);
    asker.socket.send(probe(), socket.port, '239.255.255.250');
    const [match] = await asker.next(2);
    assert.equal(match!.addresses, service);

    const goodbyes = client.next(2);
    await socket.close();
    assert.deepEqual(
      (await goodbyes).map(({ action }) => action),
      ['Bye', 'Bye'],
    );
  });

  test('a network without multicast is warned of once, and unicast works', async () => {
    const { lines, logger } = recorder();
    const gone = { address: '203.0.113.77', netmask: '255.255.255.0', mac: '02:00:00:00:00:02', internal: false };
    const interfaces = () => ({
      ...networkInterfaces(),
      tun7: [{ ...gone, family: 'IPv4' as const, cidr: '203.0.113.77/24' }],
    });
    const socket = await discovery({ logger, interfaces });
    const warnings = lines.filter((line) => line.startsWith('warn'));
    assert.ok(warnings.includes('warn discovery by multicast does not work on this network'));
    assert.ok(warnings.length <= 2, 'this machine may have one network without multicast');
    const client = await Listener.bind('udp4', 0, '127.0.0.1');
    client.socket.send(probe(), socket.port, '127.0.0.1');
    assert.equal((await client.next(2)).length, 2);
  });

  describe('an interface', { skip: external === undefined, timeout: 60_000 }, () => {
    /** The socket, and a client that has heard it announce its device. */
    async function announced(changes: Partial<DiscoverySocketOptions> = {}) {
      const socket = await discovery({ host: external!, devices: discoverableDevices(1), ...changes });
      const client = await Listener.bind('udp4', socket.port);
      client.socket.addMembership(group, external);
      return { socket, client };
    }

    async function hello(client: Listener): Promise<void> {
      const [{ action, addresses } = { action: '', addresses: '' }] = await client.next(1);
      assert.deepEqual([action, addresses], ['Hello', `http://${external}:8081/onvif/device_service`]);
    }

    async function answersMulticast({ port }: DiscoverySocket): Promise<void> {
      const asker = await Listener.bind('udp4', 0, external);
      asker.socket.setMulticastInterface(external!);
      asker.socket.send(probe(), port, group);
      assert.equal((await asker.next(1))[0]!.action, 'ProbeMatches');
    }

    test('that was made anew is joined again, and told of the devices', async (t) => {
      const joins = memberships(t, 'addMembership');
      const { socket, client } = await announced();
      await hello(client);
      // The system forgets memberships together with their interface.
      (joins.calls[0]!.this as Socket).dropMembership(group, external);
      await hello(client);
      await answersMulticast(socket);
    });

    test('that cannot be joined is warned of once, and tried again', async (t) => {
      const { lines, logger } = recorder();
      let refusals = 3;
      const joins = memberships(t, 'addMembership', () => refusals-- > 0);
      const socket = await discovery({ host: external!, devices: discoverableDevices(1), logger });
      await until('it is tried again', () => joins.callCount() > 3);
      const client = await Listener.bind('udp4', socket.port);
      client.socket.addMembership(group, external);
      await hello(client);
      await answersMulticast(socket);
      assert.deepEqual(lines, ['warn discovery by multicast does not work on this network']);
    });

    test('that has gone is left, so that it does not count as a membership', async (t) => {
      const leaves = memberships(t, 'dropMembership');
      let isThere = true;
      const { socket, client } = await announced({ interfaces: () => (isThere ? networkInterfaces() : {}) });
      await hello(client);
      isThere = false;
      await until('it is left', () => leaves.callCount() > 0);
      isThere = true;
      await hello(client);
      await answersMulticast(socket);
    });
  });

  test('two servers share the port', async () => {
    const first = await discovery();
    const second = await discovery({ port: first.port });
    assert.equal(second.port, first.port);
    await Promise.all([first.close(), second.close()]);
  });
});
