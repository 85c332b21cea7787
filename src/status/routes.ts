import { eventTypes } from '../base/event-types.ts';
import { limits } from '../base/limits.ts';
import { eventBody, eventsSince } from './event-feed.ts';
import { chooseMetricsFormat, MetricsText, metricsMediaTypes } from './metrics-text.ts';
import { openApi } from './openapi.ts';
import { overviewRoutes } from './overview-routes.ts';
import { previewRoutes } from './preview-routes.ts';
import { writeProcessMetrics } from './process-metrics.ts';
import { judgeReadiness } from './readiness.ts';
import { problem, problemForm, type StatusRoute } from './route.ts';
import * as schemas from './schemas.ts';
import { writeServerMetrics } from './server-metrics.ts';
import type { StatusSource } from './status-source.ts';
import { publisherBody, readerBody, seconds, streamBody } from './stream-body.ts';
import { writeStreamMetrics } from './stream-metrics.ts';

/** The path of the live events. */
const liveEventsPath = '/api/v1/events/live';

/**
 * Everything that the port answers. `epoch` tells this run of the server from every other; `others` are the routes of parts that
 * bring their own.
 */
export function statusRoutes(source: StatusSource, epoch: string, others: readonly StatusRoute[] = []): StatusRoute[] {
  const routes: StatusRoute[] = [
    ...healthRoutes(source),
    metricsRoute(source),
    ...streamRoutes(source),
    ...eventRoutes(source, epoch),
    ...serverRoutes(source),
    ...overviewRoutes(source, epoch),
    ...previewRoutes(),
    ...others,
    {
      method: 'GET',
      path: '/api/v1/openapi.json',
      summary: 'This document',
      answers: { 200: { schema: { type: 'object', additionalProperties: true }, text: 'OpenAPI 3.1' } },
      handle: () => ({ status: 200, body: openApi(routes, source.version) }),
    },
  ];
  return routes;
}

function healthRoutes(source: StatusSource): StatusRoute[] {
  return [
    {
      method: 'GET',
      path: '/healthz',
      summary: 'Whether the process is alive: it answers',
      open: true,
      answers: { 200: { schema: schemas.healthSchema, text: 'It is' } },
      handle: () => {
        const { version, uptimeMs } = source.facts();
        return { status: 200, body: { status: 'ok', version, uptimeSeconds: seconds(uptimeMs) } };
      },
    },
    {
      method: 'GET',
      path: '/readyz',
      summary: 'Whether the server should be sent work',
      open: true,
      answers: {
        200: { schema: schemas.readinessSchema, text: 'It should' },
        503: { schema: schemas.readinessSchema, text: 'It should not, for these reasons' },
      },
      handle: () => {
        const readiness = judgeReadiness(source.facts());
        return { status: readiness.ready ? 200 : 503, body: readiness };
      },
    },
  ];
}

function metricsRoute(source: StatusSource): StatusRoute {
  /**
   * The memory of an answer that has been sent. Some MB a scrape that are left to the collector of garbage make it go through
   * the whole heap every few seconds, which costs more than to write them.
   */
  let spare: Buffer<ArrayBuffer> | undefined;
  return {
    method: 'GET',
    path: '/metrics',
    summary: 'Metrics for Prometheus; OpenMetrics where the client asks for it',
    answers: { 200: { mediaType: metricsMediaTypes.prometheus, text: 'See docs/monitoring.md' } },
    handle: async ({ headers }) => {
      const format = chooseMetricsFormat(String(headers['accept'] ?? ''));
      const processMetrics = await source.processMetrics();
      const text = new MetricsText(format, spare);
      spare = undefined;
      writeServerMetrics(text, source.facts());
      writeStreamMetrics(text, {
        cameras: source.cameras,
        read: source.streamReader(),
        verdicts: source.verdicts,
        violations: (index) => source.violations(index),
      });
      writeProcessMetrics(text, processMetrics);
      const onSent = (): void => {
        spare = text.memory;
      };
      return { status: 200, body: text.bytes(), mediaType: metricsMediaTypes[format], onSent };
    },
  };
}

function streamRoutes(source: StatusSource): StatusRoute[] {
  const publisherOf = (index: number) => source.publishers().find(({ camera }) => camera === index);
  return [
    {
      method: 'GET',
      path: '/api/v1/streams',
      summary: 'All cameras with what is published to them',
      answers: { 200: { schema: schemas.streamsSchema, text: 'The cameras' } },
      handle: () => {
        const publishers = new Map(source.publishers().map((info) => [info.camera, info]));
        const streams = source.streams().map((figures) => {
          const { index } = figures.camera;
          return streamBody(figures, publishers.get(index), source.verdicts.get(index), source.violations(index));
        });
        return { status: 200, body: { streams } };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/streams/{index}',
      summary: 'One camera',
      params: schemas.streamParameters,
      answers: { 200: { schema: schemas.streamSchema, text: 'The camera' }, 404: noCamera },
      handle: ({ params }) => {
        const index = params['index'] as number;
        const figures = source.stream(index);
        if (figures === null) return problem(404, `there is no camera ${index}`);
        const verdict = source.verdicts.get(index);
        return { status: 200, body: streamBody(figures, publisherOf(index), verdict, source.violations(index)) };
      },
    },
    {
      method: 'POST',
      path: '/api/v1/streams/{index}/kick',
      summary: 'End the connection of a publisher. Nothing keeps it from coming back',
      params: schemas.streamParameters,
      answers: {
        200: { schema: schemas.kickSchema, text: 'The connection is being ended' },
        404: noCamera,
        409: problemForm('Nobody publishes to the camera'),
      },
      handle: ({ params }) => {
        const index = params['index'] as number;
        if (source.stream(index) === null) return problem(404, `there is no camera ${index}`);
        const connection = source.kick(index);
        if (connection === null) return problem(409, `nobody publishes to camera ${index}`);
        return { status: 200, body: { connection } };
      },
    },
  ];
}

function eventRoutes(source: StatusSource, epoch: string): StatusRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/events',
      summary: 'What happened to streams and to the server, the newest of it',
      query: schemas.eventsQuery,
      answers: { 200: { schema: schemas.eventsSchema, text: 'The events, newest first' } },
      handle: ({ query }) => {
        const { since = '', limit } = query as { since?: string; limit: number };
        const { events, complete } = eventsSince(source.events(), epoch, since);
        const shown = events.slice(0, limit).map((event) => eventBody(epoch, event));
        return { status: 200, body: { events: shown, complete: complete && events.length <= limit } };
      },
    },
    {
      method: 'GET',
      path: liveEventsPath,
      summary: 'The same as it happens (server-sent events); after Last-Event-ID, where that is given',
      answers: {
        200: {
          mediaType: 'text/event-stream',
          text: `Events of the types ${eventTypes.join(', ')}, and missed where some were forgotten`,
        },
        503: problemForm('Too many clients follow the events'),
      },
      handle: null,
    },
  ];
}

function serverRoutes(source: StatusSource): StatusRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/connections',
      summary: 'Publishers and readers that are connected',
      answers: { 200: { schema: schemas.connectionsSchema, text: 'The connections' } },
      handle: async () => {
        const { readers, complete } = await source.readers();
        const nowMs = source.nowMs();
        const publishers = source.publishers().slice(0, limits.http.itemsPerAnswer);
        const body = {
          publishers: publishers.map((info) => publisherBody(info, nowMs)),
          readers: readers.map((info) => readerBody(info, nowMs)),
          complete,
        };
        return { status: 200, body };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/hardware',
      summary: 'The ONVIF devices and their cameras',
      answers: { 200: { schema: schemas.hardwareSchema, text: 'The devices' } },
      handle: () => ({ status: 200, body: { hardware: source.hardware() } }),
    },
  ];
}

const noCamera = problemForm('There is no such camera');
