import { camerasPerHardware } from '../config/camera-list.ts';
import { maximumHardware } from '../config/hardware-list.ts';
import { settingKeys, settings } from '../config/schema.ts';
import { type JsonSchema, list, object, text, whole } from './json-schema.ts';
import { problemSchema } from './schemas.ts';

const textOrNull = (description: string): JsonSchema => ({ type: ['string', 'null'], description });
const anything = (description: string): JsonSchema => ({ description });

/** Every mistake in a configuration, as every problem lists them. */
const problems = (problemSchema['properties'] as { problems: JsonSchema }).problems;

const change = {
  ...object({
    key: text('Key as the file has it'),
    applies: { type: 'string', enum: ['live', 'restart'], description: 'At once, or when Skyweir is started again' },
    from: anything('Value in force; absent for lists'),
    to: anything('Value that is wanted; absent for lists'),
  }),
  required: ['key', 'applies'],
};
const changes = list(change, 'What is different then');
const warnings = list(text('A line'), 'What is allowed but probably a mistake');
const notes = list(text('A line'), 'How the file was changed beyond what was asked for');

const setting = object({
  value: anything('In force, as the file writes it; null for none'),
  default: anything('What it is when nobody says otherwise'),
  from: {
    type: 'string',
    enum: ['default', 'file', 'environment', 'flag'],
    description: 'Where the value comes from. What flag or environment say wins over the file',
  },
  place: text('The same exactly: `skyweir.yaml:3`, `SKYWEIR_RTMP_PORT`, `--rtmp-port`'),
  applies: { type: 'string', enum: ['live', 'restart'], description: 'When a change takes effect' },
  unit: text('What the number counts; empty where the value says it itself'),
  kind: text('integer, duration, bytes, boolean, choice, text, list, cameras or hardware; others may come'),
  allowed: text('What it must be'),
  group: text('Heading under which it is listed'),
  text: text('What it does'),
  changeable: {
    type: 'boolean',
    description: 'It may be changed here: it can stand in this file, and nothing wins over that',
  },
});

export const configSchema: JsonSchema = object({
  version: text('What the file is recognised by; also the ETag. It holds for every resource of the configuration'),
  file: {
    type: ['object', 'null'],
    description: 'The file that changes are kept in; null if there is none',
    required: ['path', 'kept'],
    properties: {
      path: text('Its path'),
      kept: { type: 'boolean', description: 'No `--config` was given: it is the one of the state folder' },
    },
  },
  config: {
    type: 'object',
    additionalProperties: true,
    description: 'What is in force, by the keys of the file, without secrets',
  },
  settings: { type: 'object', additionalProperties: setting, description: 'What there is to know about each key' },
  problems: { ...problems, description: 'Mistakes in the file as it is now; it is not in force then' },
  waiting: list(change, 'What the file says that is not in force; most wait for the next start'),
});

/** Headers of every change. */
export const changeHeaders: JsonSchema = {
  type: 'object',
  properties: {
    'If-Match': text('ETag of the configuration that was read: the change is made only if it is still that one'),
  },
};

export const outcomeSchema: JsonSchema = object({
  version: text('What the file is recognised by from now on; also the ETag'),
  changes: list(change, 'What was changed: in force now, unless it needs a restart'),
  waiting: list(text('Key'), 'All keys that wait for the next start, also those that were changed before'),
  notes,
  warnings,
});

export const createdSchema: JsonSchema = {
  ...outcomeSchema,
  required: [...(outcomeSchema['required'] as string[]), 'location'],
  properties: { ...(outcomeSchema['properties'] as object), location: text('Path of what was created') },
};

export const validationSchema: JsonSchema = object({
  valid: { type: 'boolean', description: 'It could be put in force, as far as that can be told without trying' },
  detail: text('Why not; empty if it could'),
  problems,
  changes,
  notes,
  warnings,
});

/** A configuration or a part of it, by the keys of the file. Its values are checked by the rules of the file, with their words. */
const byKeys = (nothing: string): JsonSchema => ({
  type: 'object',
  additionalProperties: true,
  description: `Values by the keys of the file${nothing}`,
  properties: Object.fromEntries(
    settingKeys
      .filter((key) => settings[key].inFile)
      .map((key) => [settings[key].flag, { description: `${settings[key].text} Must be ${settings[key].allowed}.` }]),
  ),
});

export const configBody = byKeys('; those that are left out have their default');
export const patchBody = byKeys('; null takes a key out of the file, so that its default counts');

/** Of `/api/v1/config/validate`. */
export const validateBody: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  maxProperties: 1,
  description: 'One of these',
  properties: {
    yaml: text('A whole configuration as the text of a file'),
    config: configBody,
    changes: patchBody,
  },
};

// ---- hardware and cameras ----------------------------------------------------------------------------------------------

const own: JsonSchema = {
  type: 'object',
  additionalProperties: true,
  description:
    'Other keys of its entry in the file, as the file has them; null takes one out, so that what is said for all counts',
};

const cameraProperties: Readonly<Record<string, JsonSchema>> = {
  name: textOrNull('Name for people; null for the default'),
  path: textOrNull('What publishers push to; null for the default'),
  rtspPath: textOrNull('What readers pull from; null for the same'),
  own,
};

/** A change of a camera. */
export const cameraBody: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: cameraProperties,
};

const channel: JsonSchema = {
  type: 'integer',
  minimum: 1,
  maximum: camerasPerHardware,
  description: 'Channel of the ONVIF device; a free one if it is left out',
};

export const newCameraBody: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { ...cameraProperties, channel },
};

const nullable = (type: string, description: string): JsonSchema => ({ type: [type, 'null'], description });

const hardwareProperties: Readonly<Record<string, JsonSchema>> = {
  name: textOrNull('Name of the ONVIF device; null for the default'),
  rtmpPort: nullable('integer', 'Port that its cameras are pushed to; null for that of all'),
  onvifPort: nullable('integer', 'Port of the ONVIF device, and what recorders know it by; null for the default'),
  own,
};

export const hardwareBody: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  minProperties: 1,
  properties: hardwareProperties,
};

export const newHardwareBody: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['cameras'],
  properties: {
    ...hardwareProperties,
    number: {
      type: 'integer',
      minimum: 1,
      maximum: maximumHardware,
      description: 'What it is known by; a free one if it is left out',
    },
    cameras: {
      description: 'Its cameras, or how many',
      anyOf: [
        { type: 'integer', minimum: 1, maximum: camerasPerHardware },
        { type: 'array', minItems: 1, maxItems: camerasPerHardware, items: newCameraBody },
      ],
    },
  },
};

const cameraAnswer = object({
  channel: whole('What the camera is known by in its hardware, for ever'),
  name: text('Name for people'),
  path: text('What publishers push to'),
  rtspPath: text('What readers pull from'),
  own: { ...own, description: 'What the file says of it alone; the rest is as for all' },
  stream: { type: ['integer', 'null'], description: 'Its index in `/api/v1/streams` while the server runs' },
});

export const camerasSchema: JsonSchema = object({
  version: text('What the file is recognised by; also the ETag'),
  cameras: list(cameraAnswer, 'In the order of the configuration'),
});

export const cameraSchema: JsonSchema = cameraAnswer;

export const hardwareSchema: JsonSchema = object({
  number: whole('What it is known by, for ever'),
  name: text('Name of the ONVIF device'),
  onvifPort: { type: ['integer', 'null'], description: 'Its port; null while ONVIF is off' },
  rtmpPort: whole('Port that its cameras are pushed to'),
  own: { ...own, description: 'What the file says of it alone; the rest is as for all' },
  cameras: list(cameraAnswer, 'In the order of the configuration'),
});

const hardwareNumber: JsonSchema = {
  type: 'integer',
  minimum: 1,
  maximum: maximumHardware,
  description: 'Number of the hardware',
};

export const hardwareParameters: JsonSchema = {
  type: 'object',
  required: ['number'],
  properties: { number: hardwareNumber },
};

export const cameraParameters: JsonSchema = {
  type: 'object',
  required: ['number', 'channel'],
  properties: {
    number: hardwareNumber,
    channel: { type: 'integer', minimum: 1, maximum: camerasPerHardware, description: 'Channel of the camera' },
  },
};
