import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { plainAddress } from '../base/address.ts';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import type { HttpCounts } from '../status/counts.ts';
import { HttpLogin } from '../status/http-login.ts';
import { problemMediaType, problemOf } from '../status/problem.ts';
import { includesRole, type Role, type RouteUser, roleOf, type StatusRoute } from '../status/route.ts';
import { liveEventsPath, statusRoutes } from '../status/routes.ts';
import type { StatusSource } from '../status/status-source.ts';
import { EventStreams } from './event-streams.ts';
import { LimitedLog } from './limited-log.ts';

export interface StatusServerOptions {
  readonly source: StatusSource;
  /** Of parts that bring their own. */
  readonly routes?: readonly StatusRoute[];
  /** Null: nobody has to log in. */
  readonly credentials: { readonly user: string; readonly password: string } | null;
  /** Offer SHA-256 beside MD5. */
  readonly digestSha256: boolean;
  readonly counts: HttpCounts;
  readonly clock: Clock;
  readonly logger: Logger;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, once that is known. */
    user: RouteUser;
  }
}

/** Before anybody has logged in, and where nobody has to. */
const nobody: RouteUser = { name: '', role: 'viewer' };

/** Of every answer: nothing here is for other sites, for frames or for caches. */
const usualHeaders: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

/**
 * Answers the requests to the HTTP port: login, bounds and errors around the routes of `src/status`. Ports are opened elsewhere;
 * their requests come to {@link StatusServer.handle}.
 */
export class StatusServer {
  readonly #options: StatusServerOptions;
  readonly #login: HttpLogin | null;
  readonly #log = new LimitedLog();
  readonly #app: FastifyInstance;
  readonly #routes: readonly StatusRoute[];
  readonly #events: EventStreams;

  private constructor(options: StatusServerOptions) {
    const { source, credentials, digestSha256, counts } = options;
    const epoch = randomBytes(6).toString('hex');
    this.#options = options;
    const login = { realm: 'Skyweir', sha256: digestSha256, key: randomBytes(32) };
    this.#login = credentials === null ? null : new HttpLogin({ ...credentials, ...login });
    this.#routes = statusRoutes(source, epoch, options.routes);
    this.#events = new EventStreams(source, epoch, counts);
    this.#app = fastify({
      logger: false,
      bodyLimit: limits.http.bodyBytes,
      ajv: { customOptions: { removeAdditional: false, coerceTypes: true } },
    });
    this.#mount();
  }

  static async create(options: StatusServerOptions): Promise<StatusServer> {
    const server = new StatusServer(options);
    await server.#app.ready();
    return server;
  }

  /** One request. */
  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    this.#app.routing(request, response);
  };

  /** A connection that was refused before it had a request. */
  refused(reason: string, address: string): void {
    const { counts, logger, clock } = this.#options;
    counts.refused++;
    this.#log.line('refused', clock.nowMs(), (suppressed) =>
      logger.warn({ address, reason, ...(suppressed > 0 && { suppressed }) }, `refused at the HTTP port: ${reason}`),
    );
  }

  /** Ends what runs on; connections are the ports' to end. */
  async close(): Promise<void> {
    this.#events.close();
    await this.#app.close();
  }

  // ---- around the routes -------------------------------------------------------------------------------------------------

  #mount(): void {
    const app = this.#app;
    app.decorateRequest('user', null!);
    app.addHook('onRequest', async (request, reply) => {
      reply.headers(usualHeaders);
      limitAnswerTime(request, reply);
      return this.#authorise(request, reply);
    });
    app.addHook('onResponse', async (_request, reply) => this.#options.counts.answers.add(reply.statusCode));
    app.setNotFoundHandler((request, reply) => this.#notFound(request, reply));
    app.setErrorHandler((error: FastifyError, request, reply) => this.#failed(error, request, reply));
    for (const route of this.#routes) this.#mountRoute(route);
  }

  #mountRoute(route: StatusRoute): void {
    const { method, path, params, query, body, answers, handle } = route;
    const schemas = Object.entries(answers).flatMap(([status, form]) =>
      'schema' in form ? [[status, form.schema]] : [],
    );
    const schema = {
      ...(params !== undefined && { params }),
      ...(query !== undefined && { querystring: query }),
      ...(body !== undefined && { body }),
      response: Object.fromEntries(schemas),
    };
    const url = path.replaceAll(/\{(\w+)\}/g, ':$1');
    this.#app.route({
      method,
      url,
      schema,
      config: { open: route.open === true, role: roleOf(route) },
      handler: async (request, reply) => {
        if (handle === null) return this.#follow(request, reply);
        const answer = await handle({
          params: request.params as Record<string, unknown>,
          query: request.query as Record<string, unknown>,
          body: body === undefined ? undefined : request.body,
          headers: request.headers,
          user: request.user,
        });
        if (answer.headers !== undefined) reply.headers(answer.headers);
        reply.code(answer.status);
        if (answer.mediaType !== undefined) reply.type(answer.mediaType);
        return answer.body;
      },
    });
  }

  #follow(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    if (request.method === 'HEAD') return reply.type('text/event-stream').send('');
    if (this.#events.full) return sendProblem(reply, 503, 'too many clients follow the events');
    const lastId = request.headers['last-event-id'];
    reply.hijack();
    this.#events.open(reply.raw, usualHeaders, typeof lastId === 'string' ? lastId : undefined);
    return reply;
  }

  /** Answers those who may not go on. */
  #authorise(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    if (!isSameSite(request))
      return sendProblem(reply, 403, 'requests that change something must not come from another site');
    const { open = false, role = 'viewer' } = request.routeOptions.config as { open?: boolean; role?: Role };
    request.user = nobody;
    if (open) return;
    const refused = this.#logIn(request, reply);
    if (refused !== undefined || includesRole(request.user.role, role)) return refused;
    return sendProblem(reply, 403, `this needs the role ${role}; ${request.user.name} is ${request.user.role}`);
  }

  /** Finds out who asks, or answers those who do not say it right. */
  #logIn(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    if (this.#login === null) {
      request.user = { name: 'anybody', role: 'admin' };
      return;
    }
    const { counts, clock, logger } = this.#options;
    const address = plainAddress(request.socket.remoteAddress ?? '');
    const nowMs = clock.nowMs();
    const { method, url, headers } = request.raw;
    const login = this.#login.check(headers.authorization, method ?? '', url ?? '', address, nowMs);
    if (login.result === 'accepted') {
      request.user = { name: this.#options.credentials!.user, role: 'admin' };
      return;
    }
    if (login.result === 'wait') {
      counts.authFailures++;
      const seconds = Math.ceil(login.waitMs / 1000);
      reply.header('Retry-After', seconds);
      return sendProblem(reply, 429, `too many wrong passwords came from here; try again in ${seconds} s`);
    }
    if (login.failed) {
      counts.authFailures++;
      this.#log.line('login', nowMs, (suppressed) =>
        logger.warn({ address, ...(suppressed > 0 && { suppressed }) }, 'an HTTP login failed'),
      );
    }
    reply.header('WWW-Authenticate', [...login.challenges]);
    return sendProblem(
      reply,
      401,
      login.failed ? 'user name or password is wrong' : 'log in with user name and password',
    );
  }

  #notFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const path = request.url.split('?', 1)[0]!;
    const methods = this.#routes.filter((route) => patternOf(route.path).test(path)).map(({ method }) => method);
    if (methods.length === 0) return sendProblem(reply, 404, 'there is nothing at this path');
    reply.header('Allow', methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', '));
    return sendProblem(reply, 405, `${request.method} is not for this path`);
  }

  #failed(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const status = error.statusCode ?? 500;
    if (status < 500) return sendProblem(reply, status, error.message);
    this.#options.logger.error({ err: error, path: request.routeOptions.url }, 'an HTTP request failed');
    return sendProblem(reply, 500);
  }
}

/** Browsers send the operator's login also with what another site makes them ask for. */
function isSameSite({ method, headers }: FastifyRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  const { origin } = headers;
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === headers.host?.toLowerCase());
}

function sendProblem(reply: FastifyReply, status: number, detail?: string): FastifyReply {
  return reply
    .code(status)
    .type(problemMediaType)
    .send(JSON.stringify(problemOf(status, detail)));
}

/** A client that does not take its answer is cut off; one that follows events is bounded otherwise. */
function limitAnswerTime(request: FastifyRequest, reply: FastifyReply): void {
  if (request.routeOptions.url === liveEventsPath) return;
  const { socket } = request.raw;
  const stalled = setTimeout(() => socket.destroy(), limits.http.writeStallMs);
  reply.raw.once('close', () => clearTimeout(stalled));
}

const patterns = new Map<string, RegExp>();

function patternOf(path: string): RegExp {
  let pattern = patterns.get(path);
  if (pattern === undefined) {
    pattern = new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
    patterns.set(path, pattern);
  }
  return pattern;
}
