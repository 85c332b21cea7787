/** One camera as a channel of an ONVIF device. */
export interface OnvifChannel {
  /** The camera's index in all shared memory. */
  readonly camera: number;
  /** For people. */
  readonly name: string;
  /** Path of its RTSP URL, with a leading slash. */
  readonly rtspPath: string;
}

/** What makes a device itself. The same after every restart, and different for every device of every server. */
export interface DeviceIdentity {
  /** For `urn:uuid:` addresses. */
  readonly uuid: string;
  /** `02:xx:xx:xx:xx:xx`, locally administered. */
  readonly mac: string;
  readonly serial: string;
  readonly hardwareId: string;
}

/**
 * An ONVIF device: up to 16 cameras behind one port. Tokens are made from a channel's place in the list, counted from 1, so
 * places do not change while the server runs; what a place shows may.
 */
export interface OnvifDevice {
  readonly name: string;
  readonly identity: DeviceIdentity;
  /** Null where a place of the list has no camera any more. */
  readonly channels: readonly (OnvifChannel | null)[];
}

/** What a camera shows at this moment: the publisher's picture, or the offline card. */
export interface ChannelVideo {
  readonly live: boolean;
  readonly width: number;
  readonly height: number;
  /** Frames per second, 0 when not known yet. */
  readonly fps: number;
  readonly kbps: number;
  /** Frames from keyframe to keyframe, 0 when not known yet. */
  readonly gop: number;
  /** profile_idc of H.264. */
  readonly profile: number;
}
