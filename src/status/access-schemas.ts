import { limits } from '../base/limits.ts';
import { closedObject, type JsonSchema } from './json-schema.ts';
import { roles } from './route.ts';

const role: JsonSchema = { type: 'string', enum: [...roles], description: 'What may be done' };
const name: JsonSchema = { type: 'string', minLength: 1, maxLength: 64, description: 'Name of the user' };
/** Longer ones are told from those that are too long by a sentence, so they must come through. */
const password: JsonSchema = { type: 'string', maxLength: limits.access.longestPassword * 4, writeOnly: true };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const timeOrNull: JsonSchema = { type: ['string', 'null'], format: 'date-time' };

export const loginBody = closedObject({ user: name, password });
export const passwordBody = closedObject({ current: password, password });
export const newUserBody = closedObject({ name, password, role });
export const userChangeBody = closedObject({ password, role }, ['password', 'role']);
export const newTokenBody = closedObject(
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

export const meSchema = closedObject({
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

export const userSchema = closedObject({
  name,
  role,
  origin: { type: 'string', enum: ['settings', 'list'], description: 'settings: the one of --user, fixed here' },
  createdAt: timeOrNull,
  changedAt: { ...timeOrNull, description: 'Last change of password or role' },
  sessions: { type: 'integer', description: 'Browsers that are logged in' },
});

export const usersSchema = closedObject({ users: { type: 'array', items: userSchema } });

const token: Readonly<Record<string, JsonSchema>> = {
  id: { type: 'string', description: 'Names the token; no secret' },
  label: { type: 'string', description: 'What it is for' },
  role,
  createdAt: time,
  createdBy: { type: 'string', description: 'Who made it' },
  notAfter: { ...timeOrNull, description: 'When it ends; null is never' },
  expired: { type: 'boolean', description: 'It has ended' },
};

export const tokensSchema = closedObject({ tokens: { type: 'array', items: closedObject(token) } });

export const newTokenSchema = closedObject({
  ...token,
  token: { type: 'string', description: 'The token itself, for Authorization: Bearer. It is shown this once' },
});
