import type { Peer } from './peer.ts';
import type { Scene, StatusEnd } from './row.ts';

/** Milliseconds that an answer may take on a busy machine. */
const patienceMs = 40_000;

/** Statuses of the answers that came, in order; `100 Continue` is none yet. */
export function statuses({ received }: Peer): number[] {
  return [...received.matchAll(/HTTP\/1\.[01] (?!100)(\d{3})/g)].map(([, status]) => Number(status));
}

/** Sends bytes, and waits for an answer more than there were, or for the end. */
export async function ask(peer: Peer, bytes: Uint8Array | string): Promise<number> {
  const before = statuses(peer).length;
  const endMs = performance.now() + patienceMs;
  await peer.send(bytes);
  while (statuses(peer).length === before && !peer.closed) {
    if (performance.now() > endMs) throw new Error(`no answer to ${String(bytes).slice(0, 200)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return statuses(peer).at(-1) ?? 0;
}

/** Resolves with the first answer, or when the connection is closed. */
export async function answered(peer: Peer): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (statuses(peer).length === 0 && !peer.closed) {
    if (performance.now() > endMs) throw new Error(`${peer.name} has no answer`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Each of the flights goes over a connection of its own. All are answered, or closed, when it returns; for null, only sent. */
export async function sendFlights(
  scene: Scene,
  open: () => Promise<Peer>,
  flights: readonly (Uint8Array | string)[],
  { status }: StatusEnd,
): Promise<void> {
  for (const one of flights) await (await open()).send(one);
  for (const peer of scene.peers) if (status !== null) await answered(peer);
}

/** Connects so often; all are open or refused when it returns. */
export async function knock(open: (i: number) => Promise<Peer>, times: number): Promise<void> {
  await Promise.all(Array.from({ length: times }, (_, i) => open(i)));
}

/**
 * Sends `bytes` and resets the connection once the server knows of it, so that its log has something to say: who is reset before he is
 * accepted leaves no trace. Connections are accepted in turn, so the answer to `question` on a later one, which stays, shows it.
 */
export async function resetKnown(
  scene: Scene,
  open: () => Promise<Peer>,
  bytes: Uint8Array | string,
  question: Uint8Array | string,
): Promise<void> {
  const known = await open();
  await known.send(bytes);
  await ask(await open(), question);
  known.socket.resetAndDestroy();
  scene.peers.splice(scene.peers.indexOf(known), 1);
}

/** Peers of the row that are still connected. */
export function openPeers({ peers }: Scene): number {
  return peers.filter((peer) => !peer.closed).length;
}

/** A row whose peers get a fault or refusal, and may go on. */
export function refused(status: StatusEnd['status'], reason: string | null): StatusEnd {
  return { status, closed: false, reason };
}

/** A row whose peers get an answer, whatever becomes of their connections. */
export function answeredWith(status: StatusEnd['status'], reason: string | null): StatusEnd {
  return { status, closed: null, reason };
}

/** A row whose connections are closed, with an answer or, for null, without. */
export function closed(status: StatusEnd['status'], reason: string | null): StatusEnd {
  return { status, closed: true, reason };
}

// ---- HTTP as it should not be ---------------------------------------------------------------------------------------------

/** What the log says of bytes that are no HTTP. */
export const notHttp = 'not HTTP: HPE_';
export const headTooLarge = `${notHttp}HEADER_OVERFLOW`;
export const tooSlow = 'the request took too long';
/** The answer to it, which a peer that goes on sending may lose. */
export const stillSending = [408, null];

/** Lines of a head with lengths that are none, or two of them. */
export const oddLengths = [
  'Content-Length: -1',
  'Content-Length: 0x10',
  'Content-Length: 99999999999999999999999',
  'Content-Length: 5\r\nContent-Length: 6',
];

/** Lines of a head that tell the end of the body in two ways. */
export const smugglingForms = [
  'Content-Length: 5\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding: chunked\r\nContent-Length: 5',
  'Transfer-Encoding: xchunked\r\nContent-Length: 5',
  'Transfer-Encoding: chunked, identity',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: 5',
  'Transfer-Encoding : chunked\r\nContent-Length: 5',
  'Transfer-Encoding: chunked\r\nContent-Length : 5',
  'Transfer-Encoding:\r\n chunked\r\nContent-Length: 5',
  'Content-Length: 5\nTransfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked\r\nContent-Length: 5',
];

/** What follows a head of {@link smugglingForms}. */
export const smuggled = '0\r\n\r\nPOST /x HTTP/1.1\r\nHost: a\r\n\r\n';

/** Lengths of chunks that are none, or beyond 64 bits. */
export const oddChunkSizes = ['-1', 'FFFFFFFFFFFFFFFFF', '5 5', 'x', '\u0000'];

export const rtspRequest = 'OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n';
export const http2Preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
export const proxyRequest = 'CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n';
