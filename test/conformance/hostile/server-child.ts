/**
 * The server that hostile peers are let loose on, as a process of its own: three servers with all their threads, for RTMP, for
 * RTMPS and for ONVIF and HTTP, of which one deadline is short when the parent wants it. Standard output is the log; the parent
 * asks for figures over IPC.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setEnvironmentData } from 'node:worker_threads';
import { systemClock } from '../../../src/base/clock.ts';
import { limits } from '../../../src/base/limits.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createLog } from '../../../src/log.ts';
import { DiscoverySocket } from '../../../src/net/discovery-socket.ts';
import { type Server, startServer } from '../../../src/server/server.ts';
import { discoverableDevices } from '../../support/discovery-client.ts';
import { testCredentials } from '../../support/media-server.ts';
import { deadlines, deadlinesKey, type ShortDeadline } from './deadlines.ts';
import type { ChildAnswer, ChildRequest } from './server.ts';

const [certificate, key, folder] = process.argv.slice(2);
const consumer = new URL('short-deadline-consumer.ts', import.meta.url);
const logOptions = { level: 'debug', format: 'json', secrets: [testCredentials.password] } as const;
const { logger, flush } = createLog(logOptions, 'main');

/** Of a deadline that no row waits for. */
const longMs = 60_000;
const shortStallMs = 1500;
const usualStallMs = limits.http.writeStallMs;
const shortened = new Int32Array(new SharedArrayBuffer(4));
setEnvironmentData(deadlinesKey, shortened);

// The first two cannot change while the servers run: they are longer than a busy machine stands still for.
const httpDeadlines = { headTimeoutMs: 5000, requestTimeoutMs: 6000, writeStallMs: shortStallMs };
Object.assign(limits.onvif, httpDeadlines);
// All rows share one HTTP port: the lines of one row must not use up those of the next.
Object.assign(limits.http, { ...httpDeadlines, logWindowMs: 50, eventPingMs: 200 });
Object.assign(limits.preview, { pingMs: 200 });

/** ONVIF devices of the third server, and its cameras. */
const gateDevices = 60;
const gateCameras = 420;

const common: Record<string, string | boolean> = {
  host: '127.0.0.1',
  'rtmp-port': '0',
  'onvif-port': '0',
  http: false,
  'rtsp-port': '0',
  'max-connections': '64',
  'max-connections-per-ip': '4',
  'rate-limit-per-second': '20',
  'handshake-timeout': `${longMs}ms`,
  'publish-timeout': `${longMs}ms`,
  'video-timeout': `${longMs}ms`,
  'receive-timeout': `${longMs}ms`,
  'stats-interval': '24h',
};

let started = 0;
const http = { http: true, 'http-port': '0' };

function start(flags: Record<string, string | boolean>, file: object = {}): Promise<Server> {
  const path = join(folder!, `${++started}.yaml`);
  writeFileSync(path, JSON.stringify(file));
  const load = (fileText?: string) =>
    loadConfig({
      flags: new Map(Object.entries({ ...common, ...flags, config: path })),
      environment: {},
      ...(fileText !== undefined && { fileText }),
      readFile: () => readFileSync(path, 'utf8'),
      cores: 2,
      terminal: false,
    });
  const { config } = load();
  return startServer({
    config,
    credentials: testCredentials,
    logger,
    logOptions,
    serverId: 'test',
    loadConfig: load,
    entries: { consumer },
  });
}

const plain = await start({ 'ingest-workers': '2', cameras: '200' });
const secure = await start({
  'ingest-workers': '1',
  cameras: '300',
  tls: true,
  ...http,
  'state-dir': `${folder}/secure`,
  'tls-cert': certificate!,
  'tls-key': key!,
});
const gate = await start(
  {
    'ingest-workers': '1',
    host: '::',
    'publish-conflict': 'takeover',
    'deny-ip': '127.77.0.0/16',
    ...http,
    'state-dir': `${folder}/gate`,
  },
  { hardware: [...gateHardware(), { cameras: [{ path: '/elsewhere' }], 'rtmp-port': 0 }] },
);
const discovery = await DiscoverySocket.open({
  devices: discoverableDevices(gateDevices),
  host: '0.0.0.0',
  clock: systemClock,
  logger,
  port: 0,
  // Nothing is announced to the network that this machine is in.
  interfaces: () => ({ lo: networkInterfaces()['lo'] ?? [] }),
});

function gateHardware(): object[] {
  const numbers = Array.from({ length: gateCameras }, (_, i) => i + 1);
  return Array.from({ length: gateDevices }, (_, device) => {
    const own = numbers.filter((number) => number % gateDevices === device);
    return { cameras: own.map((number) => ({ name: `Stream ${number}`, path: `/stream${number}` })) };
  });
}

/** Publishers that come from now on have this one deadline short; readers all. */
async function shorten(deadline: ShortDeadline): Promise<void> {
  Atomics.store(shortened, 0, deadlines.indexOf(deadline));
  const writeStallMs = deadline === 'write stall' ? shortStallMs : usualStallMs;
  Object.assign(limits.onvif, { writeStallMs });
  Object.assign(limits.http, { writeStallMs });
  const timeouts = {
    handshakeTimeoutMs: deadline === 'handshake timeout' ? 1000 : longMs,
    publishTimeoutMs: deadline === 'publish timeout' ? 1500 : longMs,
    videoTimeoutMs: deadline === 'video timeout' ? 3000 : longMs,
  };
  await Promise.all([plain, secure, gate].map((server) => server.apply({ ...server.config, ...timeouts })));
}

async function answer(request: ChildRequest): Promise<ChildAnswer> {
  if (request === 'addresses') {
    const { rtmpPort, rtspPort, listeners, onvif } = gate.addresses;
    return {
      rtmp: plain.addresses.rtmpPort,
      rtsp: plain.addresses.rtspPort,
      rtmps: secure.addresses.rtmpPort,
      secureRtsp: secure.addresses.rtspPort,
      gate: {
        rtmp: rtmpPort,
        rtsp: rtspPort,
        elsewhere: listeners[1]!.rtmp,
        onvif: onvif.slice(0, gateDevices).map(({ port }) => port),
        discovery: discovery.port,
        secureOnvif: secure.addresses.onvif.map(({ port }) => port),
        http: gate.addresses.httpPort!,
        secureHttp: secure.addresses.httpPort!,
      },
    };
  }
  if (request === 'figures') {
    return {
      connections: plain.connections + secure.connections + gate.connections,
      residentBytes: process.memoryUsage.rss(),
      descriptors: readdirSync('/proc/self/fd').length,
    };
  }
  if (request !== 'stop') {
    await shorten(request);
    return {};
  }
  await Promise.all([plain.stop(), secure.stop(), gate.stop(), discovery.close()]);
  flush();
  return {};
}

process.on('message', async ({ id, request }: { id: number; request: ChildRequest }) => {
  process.send!({ id, answer: await answer(request) });
  if (request === 'stop') process.disconnect!();
});
await shorten('none');
process.send!({ id: 0, answer: {} });
