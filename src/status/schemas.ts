import { errorTable } from '../base/errors.ts';
import { eventTypes } from '../base/event-types.ts';
import { limits } from '../base/limits.ts';
import { ruleNames } from '../ingest-rules/ingest-rules.ts';
import { flag, type JsonSchema, list, number, object, orNull, text, time, whole } from './json-schema.ts';

const reason: JsonSchema = {
  type: ['string', 'null'],
  description: `Why it stopped or was rejected, else null. One of: ${Object.keys(errorTable).join(', ')}`,
};

const blames = ['none', 'source', 'network', 'server', 'reader'];

/** RFC 9457. */
export const problemSchema: JsonSchema = {
  type: 'object',
  required: ['title', 'status'],
  properties: {
    title: text('Name of the status'),
    status: whole('Status of the answer'),
    detail: text('What is wrong with this request'),
    problems: list(
      object({
        text: text('All of it in one line, as in the log'),
        key: orNull(
          text(
            'The key, with places counted from 1: `hardware[2].cameras[3].path`; null for the configuration as a whole',
          ),
        ),
        pointer: text('The same as a JSON Pointer (RFC 6901), such as `/hardware/1/cameras/2/path`'),
        value: { description: 'As it was given' },
        remedy: text('Why it cannot be, and what to do'),
        line: orNull(whole('Where it stands in a YAML text, from 1; null elsewhere')),
        column: orNull(whole('The same, in its line')),
      }),
      'Every mistake in a configuration; only for those',
    ),
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

const violationProperties = {
  rule: { type: 'string', enum: [...ruleNames], description: 'The key of the configuration' },
  value: text('What the stream has, with its unit'),
  limit: text('What is allowed'),
};

export const streamSchema = object({
  index: whole('Identity of the camera while the server runs; what `/api/v1/streams/{index}` takes'),
  name: text('Name of the camera'),
  path: text('Stream path that publishers push to'),
  rtspPath: text('Path that readers pull from'),
  hardware: whole('Place of its ONVIF device in `/api/v1/hardware`'),
  channel: whole('Channel of that device, from 1'),
  live: flag('It has a publisher'),
  publisher: orNull(publisher),
  stream: orNull(running),
  readers: whole('Readers that play it'),
  verdict: orNull(
    object(
      {
        blame: {
          type: 'string',
          enum: blames,
          description: 'Who is to blame',
        },
        text: text('Why'),
      },
      'Of the newest block of statistics; null before the first',
    ),
  ),
  rules: list(object(violationProperties), 'The ingest rules that the stream breaks now'),
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
      shedFrames: whole('Those of them that this server left out because it could not keep up'),
      ingestShedFrames: whole('Frames received that this server did not even store, because it could not keep up'),
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

const eventSchema = object({
  id: text('What `since` and Last-Event-ID take; hooks send the same'),
  type: { type: 'string', enum: [...eventTypes], description: 'What happened; docs/monitoring.md explains each' },
  time: time('When'),
  stream: orNull(whole('Index of the camera; null for what concerns no camera, or none that is known')),
  name: orNull(text('Its name')),
  path: orNull(text('Its stream path; of a rejected publisher the path that it asked for')),
  connection: orNull(text("Name of the publisher's connection in the log")),
  address: orNull(text('Address of the publisher; null also for the sum of many')),
  reason,
  count: whole('How many it stands for: refused publishers are told of one by one at first, then as sums'),
  blame: {
    type: ['string', 'null'],
    enum: [...blames, null],
    description: 'Of a stream that is degraded: who is to blame',
  },
  rule: orNull(
    object(
      {
        ...violationProperties,
        state: { type: 'string', enum: ['broken', 'kept'], description: 'From now on' },
        action: { type: 'string', enum: ['flag', 'reject'], description: 'What is done about it' },
      },
      'Of the type rule: the ingest rule',
    ),
  ),
  text: orNull(text('A sentence about it')),
  figures: {
    type: ['object', 'null'],
    description: 'What it rests on, by name with the unit in the name',
    additionalProperties: { type: 'number' },
  },
});

export const eventsSchema = object({
  events: list(eventSchema, 'Newest first'),
  complete: flag('None of those since the one that was asked for has been forgotten or cut off'),
});

export const hardwareSchema = object({
  hardware: list(
    object({
      number: whole('What it is known by, for ever; `/api/v1/hardware/{number}`'),
      name: text('Name of the ONVIF device'),
      onvifPort: orNull(whole('Its port; null while ONVIF is off')),
      rtmpPort: whole('Port that its cameras are pushed to'),
      streams: list(whole('Index of a camera'), 'Its cameras'),
    }),
    'In the order of the configuration',
  ),
});

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
