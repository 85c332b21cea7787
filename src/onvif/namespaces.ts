/** Namespaces of the services, with the prefixes under which every answer declares them. */
export const namespaces = {
  tds: 'http://www.onvif.org/ver10/device/wsdl',
  trt: 'http://www.onvif.org/ver10/media/wsdl',
  tr2: 'http://www.onvif.org/ver20/media/wsdl',
  tev: 'http://www.onvif.org/ver10/events/wsdl',
  tt: 'http://www.onvif.org/ver10/schema',
  ter: 'http://www.onvif.org/ver10/error',
  tns1: 'http://www.onvif.org/ver10/topics',
  wsnt: 'http://docs.oasis-open.org/wsn/b-2',
  wstop: 'http://docs.oasis-open.org/wsn/t-1',
  wsa: 'http://www.w3.org/2005/08/addressing',
  wsse: 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd',
  xs: 'http://www.w3.org/2001/XMLSchema',
} as const;

/** Namespaces of SOAP envelopes: the one that ONVIF uses, and the one that some clients fall back to. */
export const soap12 = 'http://www.w3.org/2003/05/soap-envelope';
export const soap11 = 'http://schemas.xmlsoap.org/soap/envelope/';

/** WS-Addressing, as ONVIF uses it and as WS-Discovery does. */
export const addressingNamespaces: ReadonlySet<string> = new Set([
  namespaces.wsa,
  'http://schemas.xmlsoap.org/ws/2004/08/addressing',
]);

/** Paths of the services' addresses. Requests are told apart by namespace, so any of them takes any. */
export const servicePaths = {
  tds: '/onvif/device_service',
  trt: '/onvif/media_service',
  tr2: '/onvif/media2_service',
  tev: '/onvif/event_service',
} as const;
