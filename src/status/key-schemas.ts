import { limits } from '../base/limits.ts';
import { publishMethods } from '../publish-auth/verdict.ts';
import { closedObject, type JsonSchema } from './json-schema.ts';

const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const label: JsonSchema = {
  type: 'string',
  maxLength: limits.publishAuth.labelCharacters,
  description: 'For people: who has the key',
};
const notBefore: JsonSchema = { ...nullableTime, description: 'Valid from then on; null for at once' };
const notAfter: JsonSchema = { ...nullableTime, description: 'Valid until then; null for ever' };
const running: JsonSchema = {
  type: 'string',
  enum: ['keep', 'cut'],
  default: 'keep',
  description: 'What becomes of a stream that was begun with the key: it goes on, or is cut off',
};

const keyProperties: Readonly<Record<string, JsonSchema>> = {
  id: { type: 'string' },
  stream: { type: ['integer', 'null'], description: 'Index of the camera; null if it is no longer there' },
  path: { type: 'string' },
  label,
  kind: { type: 'string', enum: ['random', 'chosen'] },
  state: { type: 'string', enum: ['valid', 'early', 'expired'] },
  created: { type: 'string', format: 'date-time' },
  notBefore,
  notAfter,
  running: { type: 'boolean', description: 'Somebody publishes with it' },
  lastUsed: { ...nullableTime, description: 'Null if it was not used since the server started' },
};

export const publishAuthSchema = closedObject({
  enabled: { type: 'boolean', description: 'Publishers of some camera are asked for a credential' },
  methods: { type: 'array', items: { type: 'string', enum: [...publishMethods] } },
  streams: { type: 'array', items: { type: 'integer' }, description: 'Cameras whose publishers are asked' },
});

export const keySchema = closedObject(keyProperties);
export const keysSchema = closedObject({ keys: { type: 'array', items: keySchema } });
export const newKeySchema = closedObject({
  ...keyProperties,
  key: { type: 'string', description: 'The key itself. It is shown this once' },
});

export const newKeyBody = closedObject(
  {
    stream: { type: 'integer', minimum: 0, description: 'Index of the camera' },
    label,
    notBefore,
    notAfter,
    secret: {
      type: 'string',
      writeOnly: true,
      minLength: limits.publishAuth.shortestSecret,
      maxLength: limits.publishAuth.secretCharacters,
      description: 'A secret of your own, in place of a random key',
    },
  },
  ['label', 'notBefore', 'notAfter', 'secret'],
);
export const keyChangeBody = closedObject({ label, notBefore, notAfter }, ['label', 'notBefore', 'notAfter']);
export const rotationBody = closedObject(
  {
    running,
    graceSeconds: {
      type: 'integer',
      minimum: 0,
      maximum: 366 * 86_400,
      default: 0,
      description: 'For so long the old key stays good; not together with "cut"',
    },
  },
  ['running', 'graceSeconds'],
);

export const keyParameters: JsonSchema = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string', maxLength: 32, description: 'Id of the key' } },
};
export const revokeQuery: JsonSchema = { type: 'object', properties: { running }, additionalProperties: false };
