/** Where a camera connects that has a link of its own, and which certificate it wants to see at the other end of it. */
import { isIP } from 'node:net';
import type { UrlPattern } from './url-pattern.ts';

/**
 * The link's end on this machine. FFmpeg names the server in its TLS hello only if it connects by a name itself, and many
 * servers choose their certificate by that.
 */
export function linkAddress(target: UrlPattern, port: number): UrlPattern {
  const byName = target.protocol === 'rtmps:' && isIP(target.host) === 0;
  return { ...target, host: byName ? 'localhost' : '127.0.0.1', port };
}

/** FFmpeg's arguments for TLS. Behind a link the certificate is still that of `target`. */
export function ffmpegTlsArguments(target: UrlPattern, insecure: boolean, linked: boolean): string[] {
  if (target.protocol !== 'rtmps:') return [];
  if (insecure) return ['-tls_verify', '0'];
  return ['-tls_verify', '1', ...(linked ? ['-verifyhost', target.host] : [])];
}
