import type { DeviceFacts } from './device-facts.ts';
import { OnvifFault } from './fault.ts';
import type { PlacedChannel } from './tokens.ts';

/**
 * The address of a camera's stream on the host that the client called (ONVIF Streaming, clause 5.1.1). Tunnelled RTSP has
 * the scheme of the connection that asked for it; RTSP itself has no such form in ONVIF, other than with SRTP.
 */
export function streamUri(facts: DeviceFacts, placed: PlacedChannel, origin: string, tunnelled: boolean): string {
  const { protocol, hostname } = new URL(origin);
  const scheme = tunnelled ? protocol : 'rtsp:';
  const path = placed.channel.rtspPath.split('/').map(encodeURIComponent).join('/');
  return `${scheme}//${hostname}:${facts.rtspPort}${path}`;
}

/** A way to deliver a stream that we do not have. */
export function unavailableTransport(asked: string): OnvifFault {
  return new OnvifFault('Sender', ['ter:InvalidArgVal', 'ter:InvalidStreamSetup'], `There is no ${asked}`);
}
