/** Namespace of ONVIF's own fault codes, prefix `ter`. */
export const faultNamespace = 'http://www.onvif.org/ver10/error';

/** Ends a request with a SOAP 1.2 fault (ONVIF Core, clause 5.8.2). */
export class OnvifFault extends Error {
  /** Who is at fault: the request or we. */
  readonly code: 'Sender' | 'Receiver';
  /** Subcodes from outer to inner, such as `ter:ActionNotSupported` or `wsse:FailedAuthentication`. */
  readonly subcodes: readonly string[];
  /** Content of the fault's Detail as XML text that declares its own prefixes; '' for none. */
  readonly detail: string;

  /** `reason` is for people. */
  constructor(code: 'Sender' | 'Receiver', subcodes: readonly string[], reason: string, detail = '') {
    super(reason);
    this.name = 'OnvifFault';
    this.code = code;
    this.subcodes = subcodes;
    this.detail = detail;
  }
}
