import type { Clock } from '../../src/base/clock.ts';
import { Authenticator } from '../../src/onvif/authentication.ts';
import type { ChannelVideo, OnvifDevice } from '../../src/onvif/device.ts';
import { NonceMemory } from '../../src/onvif/nonce-memory.ts';
import { type OnvifAnswer, OnvifDispatcher, type OnvifRequest } from '../../src/onvif/onvif-dispatcher.ts';
import type { OnvifService } from '../../src/onvif/service.ts';
import { parseXml, type XmlElement } from '../../src/onvif/xml.ts';
import { cardVideo, credentials, envelope, makeDevice } from './onvif-peer.ts';

/** 2026-05-04 13:02:01 UTC. */
export const startWallMs = Date.UTC(2026, 4, 4, 13, 2, 1);

export interface DialogueOptions {
  readonly device?: OnvifDevice;
  readonly video?: (camera: number) => ChannelVideo;
  readonly auth?: boolean;
  readonly services?: readonly OnvifService[];
}

/** A device without sockets, whose clock is set by hand. */
export class OnvifDialogue {
  readonly dispatcher: OnvifDispatcher;
  device: OnvifDevice;
  nowMs = 1_000_000;
  wallMs = startWallMs;

  constructor({ device = makeDevice(16), video = () => cardVideo, auth = false, services = [] }: DialogueOptions = {}) {
    this.device = device;
    const self = this;
    const clock: Clock = { nowMs: () => self.nowMs, wallMs: () => self.wallMs };
    const facts = {
      get device() {
        return self.device;
      },
      product: 'Skyweir',
      version: '9.8.7',
      httpPort: 8081,
      rtspPort: 8554,
      tls: false,
      user: auth ? credentials.user : null,
      discoverable: false,
      clock,
      video,
      interfaces: () => [{ address: '192.0.2.7', prefixLength: 24 }],
    };
    const login = { realm: 'Skyweir', sha256: false, key: new Uint8Array(32), nonces: new NonceMemory(), device: '' };
    const authenticator = auth ? new Authenticator(credentials, login) : null;
    this.dispatcher = new OnvifDispatcher({ facts, authenticator, services, clock });
  }

  /** Sends bytes that may be anything. */
  send(body: string | Uint8Array, more: Partial<OnvifRequest> = {}): OnvifAnswer {
    const answer = this.dispatcher.handle({
      method: 'POST',
      target: '/onvif/device_service',
      authorization: undefined,
      body: typeof body === 'string' ? Buffer.from(body) : body,
      address: '198.51.100.1',
      localAddress: '192.0.2.7',
      origin: 'http://192.0.2.7:8081',
      ...more,
    });
    if (!('status' in answer)) throw new Error('the answer comes later');
    return answer;
  }

  /** Calls an operation and returns the child of the answer's Body. */
  ask(request: string, header = ''): XmlElement {
    return bodyOf(this.send(envelope(request, header)));
  }
}

/** The child of an answer's Body. */
export function bodyOf(answer: Pick<OnvifAnswer, 'body'>): XmlElement {
  const envelopeElement = parseXml(answer.body);
  return envelopeElement.children.find(({ name }) => name === 'Body')!.children[0]!;
}

/** The codes of a fault from outer to inner, without the prefix of the envelope. */
export function faultCodes(fault: XmlElement): string[] {
  const codes: string[] = [];
  let at = fault.children.find(({ name }) => name === 'Code');
  while (at !== undefined) {
    codes.push(at.children.find(({ name }) => name === 'Value')!.text.replace(/^s:/, ''));
    at = at.children.find(({ name }) => name === 'Subcode');
  }
  return codes;
}
