import { pino } from 'pino';
import type { Credentials } from '../../src/config/credentials.ts';
import { loadConfig } from '../../src/config/load.ts';
import { type Server, type ServerOptions, startServer } from '../../src/server/server.ts';

/** RTSP credentials of servers that tests start. */
export const testCredentials: Credentials = {
  user: 'operator',
  password: 'correct horse',
  origin: 'environment',
  file: null,
};

export interface TestServer {
  readonly server: Server;
  /** Without a trailing slash. */
  readonly rtmp: string;
  /** With credentials, without a trailing slash. */
  readonly rtsp: string;
  /** Log lines so far, parsed. Worker threads write their own lines to standard output. */
  readonly log: readonly Record<string, unknown>[];
  stop(): Promise<void>;
}

/**
 * A real server with all its threads in this process, on ports that the system chooses. `flags` are command-line flags
 * by name; limits that would get in a test's way are off unless it sets them.
 */
export async function startTestServer(
  flags: Record<string, string | boolean> = {},
  entries: ServerOptions['entries'] = {},
): Promise<TestServer> {
  const given = {
    host: '127.0.0.1',
    'rtmp-port': '0',
    'rtsp-port': '0',
    'rate-limit': false,
    'max-connections-per-ip': '0',
    'ingest-workers': '2',
    ...flags,
  };
  const { config } = loadConfig({
    flags: new Map(Object.entries(given)),
    environment: {},
    readFile: () => '',
    cores: 2,
    terminal: false,
  });
  const log: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => log.push(JSON.parse(line)) });
  const server = await startServer({
    config,
    credentials: config.auth ? testCredentials : null,
    logger,
    logOptions: { level: process.env['TEST_LOG'] ?? 'error', format: 'json' },
    entries,
  });
  const { rtmpPort, rtspPort } = server.addresses;
  const { user, password } = testCredentials;
  return {
    server,
    log,
    rtmp: `rtmp://127.0.0.1:${rtmpPort}`,
    rtsp: `rtsp://${user}:${encodeURIComponent(password)}@127.0.0.1:${rtspPort}`,
    stop: () => server.stop(),
  };
}
