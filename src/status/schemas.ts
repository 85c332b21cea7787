import { errorTable } from '../base/errors.ts';
import { limits } from '../base/limits.ts';

/** A JSON Schema (2020-12, as far as OpenAPI 3.1 and the serialiser of fastify both understand it). */
export type JsonSchema = Readonly<Record<string, unknown>>;

const text = (description: string): JsonSchema => ({ type: 'string', description });
const whole = (description: string): JsonSchema => ({ type: 'integer', description });
const number = (description: string): JsonSchema => ({ type: 'number', description });
const flag = (description: string): JsonSchema => ({ type: 'boolean', description });
const time = (description: string): JsonSchema => ({ type: 'string', format: 'date-time', description });
const list = (items: JsonSchema, description: string): JsonSchema => ({ type: 'array', items, description });
const orNull = (schema: JsonSchema): JsonSchema => ({ ...schema, type: [schema['type'], 'null'] });

/** An object with these properties, all of them always there. */
function object(properties: Readonly<Record<string, JsonSchema>>, description?: string): JsonSchema {
  return {
    type: 'object',
    ...(description !== undefined && { description }),
    required: Object.keys(properties),
    properties,
  };
}

const reason: JsonSchema = {
  type: ['string', 'null'],
  description: `Why it ended, null for a start. One of: ${Object.keys(errorTable).join(', ')}`,
};

/** RFC 9457. */
export const problemSchema: JsonSchema = {
  type: 'object',
  required: ['title', 'status'],
  properties: {
    title: text('Name of the status'),
    status: whole('Status of the answer'),
    detail: text('What is wrong with this request'),
  },
};

export const healthSchema = object({
  status: { type: 'string', const: 'ok', description: 'The process answers' },
  version: text('Version of Skyweir'),
  uptimeSeconds: number('Since the server started'),
});

export const readinessSchema = object({
  ready: flag('The server should be sent work'),
  reasons: list(
    object({
      code: {
        type: 'string',
        enum: ['draining', 'listeners_closed', 'consumer_down', 'thread_hung', 'overloaded'],
        description: 'Stable name',
      },
      text: text('The same for people'),
    }),
    'What speaks against it',
  ),
});

const publisher = object(
  {
    connection: text('Name of the connection in the log'),
    address: text('Address of the publisher'),
    port: whole('Its port'),
  },
  'Who publishes; null while nobody does',
);

const running = object(
  {
    since: time('Start of the stream'),
    uptimeSeconds: number('Since then'),
    silentSeconds: number('Since the newest frame'),
    width: whole('Pixels, 0 while unknown'),
    height: whole('Pixels, 0 while unknown'),
    profile: whole('profile_idc of H.264'),
    level: whole('level_idc of H.264'),
    framesPerSecond: number('Over the last 5 seconds or more'),
    bitsPerSecond: number('Over the same time'),
    jitterSeconds: number('Standard deviation of the time between two arrivals, over the same time'),
    latenessSeconds: number('How much later than their time stamps frames arrived, on average over the same time'),
    queueDepth: number('Frames that the slowest reader had still to fetch, on average over the same time'),
  },
  'The stream that runs; null while nobody publishes',
);

export const streamSchema = object({
  index: whole('Identity of the camera while the server runs; what `/api/v1/streams/{index}` takes'),
  name: text('Name of the camera'),
  path: text('Stream path that publishers push to'),
  rtspPath: text('Path that readers pull from'),
  hardware: whole('Place of its ONVIF device in `/api/v1/hardware`'),
  live: flag('It has a publisher'),
  publisher: orNull(publisher),
  stream: orNull(running),
  readers: whole('Readers that play it'),
  verdict: orNull(
    object(
      {
        blame: {
          type: 'string',
          enum: ['none', 'source', 'network', 'server', 'reader'],
          description: 'Who is to blame',
        },
        text: text('Why'),
      },
      'Of the newest block of statistics; null before the first',
    ),
  ),
  total: object(
    {
      starts: whole('Streams'),
      frames: whole('Frames received'),
      bytes: whole('Bytes of them'),
      keyframes: whole('Those that decoding can start at'),
      seiOnly: whole('Messages without a picture'),
      nonH264: whole('Messages of another codec, dropped'),
      truncated: whole('Frames that were cut short, dropped'),
      discontinuities: whole("Jumps of the publisher's clock"),
      poppedFrames: whole('Frames that at least one reader got, summed over the consumers'),
      sentFrames: whole('Frames sent, summed over the readers'),
      overflowFrames: whole('Frames that readers lost because they were too far behind'),
      slowReaders: whole('Readers that were disconnected because they were too slow'),
    },
    'Since the server started',
  ),
});

export const streamsSchema = object({ streams: list(streamSchema, 'All cameras, in the order of the configuration') });

export const connectionsSchema = object({
  publishers: list(
    object({
      connection: text('Name of the connection in the log'),
      address: text('Address'),
      port: whole('Port'),
      listenerPort: whole('Port that it came to; the RTMP port of a listener that has two'),
      seconds: number('Since it was accepted'),
      stream: orNull(whole('Index of the camera that it publishes to; null before it does')),
    }),
    `At most ${limits.http.itemsPerAnswer}`,
  ),
  readers: list(
    object({
      connection: text('Name of the connection in the log'),
      address: text('Address'),
      port: whole('Port'),
      seconds: number('Since it was accepted'),
      stream: orNull(whole('Index of the camera that it has set up; null before that')),
      playing: flag('It plays'),
      transport: { type: ['string', 'null'], enum: ['udp', 'tcp', 'http', null], description: 'How media goes to it' },
      tls: text('Version of TLS, empty without'),
      frames: whole('Frames sent'),
      lost: whole('Frames lost because it was too far behind'),
      bytes: whole('Bytes of RTP payload'),
    }),
    `At most ${limits.http.itemsPerAnswer} of each consumer`,
  ),
  complete: flag('Every consumer has answered'),
});

export const eventSchema = object({
  id: text('What `since` and Last-Event-ID take'),
  type: { type: 'string', enum: ['started', 'stopped'], description: 'RTMP Stream Started or RTMP Stream Stopped' },
  time: time('When'),
  stream: whole('Index of the camera'),
  name: text('Its name'),
  path: text('Its stream path'),
  connection: text("Name of the publisher's connection in the log"),
  address: text('Address of the publisher'),
  reason,
});

export const eventsSchema = object({
  events: list(eventSchema, 'Newest first'),
  complete: flag('None of those since the one that was asked for has been forgotten or cut off'),
});

export const hardwareSchema = object({
  hardware: list(
    object({
      name: text('Name of the ONVIF device'),
      onvifPort: orNull(whole('Its port; null while ONVIF is off')),
      rtmpPort: whole('Port that its cameras are pushed to'),
      streams: list(whole('Index of a camera'), 'Its cameras'),
    }),
    'In the order of the configuration',
  ),
});

export const configSchema: JsonSchema = {
  type: 'object',
  description: 'The configuration in force by the keys of the file. It holds no secret.',
  additionalProperties: true,
};

export const kickSchema = object({
  connection: text('Name of the connection that is ended'),
});

export const streamParameters: JsonSchema = {
  type: 'object',
  required: ['index'],
  properties: { index: { type: 'integer', minimum: 0, description: 'Index of the camera' } },
};

export const eventsQuery: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    since: { type: 'string', maxLength: 64, description: 'Only events after the one with this `id`' },
    limit: {
      type: 'integer',
      minimum: 1,
      maximum: limits.http.itemsPerAnswer,
      default: 100,
      description: 'At most so many, the newest',
    },
  },
};
