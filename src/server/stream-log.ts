import { hostAndPort } from '../base/address.ts';
import type { Logger } from '../base/logger.ts';
import { describeViolation } from '../ingest-rules/ingest-rules.ts';
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
  events.on('degraded', ({ camera, publisher, blame, text, figures }) => {
    logger.warn(
      { camera: camera.name, conn: publisher.id, verdict: blame, because: text, figures },
      'RTMP Stream Degraded',
    );
  });
  events.on('recovered', ({ camera, publisher, figures }) => {
    logger.info({ camera: camera.name, conn: publisher.id, figures }, 'RTMP Stream Recovered');
  });
  events.on('rule', ({ camera, publisher, state, ...rule }) => {
    const fields = { camera: camera.name, conn: publisher.id, ...rule };
    if (state === 'broken') logger.warn(fields, `RTMP Stream Rule broken: ${describeViolation(rule)}`);
    else logger.info(fields, `RTMP Stream Rule kept again: ${rule.rule}`);
  });
  events.on('notice', ({ camera, publisher, notice }) => {
    const { type, ...facts } = notice;
    // Nested: a level of H.264 must not pass for the level of the log line.
    logger.info({ camera: camera.name, conn: publisher.id, stream: facts }, `stream: ${type}`);
  });
}
