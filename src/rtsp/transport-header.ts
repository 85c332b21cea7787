import { limits } from '../base/limits.ts';

/** A transport that a client offers in SETUP. */
export interface TransportRequest {
  readonly protocol: 'udp' | 'tcp';
  /** RTP and RTCP port of the client; null for TCP. */
  readonly clientPorts: [number, number] | null;
  /** RTP and RTCP channel; null for UDP. */
  readonly interleaved: [number, number] | null;
}

/** What the server adds to an accepted transport. */
export interface TransportReply {
  /** RTP and RTCP port of the server; null for TCP. */
  readonly serverPorts: readonly [number, number] | null;
  /** Of the stream that will be sent; null leaves it out. */
  readonly ssrc: number | null;
}

/** One alternative of a Transport header with what its answer repeats. */
export interface TransportOffer {
  readonly request: TransportRequest;
  /** 'RTP/AVP', 'RTP/AVP/UDP' or 'RTP/AVP/TCP', as the client wrote it. */
  readonly profile: string;
}

/** Alternatives of one header that are looked at. Clients send one to three. */
const alternatives = 8;

/**
 * The alternatives of a Transport header that can be served, in the client's order of preference (RFC 2326 section
 * 12.39): RTP/AVP over unicast UDP, or interleaved on this connection. Multicast, SRTP and recording are left out.
 * `destination` is ignored: media goes to the peer of the connection and to nobody else.
 */
export function parseTransport(header: string): TransportOffer[] {
  const offers: TransportOffer[] = [];
  for (const alternative of header.split(',', alternatives)) {
    const offer = parseAlternative(alternative.trim());
    if (offer !== null) offers.push(offer);
  }
  return offers;
}

/** The value of the Transport header of the answer. */
export function writeTransport(offer: TransportOffer, reply: TransportReply): string {
  const { clientPorts, interleaved } = offer.request;
  let value = `${offer.profile};unicast`;
  if (clientPorts !== null) value += `;client_port=${clientPorts[0]}-${clientPorts[1]}`;
  if (reply.serverPorts !== null) value += `;server_port=${reply.serverPorts[0]}-${reply.serverPorts[1]}`;
  if (interleaved !== null) value += `;interleaved=${interleaved[0]}-${interleaved[1]}`;
  if (reply.ssrc !== null) value += `;ssrc=${(reply.ssrc >>> 0).toString(16).toUpperCase().padStart(8, '0')}`;
  return value;
}

function parseAlternative(text: string): TransportOffer | null {
  const [profile, ...parameters] = text.split(';').map((part) => part.trim());
  const lower = profile!.toLowerCase();
  const tcp = lower === 'rtp/avp/tcp';
  if (!tcp && lower !== 'rtp/avp' && lower !== 'rtp/avp/udp') return null;
  let ports: [number, number] | null = null;
  let channels: [number, number] | null = null;
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    const name = (equals < 0 ? parameter : parameter.slice(0, equals)).trim().toLowerCase();
    const value = equals < 0 ? '' : parameter.slice(equals + 1).trim();
    if (name === 'multicast') return null;
    if (name === 'mode' && !/^["']?play["']?$/i.test(value)) return null;
    if (name === 'client_port' && !tcp) {
      ports = parsePair(value, limits.rtsp.lowestClientPort, 65_535);
      if (ports === null) return null;
    }
    if (name === 'interleaved' && tcp) {
      channels = parsePair(value, 0, 255);
      if (channels === null) return null;
    }
  }
  if (!tcp && ports === null) return null;
  return {
    profile: profile!.toUpperCase(),
    request: tcp
      ? { protocol: 'tcp', clientPorts: null, interleaved: channels ?? [0, 1] }
      : { protocol: 'udp', clientPorts: ports, interleaved: null },
  };
}

/** 'a-b' or 'a', which means a and the one after it. */
function parsePair(value: string, lowest: number, highest: number): [number, number] | null {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(value);
  if (match === null) return null;
  const first = Number(match[1]);
  const second = match[2] === undefined ? first + 1 : Number(match[2]);
  const fits = first >= lowest && first <= highest && second >= lowest && second <= highest;
  return fits && first !== second ? [first, second] : null;
}
