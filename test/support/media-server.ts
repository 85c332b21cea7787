import { pino } from 'pino';
import type { CameraEntry } from '../../src/config/camera-list.ts';
import type { Credentials } from '../../src/config/credentials.ts';
import { loadConfig } from '../../src/config/load.ts';
import { Server, type ServerOptions } from '../../src/server/server.ts';
import { until } from './program.ts';
import { RtspClient, type RtspClientOptions } from './rtsp-client.ts';

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
  /** A reader that plays a camera, with the right password: the next keyframe is for it. Closed when the server stops. */
  play(path: string, options?: Partial<RtspClientOptions>): Promise<RtspClient>;
  stop(): Promise<void>;
}

/**
 * A real server with all its threads in this process, on ports that the system chooses. `flags` are command-line flags
 * by name; limits that would get in a test's way are off unless it sets them. `paths` are the cameras' stream paths, by
 * default /stream1 and so on; or whole entries of the configuration. `whileStarting` is called as soon
 * as the start has begun.
 */
export async function startTestServer(
  flags: Record<string, string | boolean> = {},
  entries: ServerOptions['entries'] = {},
  paths: readonly (string | CameraEntry)[] = [],
  whileStarting: (server: Server) => void = () => undefined,
): Promise<TestServer> {
  const given = {
    host: '127.0.0.1',
    'rtmp-port': '0',
    'rtsp-port': '0',
    'onvif-port': '0',
    'http-port': '0',
    'rate-limit': false,
    'max-connections-per-ip': '0',
    'ingest-workers': '2',
    ...(paths.length > 0 && { config: 'cameras.yaml' }),
    ...flags,
  };
  const { config } = loadConfig({
    flags: new Map(Object.entries(given)),
    environment: {},
    readFile: () => JSON.stringify({ cameras: paths.map((path) => (typeof path === 'string' ? { path } : path)) }),
    cores: 2,
    terminal: false,
  });
  const log: Record<string, unknown>[] = [];
  const logger = pino(
    { level: 'debug', formatters: { log: withBlock } },
    { write: (line: string) => log.push(JSON.parse(line)) },
  );
  const server = new Server({
    config,
    credentials: config.auth ? testCredentials : null,
    logger,
    logOptions: { level: process.env['TEST_LOG'] ?? 'error', format: 'json' },
    serverId: 'test',
    entries,
  });
  const started = server.start();
  whileStarting(server);
  await started;
  const { rtmpPort, rtspPort } = server.addresses;
  const { user, password } = testCredentials;
  const readers: RtspClient[] = [];
  return {
    server,
    log,
    rtmp: `rtmp://127.0.0.1:${rtmpPort}`,
    rtsp: `rtsp://${user}:${encodeURIComponent(password)}@127.0.0.1:${rtspPort}`,
    play: async (path, options) => {
      const reader = await RtspClient.play({ port: rtspPort, path, credentials: testCredentials, ...options });
      readers.push(reader);
      // PLAY is answered a moment before the media starts.
      const camera = server.cameras.findIndex((candidate) => candidate.path.toLowerCase() === path.toLowerCase());
      const playing = () => readers.filter((other) => !other.closed && other.url === reader.url).length;
      await until(`${path} is played`, () => server.snapshot(camera).reader.readers >= playing());
      return reader;
    },
    stop: async () => {
      await server.stop();
      for (const reader of readers) reader.close();
    },
  };
}

/** A block is made only where it is shown; here it is looked at. */
function withBlock(fields: Record<string, unknown>): Record<string, unknown> {
  const { block } = fields;
  return typeof block === 'function' ? { ...fields, block: block() } : fields;
}
