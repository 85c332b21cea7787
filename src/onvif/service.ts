import type { XmlElement } from './xml.ts';

/** A SOAP request that was parsed and authenticated, on its way to the service that its namespace names. */
export interface ServiceCall {
  /** Local name of the Body's child, such as `GetProfiles`. */
  readonly operation: string;
  /** The Body's child itself. */
  readonly body: XmlElement;
  /** `scheme://host:port` as the client called it, without a slash at the end: answers hold no other address. */
  readonly origin: string;
  /** Path of the HTTP request, such as `/onvif/events/subscription/7`. */
  readonly path: string;
  /** Address of ours that the client reached, plain. */
  readonly localAddress?: string;
}

/**
 * The content of the answer's Body as XML text, whose prefixes the envelope declares; or an answer that comes later, as
 * long polling wants it.
 */
export type ServiceAnswer = string | LaterAnswer;

/** An answer that is still to come. */
export interface LaterAnswer {
  /** Monotonic milliseconds at which {@link LaterAnswer.expire} is due. */
  readonly deadlineMs: number;
  /** Called once with the answer when there is something to say before the deadline. */
  onAnswer: ((body: string) => void) | null;
  /** The deadline has come: returns the answer. */
  expire(nowMs: number): string;
  /** The client has gone. */
  cancel(): void;
}

/** One ONVIF service: everything behind one namespace. Faults are thrown as `OnvifFault`. */
export interface OnvifService {
  readonly namespace: string;
  call(call: ServiceCall, nowMs: number): ServiceAnswer;
}
