/**
 * The server that hostile peers are let loose on, as a process of its own: two servers with all their threads, one for RTMP
 * and one for RTMPS, with short deadlines. Standard output is the log; the parent asks for figures over IPC.
 */
import { readdirSync } from 'node:fs';
import { loadConfig } from '../../../src/config/load.ts';
import { createLog } from '../../../src/log.ts';
import { type Server, startServer } from '../../../src/server/server.ts';
import { testCredentials } from '../../support/media-server.ts';
import type { ChildAnswer, ChildRequest } from './server.ts';

const [certificate, key] = process.argv.slice(2);
const consumer = new URL('short-deadline-consumer.ts', import.meta.url);
const logOptions = { level: 'debug', format: 'json', secrets: [testCredentials.password] } as const;
const { logger, flush } = createLog(logOptions, 'main');

const common: Record<string, string | boolean> = {
  host: '127.0.0.1',
  'rtmp-port': '0',
  'onvif-port': '0',
  'rtsp-port': '0',
  cameras: '200',
  'max-connections': '64',
  'max-connections-per-ip': '4',
  'rate-limit-per-second': '20',
  'handshake-timeout': '1s',
  'publish-timeout': '1500ms',
  'video-timeout': '3s',
  'receive-timeout': '10s',
  'stats-interval': '24h',
};

function start(flags: Record<string, string | boolean>): Promise<Server> {
  const { config } = loadConfig({
    flags: new Map(Object.entries({ ...common, ...flags })),
    environment: {},
    readFile: () => '',
    cores: 2,
    terminal: false,
  });
  return startServer({
    config,
    credentials: testCredentials,
    logger,
    logOptions,
    serverId: 'test',
    entries: { consumer },
  });
}

const plain = await start({ 'ingest-workers': '2' });
const secure = await start({ 'ingest-workers': '1', tls: true, 'tls-cert': certificate!, 'tls-key': key! });

async function answer(request: ChildRequest): Promise<ChildAnswer> {
  if (request === 'addresses') {
    return {
      rtmpPort: plain.addresses.rtmpPort,
      rtspPort: plain.addresses.rtspPort,
      rtmpsPort: secure.addresses.rtmpPort,
      secureRtspPort: secure.addresses.rtspPort,
    };
  }
  if (request === 'figures') {
    return {
      connections: plain.connections + secure.connections,
      residentBytes: process.memoryUsage.rss(),
      descriptors: readdirSync('/proc/self/fd').length,
    };
  }
  await Promise.all([plain.stop(), secure.stop()]);
  flush();
  return {};
}

process.on('message', async ({ id, request }: { id: number; request: ChildRequest }) => {
  process.send!({ id, answer: await answer(request) });
  if (request === 'stop') process.disconnect!();
});
process.send!({ id: 0, answer: {} });
