import { boolean, integer } from './setting.ts';

/** Most connections that the default follows the number of cameras to; more only when asked for. */
const defaultConnectionsCap = 1000;

/** The settings that a hardware entry of the file may have of its own, by their keys. */
export const hardwareSettings = {
  'rtmp-port': integer({
    flag: 'rtmp-port',
    valueName: '<port>',
    default: 1935,
    min: 0,
    max: 65_535,
    applies: 'live',
    group: 'Network',
    text: 'TCP port that encoders and drones push RTMP to; RTMPS with `--tls`. 0 takes any free port.',
  }),
  'onvif-port': integer({
    flag: 'onvif-port',
    valueName: '<port>',
    default: 8081,
    min: 0,
    max: 65_535,
    applies: 'live',
    group: 'Network',
    text: 'TCP port of the first ONVIF device, which XProtect adds as hardware. Every 16 cameras are one device; the second takes the next port, and so on. 0 takes any free ports.',
  }),
  tls: boolean({
    flag: 'tls',
    default: false,
    applies: 'live',
    group: 'Encryption',
    text: 'Speak RTMPS on the RTMP port instead of RTMP, with the certificate of `--tls-pfx` or `--tls-cert`. See docs/tls.md.',
  }),
  'offline-info': boolean({
    flag: 'offline-info',
    default: true,
    applies: 'live',
    group: 'Cameras',
    text: 'While nobody publishes to a camera, show its readers a card with its name and the URL to push to. Off shows them a plain grey picture.',
  }),
  'max-connections': integer({
    flag: 'max-connections',
    default: ({ cameras }) => (cameras > 16 ? Math.min(defaultConnectionsCap, Math.max(32, 2 * cameras)) : 32),
    defaultText: `32 connections; with more than 16 cameras 2 per camera, up to ${defaultConnectionsCap}`,
    sample: 32,
    min: 1,
    max: 4000,
    applies: 'live',
    group: 'Limits and deadlines',
    text: 'RTMP connections at the same time. The RTMP Push Driver allowed up to 1000; more needs a machine that can carry them.',
  }),
  'max-connections-per-ip': integer({
    flag: 'max-connections-per-ip',
    default: 16,
    min: 0,
    max: 4000,
    unit: 'connections',
    applies: 'live',
    group: 'Limits and deadlines',
    text: 'RTMP connections from one address. 0 is no such limit, for drones behind one router.',
  }),
  'rate-limit': boolean({
    flag: 'rate-limit',
    default: true,
    applies: 'live',
    group: 'Limits and deadlines',
    text: 'Limit how fast one address may open new connections.',
  }),
  'rate-limit-per-second': integer({
    flag: 'rate-limit-per-second',
    default: 10,
    min: 1,
    max: 1000,
    unit: 'connections per second',
    applies: 'live',
    group: 'Limits and deadlines',
    text: 'New connections per second that one address may open.',
  }),
} as const;
