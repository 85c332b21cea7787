import type { JsonSchema } from './json-schema.ts';
import { problemMediaType, problemOf } from './problem.ts';
import { problemSchema } from './schemas.ts';

/** What somebody may do, each including what the one before may: look, act on streams, change the server. */
export const roles = ['viewer', 'operator', 'admin'] as const;

export type Role = (typeof roles)[number];

/** Who asks. */
export interface RouteUser {
  readonly name: string;
  readonly role: Role;
  /** How that is known: nobody has to log in, the password with each request, a login of a browser, or a token. */
  readonly via?: 'none' | 'password' | 'session' | 'token';
}

/** From where somebody asks. */
export interface RouteClient {
  readonly address: string;
  /** Over TLS. */
  readonly secure: boolean;
}

/** What a route is given: already checked against its schemas. */
export interface RouteRequest {
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** Undefined where the route takes none. */
  readonly body: unknown;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Who asks; of an open route anybody. */
  readonly user: RouteUser;
  /** The port always says it. */
  readonly client?: RouteClient;
  /**
   * For an answer that goes on for long, which the port always has: `end` is called when the leave for it is over (logged out,
   * role changed, token revoked). Returns what to call when the answer has ended by itself.
   */
  readonly watch?: (end: () => void) => () => void;
}

/** What a route answers: an object to be written as JSON, or a text with its media type. */
export interface RouteAnswer {
  readonly status: number;
  readonly body: object | string;
  readonly mediaType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Called when the body has been sent, or never will be: its memory is free again. */
  readonly onSent?: () => void;
  /** What was changed, for the log; no secrets. */
  readonly note?: Readonly<Record<string, string | number | boolean | null>>;
}

/** One thing that the HTTP port answers. The document of the API is made from it. */
export interface StatusRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `{name}` for a parameter, as OpenAPI has it. */
  readonly path: string;
  readonly summary: string;
  /** Needs no login. */
  readonly open?: boolean;
  /** The least that may use it; without one a viewer may ask, and an operator may change. */
  readonly role?: Role;
  readonly params?: JsonSchema;
  readonly query?: JsonSchema;
  /** Headers that it heeds, for the document. */
  readonly headers?: JsonSchema;
  /** Of the JSON body; without one the route takes none. */
  readonly body?: JsonSchema;
  /** A media type that the body may have instead: it is then a text. */
  readonly bodyText?: string;
  /** Most bytes of the body, where that is not the bound of all. */
  readonly bodyBytes?: number;
  /** Answers by status: a schema for JSON, or a media type with a description. */
  readonly answers: Readonly<Record<number, RouteAnswerForm>>;
  /** Null: the port itself answers, with a stream of events. */
  readonly handle: ((request: RouteRequest) => RouteAnswer | Promise<RouteAnswer>) | null;
}

/** The form of an answer. */
export type RouteAnswerForm =
  | { readonly schema: JsonSchema; readonly text: string }
  | { readonly mediaType: string; readonly text: string }
  /** Without a body. */
  | { readonly text: string };

/** The form of a {@link problem}. */
export function problemForm(text: string): RouteAnswerForm {
  return { schema: problemSchema, text };
}

/** The least role that may use a route. */
export function roleOf({ method, role }: Pick<StatusRoute, 'method' | 'role'>): Role {
  return role ?? (method === 'GET' ? 'viewer' : 'operator');
}

/** Whether `role` may do what `needed` may. */
export function includesRole(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed);
}

/** An answer that says what is wrong (RFC 9457). */
export function problem(status: number, detail: string): RouteAnswer {
  return { status, body: problemOf(status, detail), mediaType: problemMediaType };
}
