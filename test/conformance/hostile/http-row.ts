import { begin } from './http-operator.ts';
import { sendFlights } from './http-talk.ts';
import type { Row, Scene, StatusEnd } from './row.ts';
import { secret } from './rtmp-path-rows.ts';

/** All rows have one port, whose few lines in the log they would take from each other; only those that wait play together. */
export function httpRow(id: string, attack: string, ends: StatusEnd, play: Row['play'], more: Partial<Row> = {}): Row {
  const { when = 'at once' } = more;
  return { id, protocol: 'HTTP', attack, ends, when, gate: true, alone: when === 'at once', ...more, play };
}

/** A row whose peers send one flight of bytes each. */
export function flight(
  id: string,
  attack: string,
  ends: StatusEnd,
  content: Uint8Array | string | readonly (Uint8Array | string)[],
  more: Partial<Row> = {},
): Row {
  const flights = Array.isArray(content) ? content : [content as Uint8Array | string];
  return httpRow(id, attack, ends, (scene) => sendFlights(scene, () => scene.http(), flights, ends), more);
}

export const login = '/api/v1/login';
/** Of a login that is wrong. */
export const question = JSON.stringify({ user: 'somebody', password: secret });
/** The beginning of a login whose body is told of by `headers`. */
export const head = (...headers: readonly string[]): string =>
  begin('POST', login, 'Content-Type: application/json', ...headers);

/** The log has this reason for a peer of the row. */
export function isTold({ server, address }: Scene, wanted: string): boolean {
  return server.lines.some(({ reason, address: from }) => reason === wanted && from === address);
}
