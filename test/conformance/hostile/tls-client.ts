import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import { connect } from 'node:tls';
import { body, bytes } from '../../golden/wire.ts';
import type { Peer } from './peer.ts';

/** The first flight of a TLS client that means well. */
export async function goodHello(): Promise<Buffer> {
  const [near, far] = duplexPair();
  const client = connect({ socket: near, rejectUnauthorized: false });
  client.on('error', () => undefined);
  const [hello] = (await once(far, 'data')) as [Buffer];
  client.destroy();
  return hello;
}

/** Writes a record of noise below TLS. */
export function breakRecord({ below }: Peer): void {
  below?.write(bytes('1703030020', body(32)));
}
