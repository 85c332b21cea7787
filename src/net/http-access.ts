import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { AccessControl, Identity } from '../access/access-control.ts';
import { isLoopback, plainAddress } from '../base/address.ts';
import { includesRole, type Role, type RouteClient } from '../status/route.ts';
import { headerText } from './header-text.ts';
import type { HttpJournal } from './http-journal.ts';

/** What a request is answered with that may not go on. */
export interface HttpRefusal {
  readonly status: 401 | 403 | 429;
  readonly detail: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Who was refused, where that is known. */
  readonly identity?: Identity;
}

/** Marks requests of the status page, whose own form asks for the password where the browser's would. */
const pageHeader = 'x-skyweir-page';
/** What proxies add: behind one, everybody seems to be on this machine. */
const proxyHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/** Who may go on at the HTTP port: of requests, and of what begins as one, such as a WebSocket. */
export class HttpAccess {
  readonly control: AccessControl;
  readonly journal: HttpJournal;
  readonly #localOnly: boolean;

  /** `localOnly`: the port is open to this machine alone. */
  constructor(control: AccessControl, journal: HttpJournal, localOnly: boolean) {
    this.control = control;
    this.journal = journal;
    this.#localOnly = localOnly;
  }

  /** Who asks, where that one may do what `needed` may; else what to answer. */
  admit(request: IncomingMessage, needed: Role): Identity | HttpRefusal {
    const client = clientOf(request);
    const { method = '', url: target = '', headers } = request;
    const { cookie } = headers;
    const authorization = headerText(headers.authorization);
    const anonymousRole = this.#anonymousRole(request);
    const admission = this.control.admit({ ...client, method, target, authorization, cookie, anonymousRole });
    if (admission.result === 'admitted') {
      const { identity } = admission;
      return includesRole(identity.role, needed) ? identity : forbidden(identity, needed);
    }
    if (admission.result === 'wait' || admission.failed) this.journal.loginFailed(null, client);
    if (admission.result === 'wait') {
      const seconds = Math.ceil(admission.waitMs / 1000);
      const detail = `too many wrong passwords came from here; try again in ${seconds} s`;
      return { status: 429, detail, headers: { 'Retry-After': String(seconds) } };
    }
    return {
      status: 401,
      detail: admission.failed ? 'user name, password or token is wrong' : 'log in with user name and password',
      headers: headers[pageHeader] === '1' ? {} : { 'WWW-Authenticate': [...admission.challenges] },
    };
  }

  /**
   * Whoever is on this machine may do everything where nobody else reaches the port. A page of another site that has its name
   * point to this machine has that name in the Host header.
   */
  #anonymousRole({ headers, socket }: IncomingMessage): Role {
    const host = (headers.host ?? '').replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
    const isLocal =
      this.#localOnly &&
      isLoopback(socket.remoteAddress ?? '') &&
      isLoopback(host) &&
      proxyHeaders.every((name) => headers[name] === undefined);
    return isLocal ? 'admin' : 'viewer';
  }
}

/** Whether {@link HttpAccess.admit} refused. */
export function isRefusal(admission: Identity | HttpRefusal): admission is HttpRefusal {
  return 'status' in admission;
}

/** From where a request comes. */
export function clientOf({ socket }: IncomingMessage): RouteClient {
  return {
    address: plainAddress(socket.remoteAddress ?? ''),
    secure: (socket as Partial<TLSSocket>).encrypted === true,
  };
}

function forbidden(identity: Identity, needed: Role): HttpRefusal {
  const { name, role, via } = identity;
  const detail =
    via === 'none'
      ? `this needs the role ${needed}; without a login (--no-auth) only looking is open: log in as a user of the list`
      : `this needs the role ${needed}; ${name} is ${role}`;
  return { status: 403, detail, headers: {}, identity };
}
