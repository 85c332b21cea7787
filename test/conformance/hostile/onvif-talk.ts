import { testCredentials } from '../../support/media-server.ts';
import { envelope, type HttpResult, post, securityXml, type TokenOptions } from '../../support/onvif-peer.ts';
import { sendFlights } from './http-talk.ts';
import type { Row, Scene, StatusEnd } from './row.ts';

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
  ends: StatusEnd,
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
    play: (scene) =>
      sendFlights(scene, () => scene.onvif(), typeof content === 'function' ? content() : [content], ends),
  };
}
