import { testCredentials } from '../../support/media-server.ts';
import { envelope, type HttpResult, post, securityXml, type TokenOptions } from '../../support/onvif-peer.ts';
import type { Peer } from './peer.ts';
import type { OnvifEnd, Row, Scene } from './row.ts';

const { user, password } = testCredentials;

export const getProfiles = '<trt:GetProfiles/>';

/** A wsse:Security header with the right password unless something else is said. */
export function login(options: Partial<TokenOptions> = {}): string {
  return securityXml({ user, password, createdMs: Date.now(), ...options });
}

/** An envelope of somebody who may ask. */
export function signed(body: string): string {
  return envelope(body, login());
}

/** A whole HTTP request; `headers` come before those that the body needs. */
export function request(
  body: Uint8Array | string,
  headers: readonly string[] = [],
  path = '/onvif/device_service',
): Buffer {
  const content = Buffer.from(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...headers,
    'Content-Type: application/soap+xml; charset=utf-8',
    `Content-Length: ${content.length}`,
  ];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), content]);
}

/** The beginning of a request whose body is told of by `headers`. */
export function head(...headers: readonly string[]): string {
  return `POST /onvif/device_service HTTP/1.1\r\nHost: 127.0.0.1\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`;
}

/** Statuses of the answers that came, in order. */
export function statuses({ received }: Peer): number[] {
  return [...received.matchAll(/HTTP\/1\.[01] (\d{3})/g)].map(([, status]) => Number(status));
}

/** Sends bytes, and waits for an answer more than there were, or for the end. */
export async function ask(peer: Peer, bytes: Uint8Array | string): Promise<number> {
  const before = statuses(peer).length;
  const endMs = performance.now() + 10_000;
  await peer.send(bytes);
  while (statuses(peer).length === before && !peer.closed) {
    if (performance.now() > endMs) throw new Error(`no answer to ${String(bytes).slice(0, 200)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return statuses(peer).at(-1) ?? 0;
}

/** Asks from an address of the row as a client does, on a connection of its own. */
export function client(
  scene: Scene,
  body: string,
  options: { from?: string; path?: string } = {},
): Promise<HttpResult> {
  return post(scene.onvifPort, signed(body), { from: scene.address, ...options });
}

const events = 'xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2"';

/** Makes a pull point that lives so many seconds, and returns its path, or the status of the refusal. */
export async function subscribe(
  ask: (body: string) => Promise<HttpResult>,
  seconds: number,
): Promise<{ readonly path: string; readonly status: number }> {
  const { status, body } = await ask(
    `<tev:CreatePullPointSubscription><tev:InitialTerminationTime>PT${seconds}S</tev:InitialTerminationTime></tev:CreatePullPointSubscription>`,
  );
  return { path: /<wsa:Address>[^<]*?(\/onvif\/[^<]*)</.exec(body)?.[1] ?? '', status };
}

export function pullMessages(seconds: number, limit = 100): string {
  return `<tev:PullMessages><tev:Timeout>PT${seconds}S</tev:Timeout><tev:MessageLimit>${limit}</tev:MessageLimit></tev:PullMessages>`;
}

export const unsubscribe = `<wsnt:Unsubscribe ${events}/>`;

/** A subscription that wants to be called back. */
export function subscribeTo(address: string): string {
  return (
    `<wsnt:Subscribe ${events}><wsnt:ConsumerReference><a:Address xmlns:a="http://www.w3.org/2005/08/addressing">` +
    `${address}</a:Address></wsnt:ConsumerReference></wsnt:Subscribe>`
  );
}

/** A row whose peers send one flight of bytes each to an ONVIF device. */
export function flight(
  id: string,
  attack: string,
  ends: OnvifEnd,
  content: Uint8Array | string | (() => readonly (Uint8Array | string)[]),
  when: Row['when'] = 'at once',
): Row {
  return {
    id,
    protocol: 'ONVIF',
    attack,
    ends,
    when,
    gate: true,
    play: async (scene) => {
      const flights = typeof content === 'function' ? content() : [content];
      for (const one of flights) {
        const peer = await scene.onvif();
        await peer.send(one);
      }
      for (const peer of scene.peers) if (ends.status !== null) await answered(peer);
    },
  };
}

/** Resolves with the first answer, or when the connection is closed. */
export async function answered(peer: Peer): Promise<void> {
  const endMs = performance.now() + 15_000;
  while (statuses(peer).length === 0 && !peer.closed) {
    if (performance.now() > endMs) throw new Error(`${peer.name} has no answer`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** A row whose peers get a fault or refusal, and may go on. */
export function refused(status: OnvifEnd['status'], reason: string): OnvifEnd {
  return { status, closed: false, reason };
}

/** A row whose connections are closed, with an answer or, for null, without. */
export function closed(status: OnvifEnd['status'], reason: string | null): OnvifEnd {
  return { status, closed: true, reason };
}
