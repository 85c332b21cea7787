import type { OnvifChannel, OnvifDevice } from './device.ts';
import { OnvifFault } from './fault.ts';

/**
 * Tokens are made from a channel's place and nothing else: recorders store them, so they are the same after a restart and
 * after every change of names and paths.
 */
const prefixes = {
  source: 'VideoSource_',
  sourceConfiguration: 'VideoSourceConfiguration_',
  encoder: 'VideoEncoder_',
  profile: 'Profile_',
} as const;

export type TokenKind = keyof typeof prefixes;

/** A channel with its place in the device, from 0. */
export interface PlacedChannel {
  readonly slot: number;
  readonly channel: OnvifChannel;
}

/** The token of that kind for the channel at this place, counted from 0. */
export function tokenOf(kind: TokenKind, slot: number): string {
  return `${prefixes[kind]}${slot + 1}`;
}

/** Token of the video source at this place, from 0; events name cameras by it. */
export function sourceToken(slot: number): string {
  return tokenOf('source', slot);
}

/** The channels that there are, in order. */
export function channelsOf(device: OnvifDevice): PlacedChannel[] {
  const placed: PlacedChannel[] = [];
  for (const [slot, channel] of device.channels.entries()) if (channel !== null) placed.push({ slot, channel });
  return placed;
}

/** The channel that a token of that kind names. Throws the fault that ONVIF has for a token that names none. */
export function channelAt(device: OnvifDevice, kind: TokenKind, token: string): PlacedChannel {
  const prefix = prefixes[kind];
  const digits = token.startsWith(prefix) ? token.slice(prefix.length) : '';
  const slot = /^[1-9]\d{0,3}$/.test(digits) ? Number(digits) - 1 : -1;
  const channel = device.channels[slot] ?? null;
  if (channel === null) throw new OnvifFault('Sender', ['ter:InvalidArgVal', faultOf[kind]], 'There is no such token');
  return { slot, channel };
}

const faultOf: Readonly<Record<TokenKind, string>> = {
  source: 'ter:NoVideoSource',
  sourceConfiguration: 'ter:NoConfig',
  encoder: 'ter:NoConfig',
  profile: 'ter:NoProfile',
};
