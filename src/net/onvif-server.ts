import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { Authenticator, type OnvifCredentials } from '../onvif/authentication.ts';
import type { OnvifDevice } from '../onvif/device.ts';
import type { DeviceFacts } from '../onvif/device-facts.ts';
import type { NonceMemory } from '../onvif/nonce-memory.ts';
import { OnvifDispatcher, postOnly } from '../onvif/onvif-dispatcher.ts';
import type { OnvifService } from '../onvif/service.ts';
import { HttpPort, type HttpPortOptions } from './http-port.ts';
import { ipv4Addresses } from './interface-addresses.ts';
import { OnvifExchanges } from './onvif-exchanges.ts';
import { type OnvifCounters, OnvifJournal } from './onvif-journal.ts';
import { writePipeGreeting } from './pipe-greeting.ts';
import { pipeToRtsp } from './tunnel-pipe.ts';

export interface OnvifServerOptions
  extends Pick<HttpPortOptions, 'host' | 'port' | 'secureContext' | 'logger'>,
    Pick<DeviceFacts, 'device' | 'product' | 'version' | 'rtspPort' | 'discoverable' | 'video'> {
  /** Null: nobody has to log in. */
  readonly credentials: OnvifCredentials | null;
  /** See `pipe-greeting.ts`. */
  readonly pipePass: string;
  /** Shared by all devices, whose user and password are the same. */
  readonly nonces: NonceMemory;
  /** Offer SHA-256 beside MD5. */
  readonly digestSha256: boolean;
  /** The event service, under each of its namespaces; or none. */
  readonly services: readonly OnvifService[];
  readonly clock: Clock;
  readonly counters: OnvifCounters;
}

/** One ONVIF device on its port, for HTTP, HTTPS and tunnelled RTSP. */
export class OnvifServer {
  readonly #host: string;
  readonly #pipePass: string;
  readonly #http: HttpPort;
  readonly #journal: OnvifJournal;
  readonly #facts: { -readonly [Name in keyof DeviceFacts]: DeviceFacts[Name] };

  constructor(options: OnvifServerOptions) {
    const { host, port, secureContext, credentials, nonces, digestSha256, services, clock, counters, logger } = options;
    const { device, product, version, rtspPort, discoverable, video } = options;
    this.#host = host;
    this.#pipePass = options.pipePass;
    this.#facts = {
      ...{ device, product, version, rtspPort, discoverable, video, clock },
      httpPort: port,
      user: credentials?.user ?? null,
      interfaces: ipv4Addresses,
      get tls() {
        return secureContext() !== null;
      },
    };
    const journal = new OnvifJournal({ logger, counters, clock });
    this.#journal = journal;
    const common = { realm: 'Skyweir', sha256: digestSha256, key: randomBytes(32) };
    const login = { ...common, nonces, device: device.identity.uuid };
    const authenticator = credentials === null ? null : new Authenticator(credentials, login);
    const dispatcher = new OnvifDispatcher({ facts: this.#facts, authenticator, services, clock });
    const exchanges = new OnvifExchanges(dispatcher, journal, clock);
    this.#http = new HttpPort({
      ...{ host, port, secureContext, logger },
      flag: '--onvif-port',
      bounds: limits.onvif,
      noProxy: { reason: postOnly, allow: 'POST' },
      onRequest: (request, response) => {
        counters.requests++;
        exchanges.serve(request, response, this.#facts.httpPort);
      },
      onTunnel: (tunnel, head, address) => this.#onTunnel(tunnel, head, address),
      onRefused: (reason, address) => journal.refused(reason, address),
      counts: counters,
    });
  }

  /** Takes over new names, paths and channels; they count from the next request on. */
  replaceDevice(device: OnvifDevice): void {
    this.#facts.device = device;
  }

  /** RTSP has moved. */
  set rtspPort(port: number) {
    this.#facts.rtspPort = port;
  }

  /** WS-Discovery was turned on or off. */
  set discoverable(discoverable: boolean) {
    this.#facts.discoverable = discoverable;
  }

  /** Returns the port. Throws `ListenError`, whose code is that of the system, such as EADDRINUSE. */
  async listen(): Promise<number> {
    this.#facts.httpPort = await this.#http.listen();
    return this.#facts.httpPort;
  }

  /** Where it listens, while it does: an IP address, whatever name led to it. */
  get address(): string {
    return this.#http.address;
  }

  /** Ends all connections, and gives the port back. */
  close(): Promise<void> {
    return this.#http.close();
  }

  #onTunnel(tunnel: Socket, head: Buffer, address: string): void {
    const host = this.#host === '::' || this.#host === '0.0.0.0' ? '127.0.0.1' : this.#host;
    const client = { address, port: tunnel.remotePort ?? 0, reachedAt: tunnel.localAddress ?? '127.0.0.1' };
    const greeting = writePipeGreeting(this.#pipePass, client);
    pipeToRtsp(
      tunnel,
      Buffer.concat([Buffer.from(greeting), head]),
      { host, port: this.#facts.rtspPort },
      (rtspPeer) => this.#journal.tunnelled(rtspPeer, address),
      (failure) => {
        if (failure !== null) this.#journal.refused(`tunnelled RTSP: ${failure}`, address);
      },
    );
  }
}
