import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import AjvCompiler from '@fastify/ajv-compiler';
import { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Identity } from '../access/access-control.ts';
import { plainAddress } from '../base/address.ts';
import { limits } from '../base/limits.ts';
import type { Logger } from '../base/logger.ts';
import { accessRoutes } from '../status/access-routes.ts';
import type { HttpCounts } from '../status/counts.ts';
import type { JsonSchema } from '../status/json-schema.ts';
import { previewPath } from '../status/preview-routes.ts';
import { problemMediaType, problemOf } from '../status/problem.ts';
import { type Role, type RouteAnswer, roleOf, type StatusRoute } from '../status/route.ts';
import { statusRoutes } from '../status/routes.ts';
import type { StatusSource } from '../status/status-source.ts';
import { limitAnswerTime } from './answer-deadline.ts';
import { EventStreams } from './event-streams.ts';
import { clientOf, type HttpAccess, isRefusal } from './http-access.ts';
import { mountPage } from './page-files.ts';
import type { PreviewSockets } from './preview-sockets.ts';

export interface StatusServerOptions {
  readonly source: StatusSource;
  /** Of parts that bring their own. */
  readonly routes?: readonly StatusRoute[];
  readonly access: HttpAccess;
  /** Without it there is no live preview. */
  readonly previews?: PreviewSockets;
  readonly counts: HttpCounts;
  readonly logger: Logger;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks, once that is known. */
    user: Identity;
    /** What it changed, for the log. */
    note: RouteAnswer['note'];
  }
}

/** Before anybody has logged in, and of what is open to everybody. */
const nobody: Identity = { name: '', role: 'viewer', via: 'none', key: '' };

/** Characters of a name in a path, escaped. */
const parameterCharacters = 400;

/** Paths and queries are text, of which numbers are made; JSON has types of its own, and `true` is not the number 1. */
const validators = { text: validatorCompiler(true), typed: validatorCompiler(false) } as const;

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
  readonly #app: FastifyInstance;
  readonly #routes: readonly StatusRoute[];
  readonly #events: EventStreams;
  /** Connections that have asked for a WebSocket, with what was read beyond the request. */
  readonly #upgrades = new WeakMap<IncomingMessage, { readonly socket: Socket; readonly head: Buffer }>();

  private constructor(options: StatusServerOptions) {
    const { source, access, counts } = options;
    const { eventEpoch: epoch } = source;
    this.#options = options;
    this.#routes = statusRoutes(source, epoch, [...accessRoutes(access.control), ...(options.routes ?? [])]);
    this.#events = new EventStreams(source, epoch, counts);
    this.#app = fastify({
      logger: false,
      bodyLimit: limits.http.bodyBytes,
      routerOptions: { maxParamLength: parameterCharacters },
      // A path that cannot be read, which no hook is asked about.
      frameworkErrors: (error, _request, reply) => {
        const { statusCode = 400, message } = error as FastifyError;
        counts.answers.add(statusCode);
        void sendProblem(reply.headers(usualHeaders), statusCode, message);
      },
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

  /**
   * A request for a WebSocket. It takes the way of every other request, with the same login; only that of a preview gets one. No
   * other request comes over the connection.
   */
  readonly upgrade = (request: IncomingMessage, socket: Socket, head: Buffer): void => {
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    try {
      response.assignSocket(socket);
    } catch {
      // It came right behind a request whose answer has the connection still, be it one of Node's own.
      this.refused('a WebSocket was asked for before the request ahead of it was answered', clientOf(request).address);
      socket.destroySoon();
      return;
    }
    response.once('finish', () => socket.destroySoon());
    socket.setTimeout(limits.http.writeStallMs, () => socket.destroy());
    this.#upgrades.set(request, { socket, head });
    this.#app.routing(request, response);
  };

  /** A connection that was refused before it had a request. */
  refused(reason: string, address: string): void {
    this.#options.access.journal.refused(reason, address);
  }

  /** Ends what runs on; connections are the ports' to end. */
  async close(): Promise<void> {
    this.#options.previews?.close();
    this.#events.close();
    await this.#app.close();
  }

  // ---- around the routes -------------------------------------------------------------------------------------------------

  #mount(): void {
    const app = this.#app;
    app.decorateRequest('user', null!);
    app.decorateRequest('note', undefined);
    app.setValidatorCompiler(({ schema, httpPart }) => {
      const validator = httpPart === 'body' ? validators.typed : validators.text;
      return validator({ schema });
    });
    // A form of another site can send text, but not JSON.
    app.removeContentTypeParser('text/plain');
    app.addHook('onRequest', async (request, reply) => {
      reply.headers(usualHeaders);
      return this.#authorise(request, reply) ?? this.#refuseWebSocket(request, reply);
    });
    app.addHook('onSend', async (request, reply) => this.#limitAnswerTime(request, reply));
    app.addHook('onResponse', async (request, reply) => {
      this.#options.counts.answers.add(reply.statusCode);
      this.#tellChange(request, reply.statusCode);
    });
    app.setNotFoundHandler((request, reply) => this.#notFound(request, reply));
    app.setErrorHandler((error: FastifyError, request, reply) => this.#failed(error, request, reply));
    const texts = new Set(this.#routes.flatMap(({ bodyText }) => bodyText ?? []));
    for (const type of texts)
      app.addContentTypeParser(type, { parseAs: 'string' }, async (_: FastifyRequest, text: string) => text);
    for (const route of this.#routes) this.#mountRoute(route);
    mountPage(app);
  }

  #mountRoute(route: StatusRoute): void {
    const { method, path, params, query, body, bodyText, bodyBytes, answers, handle } = route;
    const schemas = Object.entries(answers).flatMap(([status, form]) =>
      'schema' in form ? [[status, form.schema]] : [],
    );
    const schema = {
      ...(params !== undefined && { params }),
      ...(query !== undefined && { querystring: query }),
      ...(body !== undefined && { body: bodyText === undefined ? body : bodyForms(body, bodyText) }),
      response: Object.fromEntries(schemas),
    };
    const url = urlOf(path);
    this.#app.route({
      method,
      url,
      schema,
      ...(bodyBytes !== undefined && { bodyLimit: bodyBytes }),
      config: { open: route.open === true, role: roleOf(route) },
      handler: async (request, reply) => {
        if (path === previewPath) return this.#preview(request, reply);
        if (handle === null) return this.#follow(request, reply);
        // The schemas are chosen by the media type: of a body that is not there they say nothing.
        if (body !== undefined && (request.body === undefined || request.body === ''))
          return sendProblem(reply, 400, 'the request needs a body');
        const answer = await handle({
          params: request.params as Record<string, unknown>,
          query: request.query as Record<string, unknown>,
          body: body === undefined ? undefined : request.body,
          headers: request.headers,
          user: request.user,
          client: clientOf(request.raw),
          watch: (end) => this.#options.access.control.watch(request.user, end),
        });
        request.note = answer.note;
        if (answer.onSent !== undefined) reply.raw.once('close', answer.onSent);
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
    const forget = this.#options.access.control.watch(request.user, () => reply.raw.destroy());
    reply.raw.once('close', forget);
    this.#events.open(reply.raw, usualHeaders, typeof lastId === 'string' ? lastId : undefined);
    return reply;
  }

  /** Answers those who want a WebSocket where there is none. */
  #refuseWebSocket(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    if (!this.#upgrades.has(request.raw) || request.routeOptions.url === urlOf(previewPath)) return;
    return sendProblem(reply, 400, 'there is no WebSocket at this path');
  }

  #preview(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const upgrade = this.#upgrades.get(request.raw);
    const { access, previews } = this.#options;
    if (upgrade === undefined || previews === undefined) {
      reply.headers({ Connection: 'Upgrade', Upgrade: 'websocket' });
      return sendProblem(reply, 426, 'the live preview is a WebSocket');
    }
    const { index } = request.params as { readonly index: number };
    reply.hijack();
    reply.raw.detachSocket(upgrade.socket);
    previews.accept(request.raw, upgrade, index, (end) => access.control.watch(request.user, end));
    return reply;
  }

  /** Answers those who may not go on. */
  #authorise(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    request.user = nobody;
    if (!isSameSite(request))
      return sendProblem(reply, 403, 'requests that change something must not come from another site');
    const { open = false, role = 'viewer' } = request.routeOptions.config as { open?: boolean; role?: Role };
    if (open) return;
    const admission = this.#options.access.admit(request.raw, role);
    if (!isRefusal(admission)) {
      request.user = admission;
      return;
    }
    request.user = admission.identity ?? nobody;
    reply.headers(admission.headers);
    return sendProblem(reply, admission.status, admission.detail);
  }

  /** What goes on for long is not sent this way, and bounded otherwise. */
  #limitAnswerTime({ raw: { socket } }: FastifyRequest, reply: FastifyReply): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    limitAnswerTime(reply.raw, socket, limits.http.writeStallMs, (reason) => this.refused(reason, address));
  }

  /** What is refused for the lack of a login changes nothing, and has its own line. */
  #tellChange({ user, raw, url, note, routeOptions }: FastifyRequest, status: number): void {
    const { method = '' } = raw;
    const isChange = method !== 'GET' && method !== 'HEAD' && routeOptions.url !== undefined;
    if (!isChange || user === nobody) return;
    const { access } = this.#options;
    const { address } = clientOf(raw);
    access.journal.changed({ user, address, method, path: url.split('?', 1)[0]!, status, note });
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
  // A WebSocket is opened with GET, and no browser asks whether another site may.
  if ((method === 'GET' || method === 'HEAD') && headers.upgrade === undefined) return true;
  const site = headers['sec-fetch-site'];
  // Only the browser can say that, and it knows better than the Host header, which proxies put their own in.
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const { origin, host = '' } = headers;
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host: asked } = new URL(origin);
  // A proxy may name the usual port, which no browser does.
  const reached = `${protocol}//${host}`;
  return URL.canParse(reached) && new URL(reached).host === asked;
}

/** With the formats that fastify's own has. */
function validatorCompiler(coerceTypes: boolean): ReturnType<AjvCompiler.BuildCompilerFromPool> {
  return AjvCompiler()({}, { customOptions: { removeAdditional: false, coerceTypes } });
}

function sendProblem(reply: FastifyReply, status: number, detail?: string): FastifyReply {
  return reply
    .code(status)
    .type(problemMediaType)
    .send(JSON.stringify(problemOf(status, detail)));
}

/** A path as fastify wants it. */
function urlOf(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

/** A body that is JSON, or a text of another media type. */
function bodyForms(body: JsonSchema, bodyText: string): object {
  return { content: { 'application/json': { schema: body }, [bodyText]: { schema: { type: 'string' } } } };
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
