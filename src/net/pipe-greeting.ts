import { isIP } from 'node:net';
import { isSameText } from '../base/same-text.ts';

/** No request begins with it, and no TLS. */
const mark = 0;

/** Bytes of a greeting at most: a pass of 64 characters, two addresses of 45 with a scope, a port. */
const greetingBytes = 256;

/** Whom a pipe is for. */
export interface PipedClient {
  readonly address: string;
  readonly port: number;
  /** The address of this machine at which he reached the ONVIF port: the RTSP port sees only that of the pipe. */
  readonly reachedAt: string;
}

/**
 * The first bytes of a connection that an ONVIF port pipes on to the RTSP port: whose it is. The RTSP port sees one of this machine, and
 * would count the clients of all ONVIF ports as one. `pass` is drawn at each start and known to the threads of the server alone, so nobody
 * can say over the network that he is somebody else.
 */
export function writePipeGreeting(pass: string, { address, port, reachedAt }: PipedClient): string {
  return `${String.fromCharCode(mark)}${pass} ${address} ${port} ${reachedAt}\n`;
}

/**
 * Whose connection it is that begins with `bytes`, and the offset after the greeting; null when this is no greeting. It is written at once,
 * as the first bytes of a connection within this machine, so it comes in the first read.
 */
export function readPipeGreeting(pass: string, bytes: Buffer): { client: PipedClient; end: number } | null {
  if (bytes[0] !== mark) return null;
  const end = bytes.subarray(0, greetingBytes).indexOf('\n');
  const [said = '', address = '', port = '', reachedAt = ''] = bytes.toString('latin1', 1, Math.max(1, end)).split(' ');
  if (!isSameText(said, pass) || isIP(address) === 0 || !/^\d{1,5}$/.test(port) || isIP(reachedAt) === 0) return null;
  return { client: { address, port: Number(port), reachedAt }, end: end + 1 };
}
