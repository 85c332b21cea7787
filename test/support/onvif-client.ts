import { Cam } from 'onvif';

/** Of the camera object of npm onvif, what is used; its types lag behind. */
interface NpmCamera {
  readonly videoSources: readonly VideoSource[];
  readonly activeSources: readonly { readonly sourceToken: string; readonly profileToken: string }[];
  media2Support: boolean;
}

export interface VideoSource {
  readonly $: { readonly token: string };
  readonly framerate: number;
  readonly resolution: { readonly width: number; readonly height: number };
}

/** A profile as the npm client reads it. */
export interface ReadProfile {
  readonly $: { readonly token: string };
  readonly name: string;
  readonly videoSourceConfiguration: { readonly sourceToken: string };
  readonly videoEncoderConfiguration: {
    readonly encoding: string;
    readonly resolution: { readonly width: number; readonly height: number };
    readonly rateControl: { readonly frameRateLimit: number; readonly bitrateLimit: number };
    readonly H264: { readonly govLength: number };
  };
}

/** What a device says of itself, by which recorders tell it from others. */
export interface ReadIdentity {
  readonly mac: string;
  readonly serial: string;
}

/** A property of one camera, as a pull brought it. */
export interface ReadEvent {
  readonly operation: string;
  readonly topic: string;
  readonly source: string;
  readonly state: boolean;
}

export interface OnvifClientOptions {
  readonly port: number;
  readonly credentials: { readonly user: string; readonly password: string };
  readonly secure?: boolean;
}

/** The client of npm onvif, which makes its UsernameToken and reads answers in its own way, with promises. */
export class OnvifClient {
  readonly #camera: NpmCamera;

  private constructor(camera: NpmCamera) {
    this.#camera = camera;
    // Media1 names the transports, and so does XProtect.
    camera.media2Support = false;
  }

  /** Asks for time, services, capabilities, sources and profiles, as the client does when it connects. */
  static connect({ port, credentials, secure = false }: OnvifClientOptions): Promise<OnvifClient> {
    const options = {
      hostname: '127.0.0.1',
      port,
      username: credentials.user,
      password: credentials.password,
      timeout: 10_000,
      useSecure: secure,
      secureOpts: { rejectUnauthorized: false },
    };
    return new Promise((resolve, reject) => {
      const camera: unknown = new Cam(options as never, (error: Error | null) =>
        error ? reject(error) : resolve(new OnvifClient(camera as NpmCamera)),
      );
    });
  }

  /** As it was when the client connected. */
  get activeSources(): NpmCamera['activeSources'] {
    return this.#camera.activeSources;
  }

  /** Calls a method of the camera object that takes a callback last. */
  ask<T>(method: string, ...values: unknown[]): Promise<T> {
    const call = (this.#camera as unknown as Record<string, (...all: unknown[]) => void>)[method]!;
    return new Promise((resolve, reject) => {
      const callback = (error: Error | null, value: unknown) => (error ? reject(error) : resolve(value as T));
      call.call(this.#camera, ...values, callback);
    });
  }

  videoSources(): Promise<VideoSource[]> {
    return this.ask('getVideoSources');
  }

  profiles(): Promise<ReadProfile[]> {
    return this.ask('getProfiles');
  }

  async streamUri(profileToken: string, protocol: 'UDP' | 'RTSP' | 'HTTP'): Promise<URL> {
    const { uri } = await this.ask<{ uri: string }>('getStreamUri', { protocol, profileToken });
    return new URL(uri);
  }

  async identity(): Promise<ReadIdentity> {
    const { serialNumber } = await this.ask<{ serialNumber: string | number }>('getDeviceInformation');
    const interfaces = JSON.stringify(await this.ask('getNetworkInterfaces'));
    return { serial: String(serialNumber), mac: /"hwAddress":"([^"]*)"/.exec(interfaces)?.[1] ?? '' };
  }

  /** Makes the one pull point of this client. */
  async subscribe(): Promise<void> {
    await this.ask('createPullPointSubscription');
  }

  /** What the pull point brings: at once what waits, else what comes within a minute. */
  async pull(): Promise<ReadEvent[]> {
    const answer = await this.ask<PullAnswer>('pullMessages', { messageLimit: 100 });
    const { notificationMessage = [] } = answer;
    const messages = Array.isArray(notificationMessage) ? notificationMessage : [notificationMessage];
    return messages.map(({ topic, message: { message } }) => ({
      operation: message.$.PropertyOperation,
      topic: topic._,
      source: message.source.simpleItem.$.Value,
      state: message.data.simpleItem.$.Value,
    }));
  }

  async unsubscribe(): Promise<void> {
    await this.ask('unsubscribe');
  }
}

interface PullAnswer {
  readonly notificationMessage?: NotificationMessage | NotificationMessage[];
}

interface NotificationMessage {
  readonly topic: { readonly _: string };
  readonly message: {
    readonly message: {
      readonly $: { readonly PropertyOperation: string };
      readonly source: { readonly simpleItem: { readonly $: { readonly Value: string } } };
      readonly data: { readonly simpleItem: { readonly $: { readonly Value: boolean } } };
    };
  };
}
