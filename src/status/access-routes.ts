import { StartError } from '../config/errors.ts';
import * as schemas from './access-schemas.ts';
import {
  AccessError,
  type AccessProblem,
  type AccessSource,
  type PasswordResult,
  type UserInfo,
} from './access-source.ts';
import {
  problem,
  problemForm,
  type Role,
  type RouteAnswer,
  type RouteClient,
  type RouteRequest,
  type StatusRoute,
} from './route.ts';
import { endedCookie, sessionCookie } from './session-cookie.ts';

/** Login and logout, users, and API tokens. */
export function accessRoutes(source: AccessSource): StatusRoute[] {
  return [...loginRoutes(source), ...userRoutes(source), ...tokenRoutes(source)];
}

function loginRoutes(source: AccessSource): StatusRoute[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/login',
      summary: 'Log a browser in: the answer sets a cookie',
      open: true,
      body: schemas.loginBody,
      answers: {
        204: { text: 'Logged in' },
        401: problemForm('User name or password is wrong'),
        429: tooMany,
        503: busy,
      },
      handle: async (request) => {
        const { user, password } = request.body as { user: string; password: string };
        const client = clientOf(request);
        return answerTo(async () => {
          const login = await source.login(user, password, client, cookieOf(request));
          if (login.result !== 'accepted') return refusedPassword(login, 401);
          return { status: 204, body: '', headers: { 'Set-Cookie': sessionCookie(login.id, client.secure) } };
        });
      },
    },
    {
      method: 'POST',
      path: '/api/v1/logout',
      summary: 'Log a browser out',
      // Whoever has no login is logged out already.
      open: true,
      answers: { 204: { text: 'Logged out' } },
      handle: (request) => {
        const client = clientOf(request);
        source.logout(client, cookieOf(request));
        return { status: 204, body: '', headers: { 'Set-Cookie': endedCookie(client.secure) } };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/me',
      summary: 'Who asks, and what that one may do',
      answers: { 200: { schema: schemas.meSchema, text: 'Who asks' } },
      handle: (request) => {
        const { name, role, via = 'none' } = request.user;
        const { secure } = clientOf(request);
        const { authentication } = source;
        return { status: 200, body: { user: via === 'none' ? null : name, role, via, authentication, secure } };
      },
    },
    {
      method: 'PUT',
      path: '/api/v1/me/password',
      summary: 'Change the own password. All own logins of browsers end',
      role: 'viewer',
      body: schemas.passwordBody,
      answers: {
        204: { text: 'Changed' },
        403: problemForm('The current password is wrong'),
        409: problemForm('Whoever asks is no user of the list'),
        422: problemForm('The new password is no good'),
        429: tooMany,
        503: busy,
      },
      handle: (request) => {
        const { current, password } = request.body as { current: string; password: string };
        return answerTo(async () => {
          if (request.user.via !== 'session') return problem(409, 'only a user who has logged in has a password here');
          const changed = await source.changeOwnPassword(request.user, current, password, clientOf(request));
          if (changed.result !== 'accepted') return refusedPassword(changed, 403);
          return { status: 204, body: '', note: { password: 'changed' } };
        });
      },
    },
  ];
}

function userRoutes(source: AccessSource): StatusRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/users',
      summary: 'The users',
      role: 'admin',
      answers: { 200: { schema: schemas.usersSchema, text: 'The users' } },
      handle: () => ({ status: 200, body: { users: source.users() } }),
    },
    {
      method: 'POST',
      path: '/api/v1/users',
      summary: 'Add a user to the list',
      role: 'admin',
      body: schemas.newUserBody,
      answers: {
        201: { schema: schemas.userSchema, text: 'Added' },
        409: problemForm('There is one of that name, or no room'),
        422: problemForm('The name or the password is no good'),
        503: busy,
      },
      handle: ({ body }) => {
        const { name, password, role } = body as { name: string; password: string; role: Role };
        return answerTo(async () => {
          const user = await source.addUser(name, password, role);
          const headers = { Location: `/api/v1/users/${encodeURIComponent(name)}` };
          return { status: 201, body: user, headers, note: { user: name, role } };
        });
      },
    },
    {
      method: 'PATCH',
      path: '/api/v1/users/{name}',
      summary: 'Change password or role of a user of the list. All logins of that user end',
      role: 'admin',
      params: schemas.userParameters,
      body: schemas.userChangeBody,
      answers: {
        200: { schema: schemas.userSchema, text: 'Changed' },
        404: noUser,
        409: problemForm('It is the last admin, or the user of --user'),
        422: problemForm('The password is no good'),
        503: busy,
      },
      handle: ({ params, body }) => {
        const name = String(params['name']);
        const { password, role } = body as { password?: string; role?: Role };
        return answerTo(async () => {
          const change = { ...(password !== undefined && { password }), ...(role !== undefined && { role }) };
          const user: UserInfo = await source.changeUser(name, change);
          const note = { ...(password !== undefined && { password: 'changed' }), ...(role !== undefined && { role }) };
          return { status: 200, body: user, note: { user: name, ...note } };
        });
      },
    },
    {
      method: 'DELETE',
      path: '/api/v1/users/{name}',
      summary: 'Take a user off the list. All logins of that user end; tokens that the user made do not',
      role: 'admin',
      params: schemas.userParameters,
      answers: {
        204: { text: 'Removed' },
        404: noUser,
        409: problemForm('It is the last admin, or the user of --user'),
        503: file,
      },
      handle: ({ params }) => {
        const name = String(params['name']);
        return answerTo(async () => {
          await source.removeUser(name);
          return { status: 204, body: '', note: { user: name } };
        });
      },
    },
  ];
}

function tokenRoutes(source: AccessSource): StatusRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/tokens',
      summary: 'The API tokens, without their secrets',
      role: 'admin',
      answers: { 200: { schema: schemas.tokensSchema, text: 'The tokens' } },
      handle: () => ({ status: 200, body: { tokens: source.tokens() } }),
    },
    {
      method: 'POST',
      path: '/api/v1/tokens',
      summary: 'Make an API token. It is shown this once',
      role: 'admin',
      body: schemas.newTokenBody,
      answers: {
        201: { schema: schemas.newTokenSchema, text: 'The token' },
        409: problemForm('There is no room for more'),
        422: problemForm('The label or the time is no good'),
        503: file,
      },
      handle: ({ body, user }) => {
        const { label, role, notAfter = null } = body as { label: string; role: Role; notAfter?: string | null };
        return answerTo(async () => {
          const { info, secret } = await source.addToken({ label, role, notAfter }, user.name);
          const note = { token: info.id, label, role, notAfter };
          return { status: 201, body: { ...info, token: secret }, note };
        });
      },
    },
    {
      method: 'DELETE',
      path: '/api/v1/tokens/{id}',
      summary: 'Revoke an API token',
      role: 'admin',
      params: schemas.tokenParameters,
      answers: { 204: { text: 'Revoked' }, 404: problemForm('There is no such token'), 503: file },
      handle: ({ params }) => {
        const id = String(params['id']);
        return answerTo(async () => {
          await source.removeToken(id);
          return { status: 204, body: '', note: { token: id } };
        });
      },
    },
  ];
}

const statuses: Readonly<Record<AccessProblem, number>> = { unknown: 404, conflict: 409, invalid: 422, busy: 503 };

/** The answer of `act`, or what it throws as a problem. */
async function answerTo(act: () => Promise<RouteAnswer>): Promise<RouteAnswer> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof StartError) return problem(503, error.message);
    if (!(error instanceof AccessError)) throw error;
    const answer = problem(statuses[error.problem], error.message);
    return error.problem === 'busy' ? { ...answer, headers: { 'Retry-After': '1' } } : answer;
  }
}

function refusedPassword(refused: PasswordResult, wrongStatus: number): RouteAnswer {
  if (refused.result === 'wrong') {
    const what = wrongStatus === 401 ? 'user name or password is wrong' : 'the current password is wrong';
    return problem(wrongStatus, what);
  }
  const seconds = Math.ceil(refused.waitMs / 1000);
  const answer = problem(429, `too many wrong passwords; try again in ${seconds} s`);
  return { ...answer, headers: { 'Retry-After': String(seconds) } };
}

function clientOf({ client }: RouteRequest): RouteClient {
  return client ?? { address: '', secure: false };
}

function cookieOf({ headers }: RouteRequest): string | undefined {
  const { cookie } = headers;
  return typeof cookie === 'string' ? cookie : undefined;
}

const noUser = problemForm('There is no such user in the list');
const tooMany = problemForm(
  'Too many wrong passwords came from there, or for that name; Retry-After says how long to wait',
);
const busy = problemForm('Too many logins at once, or the list cannot be read or written');
const file = problemForm('The list cannot be read or written');
