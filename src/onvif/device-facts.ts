import type { Clock } from '../base/clock.ts';
import type { ChannelVideo, OnvifDevice } from './device.ts';

/** An IPv4 address of the machine, of no loopback interface. */
export interface InterfaceAddress {
  readonly address: string;
  readonly prefixLength: number;
}

/** What the services of a device tell about it. Read for each request, so that everything may change. */
export interface DeviceFacts {
  readonly device: OnvifDevice;
  readonly product: string;
  readonly version: string;
  /** Port of the device's own service, of HTTP and HTTPS alike. */
  readonly httpPort: number;
  readonly rtspPort: number;
  /** The device takes TLS. */
  readonly tls: boolean;
  /** The one user; null if nobody has to log in. */
  readonly user: string | null;
  /** WS-Discovery answers for the device. */
  readonly discoverable: boolean;
  readonly clock: Pick<Clock, 'wallMs'>;
  video(camera: number): ChannelVideo;
  interfaces(): readonly InterfaceAddress[];
}
