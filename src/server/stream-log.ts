import { hostAndPort } from '../base/address.ts';
import type { Logger } from '../base/logger.ts';
import type { StreamEvents } from './stream-events.ts';

/** Logs what happens to cameras. */
export function logStreams(events: StreamEvents, logger: Logger): void {
  events.on('started', ({ camera, publisher }) => {
    const fields = {
      camera: camera.name,
      conn: publisher.id,
      publisher: hostAndPort(publisher.address, publisher.port),
    };
    logger.info(fields, 'RTMP Stream Started');
  });
  events.on('stopped', ({ camera, publisher, reason }) => {
    logger.info({ camera: camera.name, conn: publisher.id, reason }, 'RTMP Stream Stopped');
  });
  events.on('notice', ({ camera, publisher, notice }) => {
    const { type, ...facts } = notice;
    // Nested: a level of H.264 must not pass for the level of the log line.
    logger.info({ camera: camera.name, conn: publisher.id, stream: facts }, `stream: ${type}`);
  });
}
