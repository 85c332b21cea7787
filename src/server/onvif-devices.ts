import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { StartError } from '../config/errors.ts';
import type { Config } from '../config/schema.ts';
import type { Camera } from '../control/messages.ts';
import { DiscoverySocket } from '../net/discovery-socket.ts';
import type { ListenError } from '../net/listen.ts';
import { newOnvifCounters } from '../net/onvif-journal.ts';
import { OnvifServer } from '../net/onvif-server.ts';
import { TlsContexts } from '../net/tls-context.ts';
import { TlsMaterialBoard } from '../net/tls-material.ts';
import type { ChannelVideo, OnvifChannel, OnvifDevice } from '../onvif/device.ts';
import { EventService } from '../onvif/events/event-service.ts';
import { deviceIdentity } from '../onvif/identity.ts';
import { NonceMemory } from '../onvif/nonce-memory.ts';
import { deviceScopes } from '../onvif/scopes.ts';
import { describeListenError } from './acceptor-supervisor.ts';
import type { StreamEvents } from './stream-events.ts';

/** What devices say that they are. */
const product = 'Skyweir';

/** What {@link OnvifDevices} are made with. */
export interface OnvifDevicesOptions {
  readonly credentials: { readonly user: string; readonly password: string } | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events: StreamEvents;
  /** {@link TlsMaterialBoard} memory. */
  readonly tls: SharedArrayBuffer;
  readonly serverId: string;
  readonly version: string;
  /** What a camera shows at this moment. */
  readonly video: (camera: number) => ChannelVideo;
  /** By camera index: it has a publisher. */
  readonly live: readonly boolean[];
  readonly pipePass: string;
  /** UDP port of discovery; tests put their own in. */
  readonly discoveryPort?: number;
}

/** A device that is open. */
export interface OpenDevice {
  readonly name: string;
  readonly port: number;
}

/** One device with its port. */
interface Entry {
  readonly server: OnvifServer;
  readonly events: EventService;
  device: OnvifDevice;
  port: number;
}

/** What a change of devices comes to, once everything that can fail has been done. */
export interface DevicesChange {
  /** Puts it in force. `rtspPort` is that of now. */
  commit(rtspPort: number): void;
  /** Something else failed: closes what was opened. */
  abort(): void;
}

/** The ONVIF devices of the server: one for each hardware, each on its port, and what tells networks of them. */
export class OnvifDevices {
  readonly counters = newOnvifCounters();
  readonly #options: OnvifDevicesOptions;
  readonly #board: TlsMaterialBoard;
  readonly #contexts: TlsContexts;
  readonly #nonces = new NonceMemory();
  /** By the key of {@link deviceKey}. */
  #entries = new Map<string, Entry>();
  #discovery: DiscoverySocket | null = null;
  /** That it shall be open. */
  #discoverable = false;
  /** Of RTSP, as it was committed last; 0 before. */
  #rtspPort = 0;
  /** Ends with the last change of discovery, which takes a moment. */
  #announcing: Promise<void> = Promise.resolve();

  constructor(options: OnvifDevicesOptions) {
    this.#options = options;
    this.#board = new TlsMaterialBoard(options.tls);
    this.#contexts = new TlsContexts(options.tls);
    options.events.on('started', ({ camera }) => this.#setState(camera.index, true));
    options.events.on('stopped', ({ camera }) => this.#setState(camera.index, false));
  }

  /** In the order of the configuration. */
  get open(): OpenDevice[] {
    return [...this.#entries.values()].map(({ device, port }) => ({ name: device.name, port }));
  }

  /** Opens what a configuration needs beyond what is open. Throws {@link StartError} if a port cannot be had. */
  async prepare(config: Config, cameras: readonly Camera[]): Promise<DevicesChange> {
    const next = new Map<string, Entry>();
    const wanted = config.onvif ? config.hardwareList : [];
    const abort = (): void => {
      for (const [key, { server }] of next) if (!this.#entries.has(key)) void server.close();
    };
    try {
      await Promise.all(
        wanted.map(async ({ name, number, onvifPort }, index) => {
          const channels = channelsOf(cameras.filter(({ hardware }) => hardware === index));
          const identity = deviceIdentity(this.#options.serverId, onvifPort || number - 1);
          const device = { name, identity, channels };
          const key = deviceKey(onvifPort, number);
          // The place is kept before the port is waited for, so that the order is that of the configuration.
          const known = this.#entries.get(key);
          const entry = known === undefined ? this.#createEntry(device, onvifPort, config) : { ...known, device };
          next.set(key, entry);
          if (known === undefined) entry.port = await entry.server.listen();
        }),
      );
    } catch (error) {
      abort();
      const { flag, port, code } = error as ListenError;
      throw new StartError(describeListenError(flag, port, code), { cause: error });
    }
    return { commit: (rtspPort) => this.#commit(next, rtspPort, config), abort };
  }

  /** Gives all ports back. */
  async close(): Promise<void> {
    this.#discoverable = false;
    await Promise.all([this.#announce(), ...[...this.#entries.values()].map(({ server }) => server.close())]);
  }

  #createEntry(device: OnvifDevice, port: number, config: Config): Entry {
    const { credentials, clock, logger, version, video, pipePass } = this.#options;
    const events = new EventService({ device, clock });
    const server = new OnvifServer({
      host: config.host,
      port,
      device,
      video,
      credentials,
      nonces: this.#nonces,
      digestSha256: config.rtspDigestSha256,
      services: [events, events.notification],
      clock,
      logger,
      secureContext: () => (this.#board.filled ? this.#contexts.current() : null),
      // Recorders ask as soon as this port is open, which is before that of RTSP is.
      rtspPort: config.rtspPort || this.#rtspPort,
      pipePass,
      product,
      version,
      discoverable: false,
      counters: this.counters,
    });
    return { server, events, device, port };
  }

  #commit(next: Map<string, Entry>, rtspPort: number, config: Config): void {
    const { clock, live } = this.#options;
    for (const [key, { server }] of this.#entries) if (!next.has(key)) void server.close();
    for (const { server, events, device } of next.values()) {
      server.rtspPort = rtspPort;
      server.discoverable = config.discovery;
      server.replaceDevice(device);
      events.replaceDevice(device, clock.nowMs());
      device.channels.forEach((channel, slot) => {
        const isLive = channel !== null && live[channel.camera] === true;
        events.setState(slot, isLive, clock.wallMs(), clock.nowMs());
      });
    }
    this.#entries = next;
    this.#rtspPort = rtspPort;
    this.#discoverable = config.discovery;
    void this.#announce();
  }

  #setState(camera: number, live: boolean): void {
    const { clock } = this.#options;
    for (const { device, events } of this.#entries.values()) {
      const slot = device.channels.findIndex((channel) => channel?.camera === camera);
      if (slot >= 0) events.setState(slot, live, clock.wallMs(), clock.nowMs());
    }
  }

  /** Tells networks what is there now, after what they are being told already. */
  #announce(): Promise<void> {
    this.#announcing = this.#announcing.then(() => this.#announceNow());
    return this.#announcing;
  }

  /** Networks are a convenience: what goes wrong there is logged, and the devices serve all the same. */
  async #announceNow(): Promise<void> {
    const { clock, logger, discoveryPort } = this.#options;
    const devices = [...this.#entries.values()].map(({ device, port }) => {
      return { uuid: device.identity.uuid, port, scopes: deviceScopes(device, product) };
    });
    try {
      const [first] = this.#entries.values();
      if (!this.#discoverable || first === undefined) {
        const discovery = this.#discovery;
        this.#discovery = null;
        await discovery?.close();
      } else if (this.#discovery !== null) this.#discovery.replaceDevices(devices);
      else {
        const port = discoveryPort === undefined ? {} : { port: discoveryPort };
        // All devices listen at one address, which the configuration may have a name for.
        const { address: host } = first.server;
        this.#discovery = await DiscoverySocket.open({ devices, host, clock, logger, ...port });
      }
    } catch (error) {
      logger.warn({ err: error }, 'the ONVIF devices cannot be discovered; add them by their addresses');
    }
  }
}

/** The cameras of a device at the places of their channels. */
function channelsOf(cameras: readonly Camera[]): (OnvifChannel | null)[] {
  const places = Math.max(0, ...cameras.map(({ channel }) => channel));
  const channels = Array<OnvifChannel | null>(places).fill(null);
  for (const { index, name, rtspPath, channel } of cameras) channels[channel - 1] = { camera: index, name, rtspPath };
  return channels;
}

/** What a device is recognised by when the configuration changes. */
function deviceKey(port: number, number: number): string {
  return port === 0 ? `free ${number}` : String(port);
}
