/** A client of one ONVIF device, as a recorder is one: a connection that is kept, and a UsernameToken with each question. */
import { createHash, randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';

const wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const utility = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const digestType = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest';
const services = {
  tds: 'http://www.onvif.org/ver10/device/wsdl',
  trt: 'http://www.onvif.org/ver10/media/wsdl',
  tev: 'http://www.onvif.org/ver10/events/wsdl',
} as const;

/** Asks one device; every answer but 200 is an Error. */
export class DeviceClient {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #port: number;
  readonly #user: string;
  readonly #password: string;

  constructor(port: number, { user, password }: { readonly user: string; readonly password: string }) {
    this.#port = port;
    this.#user = user;
    this.#password = password;
  }

  /** What a scan wants of a device: three questions, one after another, on a new connection. Resolves with the bytes. */
  async visit(): Promise<number> {
    const time = await this.#ask('<tds:GetSystemDateAndTime/>', { anonymous: true });
    const information = await this.#ask('<tds:GetDeviceInformation/>');
    const profiles = await this.#ask('<trt:GetProfiles/>');
    return time.length + information.length + profiles.length;
  }

  /** What the cameras show at this moment. */
  async readVideo(): Promise<void> {
    await this.#ask('<trt:GetVideoEncoderConfigurations/>');
  }

  /** Makes a pull point and returns its path. */
  async subscribe(): Promise<string> {
    const answer = await this.#ask('<tev:CreatePullPointSubscription/>');
    const address = /Address>([^<]*)</.exec(answer)?.[1];
    if (address === undefined) throw new Error('no pull point was made');
    return new URL(address).pathname;
  }

  /** One pull, which takes its whole time while nothing happens. */
  async pull(path: string, seconds: number): Promise<void> {
    const limits = `<tev:Timeout>PT${seconds}S</tev:Timeout><tev:MessageLimit>100</tev:MessageLimit>`;
    await this.#ask(`<tev:PullMessages>${limits}</tev:PullMessages>`, { path });
  }

  /** Gives the connections back. */
  close(): void {
    this.#agent.destroy();
  }

  #ask(question: string, { path = '/onvif/device_service', anonymous = false } = {}): Promise<string> {
    const { tds, trt, tev } = services;
    const header = anonymous ? '' : `<s:Header>${this.#token()}</s:Header>`;
    const body =
      `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"` +
      ` xmlns:tds="${tds}" xmlns:trt="${trt}" xmlns:tev="${tev}">${header}<s:Body>${question}</s:Body></s:Envelope>`;
    const headers = {
      'Content-Type': 'application/soap+xml; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
    };
    const options = { host: '127.0.0.1', port: this.#port, path, method: 'POST', agent: this.#agent, headers };
    return new Promise((resolve, reject) => {
      const asked = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 200) resolve(text);
          else reject(new Error(`${question} was answered with ${response.statusCode}: ${text.slice(-300)}`));
        });
      });
      asked.on('error', reject);
      asked.end(body);
    });
  }

  #token(): string {
    const nonce = randomBytes(16);
    const created = new Date().toISOString();
    const digest = createHash('sha1').update(nonce).update(created).update(this.#password).digest('base64');
    return (
      `<wsse:Security xmlns:wsse="${wsse}" xmlns:wsu="${utility}"><wsse:UsernameToken>` +
      `<wsse:Username>${this.#user}</wsse:Username><wsse:Password Type="${digestType}">${digest}</wsse:Password>` +
      `<wsse:Nonce>${nonce.toString('base64')}</wsse:Nonce><wsu:Created>${created}</wsu:Created>` +
      '</wsse:UsernameToken></wsse:Security>'
    );
  }
}
