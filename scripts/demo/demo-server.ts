/** The real server with one camera for each drone and one that is left free. */
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { reachableHosts } from '../../src/banner.ts';
import type { Logger } from '../../src/base/logger.ts';
import { type Credentials, generatePassword } from '../../src/config/credentials.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { LogOptions } from '../../src/control/messages.ts';
import { type Server, startServer } from '../../src/server/server.ts';
import type { DemoOptions } from './options.ts';

/** Time that connections get to end in order; the demo is to be gone within three seconds. */
const drainTimeout = '2s';

export interface DemoServer {
  readonly server: Server;
  readonly credentials: Credentials;
  /** Host names in URLs: for others, and for the simulation. */
  readonly reachableHost: string;
  readonly localHost: string;
  /** A line for each port that was taken. */
  readonly remarks: readonly string[];
}

/** Starts the server; throws StartError or UsageError as the program does. */
export async function startDemoServer(
  options: DemoOptions,
  cores: number,
  logger: Logger,
  logOptions: LogOptions,
): Promise<DemoServer> {
  const remarks: string[] = [];
  const rtmpPort = await freePort('RTMP', options.host, options.rtmpPort, remarks);
  const rtspPort = await freePort('RTSP', options.host, options.rtspPort, remarks);
  const flags = new Map<string, string | boolean>([
    ['host', options.host],
    ['rtmp-port', String(rtmpPort)],
    ['rtsp-port', String(rtspPort)],
    ['onvif', false],
    ['http', false],
    // All drones come from one address and take off together.
    ['rate-limit', false],
    ['max-connections-per-ip', '0'],
    ['drain-timeout', drainTimeout],
    ['config', 'demo'],
  ]);
  const { config } = loadConfig({
    flags,
    environment: {},
    readFile: () => cameraFile(options.drones),
    cores,
    terminal: false,
  });
  // A new one for each run, and nothing is kept: whoever sees the table may watch.
  const credentials: Credentials = { user: 'demo', password: generatePassword(), origin: 'environment', file: null };
  const server = await startServer({ config, credentials, logger, logOptions, serverId: 'demo' });
  return {
    server,
    credentials,
    reachableHost: inUrl(reachableHosts(config.host, networkInterfaces())[0]!),
    localHost: config.host === '::' || config.host === '0.0.0.0' ? '127.0.0.1' : config.host,
    remarks,
  };
}

/** A configuration file: the drones' cameras, then the free one. */
function cameraFile(drones: number): string {
  const names = Array.from({ length: drones }, (_, index) => `Drone ${index + 1}`);
  return ['cameras:', ...[...names, 'Free'].map((name) => `  - name: ${name}`)].join('\n');
}

/** `wished` if nobody listens there, else 0, which takes any free port; says so in `remarks`. */
async function freePort(name: string, host: string, wished: number, remarks: string[]): Promise<number> {
  if (wished === 0 || (await isFree(host, wished))) return wished;
  remarks.push(`${name} port ${wished} is taken by another program: a free port is used instead.`);
  return 0;
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    // Every other mistake, such as an address this machine has not, is the server's to explain.
    probe.on('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'));
    probe.listen({ host, port }, () => probe.close(() => resolve(true)));
  });
}

function inUrl(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
