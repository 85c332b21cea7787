import { limits } from '../base/limits.ts';
import { roles } from './route.ts';
import type { JsonSchema } from './schemas.ts';

const role: JsonSchema = { type: 'string', enum: [...roles], description: 'What may be done' };
const name: JsonSchema = { type: 'string', minLength: 1, maxLength: 64, description: 'Name of the user' };
/** Longer ones are told from those that are too long by a sentence, so they must come through. */
const password: JsonSchema = { type: 'string', maxLength: limits.access.longestPassword * 4, writeOnly: true };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const timeOrNull: JsonSchema = { type: ['string', 'null'], format: 'date-time' };

function object(properties: Readonly<Record<string, JsonSchema>>, optional: readonly string[] = []): JsonSchema {
  const required = Object.keys(properties).filter((key) => !optional.includes(key));
  return { type: 'object', required, properties, additionalProperties: false };
}

export const loginBody = object({ user: name, password });
export const passwordBody = object({ current: password, password });
export const newUserBody = object({ name, password, role });
export const userChangeBody = object({ password, role }, ['password', 'role']);
export const newTokenBody = object(
  {
    label: { type: 'string', maxLength: limits.access.labelCharacters, description: 'What the token is for' },
    role,
    notAfter: { ...timeOrNull, description: 'When it ends; without it, never' },
  },
  ['notAfter'],
);

export const userParameters: JsonSchema = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', description: 'Name of the user' } },
};

export const tokenParameters: JsonSchema = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string', description: 'Id of the token' } },
};

export const meSchema = object({
  user: { type: ['string', 'null'], description: 'Name; null where nobody has logged in' },
  role,
  via: { type: 'string', enum: ['none', 'password', 'session', 'token'], description: 'How that is known' },
  authentication: {
    type: 'string',
    enum: ['on', 'off'],
    description: 'off: without a login somebody may do something',
  },
  secure: { type: 'boolean', description: 'This request came over TLS' },
});

export const userSchema = object({
  name,
  role,
  origin: { type: 'string', enum: ['settings', 'list'], description: 'settings: the one of --user, fixed here' },
  createdAt: timeOrNull,
  changedAt: { ...timeOrNull, description: 'Last change of password or role' },
  sessions: { type: 'integer', description: 'Browsers that are logged in' },
});

export const usersSchema = object({ users: { type: 'array', items: userSchema } });

const token: Readonly<Record<string, JsonSchema>> = {
  id: { type: 'string', description: 'Names the token; no secret' },
  label: { type: 'string', description: 'What it is for' },
  role,
  createdAt: time,
  createdBy: { type: 'string', description: 'Who made it' },
  notAfter: { ...timeOrNull, description: 'When it ends; null is never' },
  expired: { type: 'boolean', description: 'It has ended' },
};

export const tokensSchema = object({ tokens: { type: 'array', items: object(token) } });

export const newTokenSchema = object({
  ...token,
  token: { type: 'string', description: 'The token itself, for Authorization: Bearer. It is shown this once' },
});
