import { systemClock } from '../../src/base/clock.ts';
import type { Logger } from '../../src/base/logger.ts';
import { newOnvifCounters } from '../../src/net/onvif-journal.ts';
import { OnvifServer, type OnvifServerOptions } from '../../src/net/onvif-server.ts';
import { NonceMemory } from '../../src/onvif/nonce-memory.ts';
import { cardVideo, credentials, makeDevice } from './onvif-peer.ts';

/** A line that a device wrote to its log. */
export interface LogLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** Starts a real device on a free port; closes it after the test. */
export async function startDevice(
  t: { after: (end: () => Promise<void>) => void },
  options: Partial<OnvifServerOptions> = {},
): Promise<{ server: OnvifServer; port: number; lines: LogLine[]; counters: ReturnType<typeof newOnvifCounters> }> {
  const lines: LogLine[] = [];
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message });
  const logger: Logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  const counters = newOnvifCounters();
  const server = new OnvifServer({
    host: '127.0.0.1',
    port: 0,
    device: makeDevice(16),
    video: () => cardVideo,
    credentials,
    pipePass: 'pass',
    nonces: new NonceMemory(),
    digestSha256: false,
    services: [],
    clock: systemClock,
    logger,
    secureContext: () => null,
    rtspPort: 8554,
    product: 'Skyweir',
    version: '9.8.7',
    discoverable: false,
    counters,
    ...options,
  });
  const port = await server.listen();
  t.after(() => server.close());
  return { server, port, lines, counters };
}
