import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Authenticator, LoginResult } from './authentication.ts';
import type { DeviceFacts } from './device-facts.ts';
import { DeviceService, isOpen } from './device-service.ts';
import {
  type AnswerTo,
  closeEnvelope,
  contentType,
  faultEnvelope,
  openEnvelope,
  type SoapRequest,
  unknownRequest,
} from './envelope.ts';
import { OnvifFault } from './fault.ts';
import { MediaService } from './media-service.ts';
import { Media2Service } from './media2-service.ts';
import { namespaces, soap12 } from './namespaces.ts';
import type { LaterAnswer, OnvifService } from './service.ts';

/** Why a request of another method is refused. */
export const postOnly = 'this is an ONVIF device: it takes POST only';

/** An HTTP request, complete. */
export interface OnvifRequest {
  readonly method: string;
  /** Target of the request line, with its query. */
  readonly target: string;
  /** Value of the Authorization header. */
  readonly authorization: string | undefined;
  readonly body: Uint8Array;
  /** Who asks. */
  readonly address: string;
  /** Address of ours that was called. */
  readonly localAddress: string;
  /** See `originOf`. */
  readonly origin: string;
}

/** What is odd about an answer, for the log and the counters: why, and `error` for what should never happen. */
export interface Problem {
  readonly kind: 'fault' | 'login' | 'refused' | 'internal';
  readonly reason: string;
  readonly operation?: string;
  readonly error?: unknown;
}

export interface OnvifAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: string;
  readonly problem: Problem | null;
}

/** An answer that is still to come; as {@link LaterAnswer}, but complete. */
export interface LaterOnvifAnswer {
  readonly deadlineMs: number;
  onAnswer: ((answer: OnvifAnswer) => void) | null;
  expire(nowMs: number): OnvifAnswer;
  cancel(): void;
}

export interface DispatcherOptions {
  readonly facts: DeviceFacts;
  /** Null if nobody has to log in. */
  readonly authenticator: Authenticator | null;
  /** Services beside those of the device and its media; of one that several namespaces lead to, one object for each. */
  readonly services: readonly OnvifService[];
  readonly clock: Clock;
}

/**
 * Handles the HTTP requests of one device, without sockets and timers. Requests find their service by their namespace: clients
 * post to the wrong path, or to one of their own.
 */
export class OnvifDispatcher {
  readonly #authenticator: Authenticator | null;
  readonly #clock: Clock;
  readonly #services: ReadonlyMap<string, OnvifService>;

  constructor({ facts, authenticator, services, clock }: DispatcherOptions) {
    this.#authenticator = authenticator;
    this.#clock = clock;
    const hasEvents = services.some(({ namespace }) => namespace === namespaces.tev);
    const own = [new DeviceService(facts, hasEvents), new MediaService(facts), new Media2Service(facts)];
    this.#services = new Map([...own, ...services].map((service) => [service.namespace, service]));
  }

  handle(request: OnvifRequest): OnvifAnswer | LaterOnvifAnswer {
    const path = request.target.split('?', 1)[0]!;
    if (request.method !== 'POST') return refusal(405, postOnly, { Allow: 'POST' });
    let answerTo: AnswerTo = unknownRequest;
    let operation: string | undefined;
    try {
      // HTTP Digest comes first, and needs nothing of the body (Core, clause 5.9.1).
      const login = this.#checkHttp(request);
      if (login.result !== 'accepted' && login.result !== 'none') return this.#notLoggedIn(login, answerTo, 'http');
      // libcurl sends no body until it was asked to log in, and asks for the challenge that way.
      if (login.result === 'none' && request.body.length === 0) return this.#notLoggedIn(login, answerTo, 'http');
      // Only its UsernameToken tells who sends this: strangers do not get to make us read much.
      if (login.result === 'none' && request.body.length > limits.onvif.strangerBytes)
        return refusal(413, 'the request is too large without HTTP Digest');
      const soap = openEnvelope(request.body);
      answerTo = soap;
      operation = soap.body.name;
      const second = login.result === 'accepted' ? login : this.#checkToken(soap, request);
      if (second.result !== 'accepted') return this.#notLoggedIn(second, answerTo, 'token', operation);
      return this.#call(soap, request, path);
    } catch (error) {
      return failure(answerTo, error, operation);
    }
  }

  #checkHttp({ authorization, method, target, address }: OnvifRequest): LoginResult {
    if (this.#authenticator === null) return { result: 'accepted' };
    return this.#authenticator.checkHttp(authorization, method, target, address, this.#clock.nowMs());
  }

  #checkToken({ token, body }: SoapRequest, request: OnvifRequest): LoginResult {
    if (this.#authenticator === null || isOpen(body.namespace, body.name)) return { result: 'accepted' };
    const { body: message, address } = request;
    return this.#authenticator.checkToken(token, message, address, this.#clock.wallMs(), this.#clock.nowMs());
  }

  #call(soap: SoapRequest, { origin, localAddress }: OnvifRequest, path: string): OnvifAnswer | LaterOnvifAnswer {
    const { body } = soap;
    const service = this.#services.get(body.namespace);
    if (service === undefined)
      throw new OnvifFault('Receiver', ['ter:ActionNotSupported'], 'There is no service of that namespace');
    const call = { operation: body.name, body, origin, path, localAddress };
    const answer = service.call(call, this.#clock.nowMs());
    return typeof answer === 'string' ? success(soap, answer) : later(soap, answer);
  }

  /**
   * A client that gave nothing, or a wrong HTTP Digest, is asked for HTTP Digest; a wrong UsernameToken is a fault (Core,
   * clause 5.9.1).
   */
  #notLoggedIn(login: LoginResult, answerTo: AnswerTo, by: 'http' | 'token', operation?: string): OnvifAnswer {
    const reason = 'reason' in login ? login.reason : 'Log in first';
    const body = faultEnvelope(answerTo, new OnvifFault('Sender', ['ter:NotAuthorized'], reason));
    // Clients ask without credentials first, and again when a nonce is old: that is no failure.
    const isFailure = login.result === 'refused' || login.result === 'wait';
    const problem: Problem | null = isFailure ? { kind: 'login', reason, ...(operation && { operation }) } : null;
    const type = { 'Content-Type': contentType(answerTo) };
    if (login.result === 'wait')
      return {
        status: 429,
        headers: { ...type, 'Retry-After': String(Math.ceil(login.waitMs / 1000)) },
        body,
        problem,
      };
    if (login.result === 'refused' && by === 'token')
      return { status: faultStatus(answerTo, 'Sender'), headers: type, body, problem };
    const challenges = this.#authenticator!.challenges(this.#clock.nowMs(), login.result === 'stale');
    return { status: 401, headers: { ...type, 'WWW-Authenticate': challenges }, body, problem };
  }
}

/** An HTTP answer without an envelope, to what is no SOAP request. */
export function refusal(status: number, reason: string, headers: Readonly<Record<string, string>> = {}): OnvifAnswer {
  return {
    status,
    headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' },
    body: `${reason}\n`,
    problem: { kind: 'refused', reason },
  };
}

function success(answerTo: AnswerTo, content: string): OnvifAnswer {
  const headers = { 'Content-Type': contentType(answerTo) };
  return { status: 200, headers, body: closeEnvelope(answerTo, content), problem: null };
}

/** SOAP 1.2 part 2, table 20: 400 for what the sender did, 500 for the rest. SOAP 1.1 has 500 for all. */
function faultStatus({ version }: AnswerTo, code: OnvifFault['code']): number {
  return code === 'Sender' && version === soap12 ? 400 : 500;
}

function failure(answerTo: AnswerTo, error: unknown, operation: string | undefined): OnvifAnswer {
  const isFault = error instanceof OnvifFault;
  const fault = isFault ? error : new OnvifFault('Receiver', ['ter:Action'], 'An internal error; please report it');
  const status = faultStatus(answerTo, fault.code);
  const named = operation === undefined ? {} : { operation };
  const problem: Problem = isFault
    ? { kind: 'fault', reason: fault.reason, ...named }
    : { kind: 'internal', reason: 'internal error', error, ...named };
  return { status, headers: { 'Content-Type': contentType(answerTo) }, body: faultEnvelope(answerTo, fault), problem };
}

function later(answerTo: AnswerTo, answer: LaterAnswer): LaterOnvifAnswer {
  const result: LaterOnvifAnswer = {
    deadlineMs: answer.deadlineMs,
    onAnswer: null,
    expire: (nowMs) => {
      try {
        return success(answerTo, answer.expire(nowMs));
      } catch (error) {
        return failure(answerTo, error, undefined);
      }
    },
    cancel: () => answer.cancel(),
  };
  answer.onAnswer = (body) => result.onAnswer?.(success(answerTo, body));
  return result;
}
