/** Namespace of ONVIF's own fault codes, prefix `ter`. */
export const faultNamespace = 'http://www.onvif.org/ver10/error';

/**
 * Ends a request with a SOAP 1.2 fault (ONVIF Core, clause 5.8.2). It is thrown, but no `Error`: it is an answer like another, and
 * nobody asks for its stack trace, which would be the larger part of what a bad request costs.
 */
export class OnvifFault {
  /** Who is at fault: the request or we. */
  readonly code: 'Sender' | 'Receiver';
  /** Subcodes from outer to inner, such as `ter:ActionNotSupported` or `wsse:FailedAuthentication`. */
  readonly subcodes: readonly string[];
  /** For people. */
  readonly reason: string;
  /** Content of the fault's Detail as XML text that declares its own prefixes; '' for none. */
  readonly detail: string;

  constructor(code: 'Sender' | 'Receiver', subcodes: readonly string[], reason: string, detail = '') {
    this.code = code;
    this.subcodes = subcodes;
    this.reason = reason;
    this.detail = detail;
  }
}
