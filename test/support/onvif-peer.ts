import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ChannelVideo, OnvifDevice } from '../../src/onvif/device.ts';
import { deviceIdentity } from '../../src/onvif/identity.ts';
import { namespaces, soap12 } from '../../src/onvif/namespaces.ts';

export const credentials = { user: 'admin', password: 'drone-and-dive' } as const;

/** A device of that many cameras on `/stream1` and so on. */
export function makeDevice(count: number, name = 'Skyweir 1'): OnvifDevice {
  const channels = Array.from({ length: count }, (_, i) => ({
    camera: i,
    name: `Stream ${i + 1}`,
    rtspPath: `/stream${i + 1}`,
  }));
  return { name, identity: deviceIdentity('test-server', 8081), channels };
}

/** The offline card. */
export const cardVideo: ChannelVideo = {
  live: false,
  width: 1280,
  height: 720,
  fps: 1,
  kbps: 0,
  gop: 10,
  profile: 66,
};

/** What a drone publishes. */
export const liveVideo: ChannelVideo = {
  live: true,
  width: 1920,
  height: 1080,
  fps: 30_000 / 1001,
  kbps: 4670,
  gop: 60,
  profile: 100,
};

const utility = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const digestType = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest';

export interface TokenOptions {
  readonly user?: string;
  readonly password?: string;
  readonly nonce?: Buffer;
  readonly createdMs: number;
  /** The password itself, as PasswordText. */
  readonly text?: boolean;
}

/** A wsse:Security header. */
export function securityXml(options: TokenOptions): string {
  const {
    user = credentials.user,
    password = credentials.password,
    nonce = randomBytes(16),
    createdMs,
    text,
  } = options;
  const created = new Date(createdMs).toISOString();
  const digest = createHash('sha1').update(nonce).update(created).update(password).digest('base64');
  const given = text
    ? `<wsse:Password>${password}</wsse:Password>`
    : `<wsse:Password Type="${digestType}">${digest}</wsse:Password>`;
  return (
    `<wsse:Security s:mustUnderstand="1" xmlns:wsse="${namespaces.wsse}"><wsse:UsernameToken>` +
    `<wsse:Username>${user}</wsse:Username>${given}<wsse:Nonce>${nonce.toString('base64')}</wsse:Nonce>` +
    `<wsu:Created xmlns:wsu="${utility}">${created}</wsu:Created></wsse:UsernameToken></wsse:Security>`
  );
}

/** A SOAP request: `body` is its Body's content with the prefixes of the services, `header` that of its Header. */
export function envelope(body: string, header = '', version: string = soap12): string {
  const { tds, trt, tr2, tev, tt } = namespaces;
  return (
    `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="${version}" xmlns:tds="${tds}" xmlns:trt="${trt}"` +
    ` xmlns:tr2="${tr2}" xmlns:tev="${tev}" xmlns:tt="${tt}"><s:Header>${header}</s:Header><s:Body>${body}</s:Body></s:Envelope>`
  );
}

export interface HttpResult {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface PostOptions {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly secure?: boolean;
  /** Address to come from. */
  readonly from?: string;
}

/** Sends a request to a port of this machine. */
export function post(port: number, body: string | Buffer, options: PostOptions = {}): Promise<HttpResult> {
  const { path = '/onvif/device_service', method = 'POST', headers = {}, secure = false, from } = options;
  const type = { 'Content-Type': 'application/soap+xml; charset=utf-8' };
  const send = secure ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: { ...type, ...headers },
        rejectUnauthorized: false,
        agent: false,
        ...(from !== undefined && { localAddress: from }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(method === 'GET' ? undefined : body);
  });
}

/** The Authorization header that answers a challenge of RFC 7616, or of RFC 2069 if it has no qop. */
export function authorize(challenge: string, password: string, uri: string, user: string = credentials.user): string {
  const field = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
  const [realm, nonce, qop] = [field('realm')!, field('nonce')!, field('qop')];
  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const secret = md5(`${user}:${realm}:${password}`);
  const request = md5(`POST:${uri}`);
  const counted = qop === undefined ? '' : ':00000001:abcdef:auth';
  const response = md5(`${secret}:${nonce}${counted}:${request}`);
  const more = qop === undefined ? '' : ', qop=auth, nc=00000001, cnonce="abcdef"';
  return `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}"${more}`;
}
