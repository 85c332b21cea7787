import { hostAndPort, withoutZone } from '../base/address.ts';

/**
 * A name, with or without the dot of the root at its end, an IPv4 address, or an IPv6 address in brackets; and a port. Nothing that
 * could end an address or an element.
 */
const hostShape = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,252}[a-z0-9])?\.?)(?::(\d{1,5}))?$/i;

/**
 * `scheme://host:port` as the client called it, so that the addresses in answers lead back the way it came, also through a
 * port forwarding. A Host header that is missing or odd gives way to the address of the socket; a zone in that says something on
 * this machine only.
 */
export function originOf(host: string | undefined, secure: boolean, localAddress: string, localPort: number): string {
  const scheme = secure ? 'https' : 'http';
  const own = `${scheme}://${hostAndPort(withoutZone(localAddress), localPort)}`;
  const match = hostShape.exec(host ?? '');
  if (match === null) return own;
  const candidate = `${scheme}://${host!.toLowerCase()}`;
  // Also a host of that shape may be none, such as an IPv6 address with too many colons.
  return URL.canParse(candidate) ? candidate : own;
}
