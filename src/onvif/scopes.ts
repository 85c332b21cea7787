import type { OnvifDevice } from './device.ts';

/**
 * What a device says of itself, also to those who search for it (ONVIF Core, clause 7.3.2.2). There is no scope of a
 * profile: Profile S asks for JPEG, which we do not have.
 */
export function deviceScopes(device: OnvifDevice, product: string): string[] {
  const base = 'onvif://www.onvif.org';
  return [
    `${base}/type/Network_Video_Transmitter`,
    `${base}/type/video_encoder`,
    `${base}/hardware/${encodeURIComponent(product)}`,
    `${base}/name/${encodeURIComponent(device.name.toWellFormed())}`,
  ];
}
