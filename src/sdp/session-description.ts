/** What DESCRIBE tells about one camera's video. */
export interface StreamDescription {
  /** Shown by readers; any text. */
  readonly name: string;
  /** NAL units without start code or length; null until known. */
  readonly sps: Uint8Array | null;
  readonly pps: Uint8Array | null;
  /** Frames per second, 0 if unknown. */
  readonly fps: number;
  /** The client came over IPv6. Some open their UDP ports for the kind of address that they read here. */
  readonly ipv6?: boolean;
}

/** Payload type of the video; the first dynamic one. */
export const videoPayloadType = 96;

/** Control URL of the only track, relative to Content-Base. */
export const videoControl = 'trackID=0';

/**
 * The session description of one H.264 track (RFC 8866, RFC 6184 section 8.2.1). Without parameter sets it promises
 * none: they come in band before every IDR.
 */
export function writeSessionDescription(stream: StreamDescription): string {
  const anywhere = stream.ipv6 ? 'IN IP6 ::' : 'IN IP4 0.0.0.0';
  const lines = [
    'v=0',
    `o=- 1 1 ${anywhere}`,
    `s=${sessionName(stream.name)}`,
    `c=${anywhere}`,
    't=0 0',
    'a=control:*',
    'a=range:npt=now-',
    `m=video 0 RTP/AVP ${videoPayloadType}`,
    `a=rtpmap:${videoPayloadType} H264/90000`,
    `a=fmtp:${videoPayloadType} ${formatParameters(stream)}`,
  ];
  if (stream.fps > 0 && Number.isFinite(stream.fps)) lines.push(`a=framerate:${Math.round(stream.fps * 1000) / 1000}`);
  lines.push('a=recvonly', `a=control:${videoControl}`, '');
  return lines.join('\r\n');
}

function formatParameters(stream: StreamDescription): string {
  const { sps, pps } = stream;
  if (sps === null || pps === null || sps.length < 4) return 'packetization-mode=1';
  const profile = Buffer.from(sps.buffer, sps.byteOffset + 1, 3)
    .toString('hex')
    .toUpperCase();
  return `packetization-mode=1;profile-level-id=${profile};sprop-parameter-sets=${base64(sps)},${base64(pps)}`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** A session name must not be empty and must not break the line (RFC 8866 section 5.3). */
function sessionName(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must go
  const line = name.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  return line === '' ? '-' : line;
}
