import * as schemas from './key-schemas.ts';
import { KeyRefusal, type KeySource } from './key-source.ts';
import { problem, problemForm, type RouteAnswer, type StatusRoute } from './route.ts';

/** Publish authentication: whether it is on, and the stream keys. A key itself is in one answer only, that to its making. */
export function keyRoutes(source: KeySource): StatusRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/publish-auth',
      summary: 'Whether publishers are asked for a credential, and how they may show one',
      answers: { 200: { schema: schemas.publishAuthSchema, text: 'How it is' } },
      handle: () => ({ status: 200, body: source.publishAuth() }),
    },
    {
      method: 'GET',
      path: '/api/v1/keys',
      summary: 'The stream keys, without the keys themselves',
      role: 'operator',
      answers: { 200: { schema: schemas.keysSchema, text: 'The keys' } },
      handle: () => ({ status: 200, body: { keys: source.keys() } }),
    },
    {
      method: 'POST',
      path: '/api/v1/keys',
      summary: 'Make a stream key. The answer has it, and nothing else ever will',
      role: 'admin',
      body: schemas.newKeyBody,
      answers: {
        201: { schema: schemas.newKeySchema, text: 'The key' },
        404: noCamera,
        409: full,
        422: bad,
        503: file,
      },
      handle: (request) => {
        const { stream, label = '', secret, ...times } = request.body as NewKeyBody;
        return answerTo(async () => {
          const { notBeforeMs = null, notAfterMs = null } = timesOf(times);
          const wish = { stream, label, notBeforeMs, notAfterMs, ...(secret !== undefined && { secret }) };
          const made = await source.addKey(wish);
          return { status: 201, body: made, note: { key: made.id, camera: made.path, label } };
        });
      },
    },
    {
      method: 'PATCH',
      path: '/api/v1/keys/{id}',
      summary: 'Change label or dates of a stream key',
      role: 'admin',
      params: schemas.keyParameters,
      body: schemas.keyChangeBody,
      answers: { 200: { schema: schemas.keySchema, text: 'The key' }, 404: noKey, 422: bad, 503: file },
      handle: ({ params, body }) => {
        const id = params['id'] as string;
        const { label, ...times } = body as Omit<NewKeyBody, 'stream'>;
        return answerTo(async () => {
          const changed = await source.changeKey(id, { ...timesOf(times), ...(label !== undefined && { label }) });
          return { status: 200, body: changed, note: { key: id } };
        });
      },
    },
    {
      method: 'POST',
      path: '/api/v1/keys/{id}/rotate',
      summary: 'Make another key for the same camera, and end this one, at once or after a while',
      role: 'admin',
      params: schemas.keyParameters,
      body: schemas.rotationBody,
      answers: {
        201: { schema: schemas.newKeySchema, text: 'The new key' },
        404: noKey,
        409: full,
        422: bad,
        503: file,
      },
      handle: ({ params, body }) => {
        const id = params['id'] as string;
        const { running = 'keep', graceSeconds = 0 } = body as { running?: 'cut' | 'keep'; graceSeconds?: number };
        if (running === 'cut' && graceSeconds > 0)
          return problem(422, 'a stream can be cut off only when its key ends at once: leave graceSeconds out');
        return answerTo(async () => {
          const made = await source.rotateKey(id, running, graceSeconds * 1000);
          return { status: 201, body: made, note: { key: id, by: made.id, running } };
        });
      },
    },
    {
      method: 'DELETE',
      path: '/api/v1/keys/{id}',
      summary: 'Revoke a stream key',
      role: 'admin',
      params: schemas.keyParameters,
      query: schemas.revokeQuery,
      answers: { 204: { text: 'Revoked' }, 404: noKey, 503: file },
      handle: ({ params, query }) => {
        const id = params['id'] as string;
        const running = query['running'] === 'cut' ? 'cut' : 'keep';
        return answerTo(async () => {
          await source.revokeKey(id, running);
          return { status: 204, body: '', note: { key: id, running } };
        });
      },
    },
  ];
}

interface NewKeyBody {
  readonly stream: number;
  readonly label?: string;
  readonly notBefore?: string | null;
  readonly notAfter?: string | null;
  readonly secret?: string;
}

const noCamera = problemForm('There is no such camera');
const noKey = problemForm('There is no such key');
const full = problemForm('There are too many keys');
const bad = problemForm('It cannot be meant so');
const file = problemForm('The keys could not be written');

/** Times as milliseconds; what is left out stays so. */
function timesOf({ notBefore, notAfter }: Pick<NewKeyBody, 'notBefore' | 'notAfter'>): {
  readonly notBeforeMs?: number | null;
  readonly notAfterMs?: number | null;
} {
  return {
    ...(notBefore !== undefined && { notBeforeMs: notBefore === null ? null : Date.parse(notBefore) }),
    ...(notAfter !== undefined && { notAfterMs: notAfter === null ? null : Date.parse(notAfter) }),
  };
}

/** The answer of `act`, or what it throws as a problem. */
async function answerTo(act: () => Promise<RouteAnswer>): Promise<RouteAnswer> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof KeyRefusal)) throw error;
    return problem(error.status, error.message);
  }
}
