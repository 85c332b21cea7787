import { join } from 'node:path';
import type { z } from 'zod';
import { limits } from '../base/limits.ts';
import { addressRange, addressRangeAllowed } from './address-range.ts';
import { type CameraEntry, camerasAllowed, camerasSchema, maximumCameras } from './camera-list.ts';
import type { ConfiguredCamera, Hardware, RtmpListener } from './hardware.ts';
import { type HardwareEntry, hardwareAllowed, hardwareSchema, maximumHardware } from './hardware-list.ts';
import { hardwareSettings } from './hardware-settings.ts';
import {
  boolean,
  bytesOrAuto,
  choice,
  complete,
  duration,
  integer,
  list,
  optionalPath,
  pathPattern,
  text,
} from './setting.ts';

const hostPattern = /^(?:[A-Za-z0-9._-]+|\[?[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9._-]+)?\]?)$/;
const hostAllowed = 'an IP address or a host name of this machine';

/**
 * Every configuration key, in the order of the help and the reference. The property name is the one in {@link Config};
 * flag, environment variable and key of the file follow from `flag`.
 */
export const settings = {
  host: text({
    flag: 'host',
    valueName: '<address>',
    default: '::',
    pattern: hostPattern,
    allowed: hostAllowed,
    applies: 'restart',
    group: 'Network',
    text: 'Address that all ports listen on. `::` is every address, IPv6 and IPv4; `127.0.0.1` is this machine only.',
  }),
  rtmpPort: hardwareSettings['rtmp-port'],
  rtspPort: integer({
    flag: 'rtsp-port',
    valueName: '<port>',
    default: 8554,
    min: 0,
    max: 65_535,
    applies: 'live',
    group: 'Network',
    text: 'TCP port that XProtect and players pull RTSP from. 0 takes any free port.',
  }),
  onvif: boolean({
    flag: 'onvif',
    default: true,
    applies: 'live',
    group: 'Network',
    text: 'Answer as ONVIF devices, so that XProtect can add the cameras as hardware. Off leaves RTSP alone.',
  }),
  onvifPort: hardwareSettings['onvif-port'],
  discovery: boolean({
    flag: 'discovery',
    default: false,
    applies: 'live',
    group: 'Network',
    text: 'Answer WS-Discovery, so that the ONVIF devices are found by a search of the network (UDP port 3702).',
  }),
  http: boolean({
    flag: 'http',
    default: true,
    applies: 'live',
    group: 'Network',
    text: 'Answer `/healthz`, `/readyz`, `/metrics` and `/api/v1` over HTTP, and over HTTPS where there is a certificate. See docs/monitoring.md.',
  }),
  httpPort: integer({
    flag: 'http-port',
    valueName: '<port>',
    default: 8080,
    min: 0,
    max: 65_535,
    applies: 'live',
    group: 'Network',
    text: 'TCP port for that. 0 takes any free port.',
  }),
  httpHost: text({
    flag: 'http-host',
    valueName: '<address>',
    default: () => '',
    defaultText: 'as `--host`',
    sample: '127.0.0.1',
    pattern: new RegExp(`^$|${hostPattern.source}`),
    allowed: hostAllowed,
    applies: 'restart',
    group: 'Network',
    text: 'Address that this port listens on, where it is another than that of all ports: `127.0.0.1` keeps it to this machine.',
  }),
  rtpPacketBytes: integer({
    flag: 'rtp-packet-bytes',
    valueName: '<bytes>',
    default: 1400,
    min: 256,
    max: 8900,
    unit: 'bytes',
    applies: 'restart',
    group: 'Network',
    text: 'Video bytes in one RTP packet over UDP. Lower it where a VPN loses full-size packets; raise it only if every switch takes jumbo frames.',
  }),
  rtpTcpPacketBytes: integer({
    flag: 'rtp-tcp-packet-bytes',
    valueName: '<bytes>',
    default: 8000,
    min: 256,
    max: 65_000,
    unit: 'bytes',
    applies: 'restart',
    group: 'Network',
    text: 'Video bytes in one RTP packet over TCP, where the network cuts packets as it likes. Larger ones cost less processor time; 1400 suits clients that expect the packets of UDP.',
  }),

  tls: hardwareSettings.tls,
  rtmpsPort: integer({
    flag: 'rtmps-port',
    valueName: '<port>',
    default: 0,
    defaultText: '0 (off)',
    sample: 0,
    min: 0,
    max: 65_535,
    applies: 'live',
    group: 'Encryption',
    text: 'A second TCP port, for RTMPS beside RTMP: the RTMP port then stays unencrypted. 0 is none.',
  }),
  tlsPfx: optionalPath({
    flag: 'tls-pfx',
    default: 'rtmp.pfx',
    defaultText: '`rtmp.pfx` in the working directory',
    applies: 'live',
    group: 'Encryption',
    text: 'PKCS#12 file (.pfx, .p12) with certificate, chain and private key. A new one is taken while streams run.',
  }),
  tlsPasswordFile: optionalPath({
    flag: 'tls-password-file',
    default: null,
    defaultText: 'none: `SKYWEIR_TLS_PASSWORD`, else no password',
    sample: '/etc/skyweir/tls-password',
    applies: 'live',
    group: 'Encryption',
    text: 'File whose first line is the password of the PKCS#12 file or of the private key.',
  }),
  tlsCert: optionalPath({
    flag: 'tls-cert',
    default: null,
    sample: '/etc/skyweir/fullchain.pem',
    applies: 'live',
    group: 'Encryption',
    text: 'PEM file with the certificate and its chain, the own certificate first; with `--tls-key` in place of a PKCS#12 file.',
  }),
  tlsKey: optionalPath({
    flag: 'tls-key',
    default: null,
    sample: '/etc/skyweir/privkey.pem',
    applies: 'live',
    group: 'Encryption',
    text: 'PEM file with the private key of `--tls-cert`.',
  }),

  cameras: complete<number | CameraEntry[]>(
    {
      flag: 'cameras',
      default: 16,
      unit: 'cameras',
      applies: 'live',
      group: 'Cameras',
      text: 'Number of cameras: `/stream1` to `/streamN`. In the file it may also be a list with a name and a path for each camera.',
    },
    {
      kind: 'cameras',
      valueName: '<n>',
      schema: camerasSchema(maximumCameras),
      allowed: camerasAllowed(maximumCameras),
      range: `1-${maximumCameras}`,
      format: (value) => (typeof value === 'number' ? value : value.length),
    },
  ),
  hardware: complete<HardwareEntry[]>(
    {
      flag: 'hardware',
      default: [],
      defaultText: 'none: one device for every 16 of `cameras`',
      applies: 'live',
      group: 'Cameras',
      text: 'The ONVIF devices one by one, in place of `cameras`: each with a name, up to 16 cameras, and where it differs from the rest its own ports and limits.',
      onlyInFile: true,
    },
    {
      kind: 'hardware',
      valueName: '',
      schema: hardwareSchema,
      allowed: hardwareAllowed,
      range: `1-${maximumHardware} entries`,
      format: () => null,
    },
  ),
  publishConflict: choice({
    flag: 'publish-conflict',
    valueName: '<policy>',
    values: ['reject', 'takeover', 'takeover-stale'],
    default: 'reject',
    applies: 'live',
    group: 'Cameras',
    text: 'What happens to a second publisher of a path. `reject` refuses it, `takeover` lets it replace the first, `takeover-stale` only if it has the same address or the first was silent for 3 s.',
  }),
  gopCache: boolean({
    flag: 'gop-cache',
    default: false,
    applies: 'restart',
    group: 'Cameras',
    text: 'Keep the newest group of pictures, so that a reader starts at once and not at the next keyframe. Takes more memory.',
  }),

  offlineInfo: hardwareSettings['offline-info'],

  maxConnections: hardwareSettings['max-connections'],
  maxConnectionsPerIp: hardwareSettings['max-connections-per-ip'],
  rateLimit: hardwareSettings['rate-limit'],
  rateLimitPerSecond: hardwareSettings['rate-limit-per-second'],
  allowIp: list({
    flag: 'allow-ip',
    valueName: '<addresses>',
    entry: addressRange,
    allowed: addressRangeAllowed,
    default: [],
    defaultText: 'none: every address',
    sample: ['192.0.2.0/24', '2001:db8::/32'],
    applies: 'live',
    group: 'Limits and deadlines',
    text: 'Addresses and networks that may publish, all others may not.',
  }),
  denyIp: list({
    flag: 'deny-ip',
    valueName: '<addresses>',
    entry: addressRange,
    allowed: addressRangeAllowed,
    default: [],
    defaultText: 'none',
    sample: ['198.51.100.7'],
    applies: 'live',
    group: 'Limits and deadlines',
    text: 'Addresses and networks that may not publish, even if `allow-ip` names them.',
  }),
  handshakeTimeoutMs: duration({
    flag: 'handshake-timeout',
    default: 5000,
    minMs: 100,
    maxMs: 600_000,
    applies: 'live',
    group: 'Limits and deadlines',
    text: 'A connection that has not finished the RTMP handshake by then is closed.',
  }),
  publishTimeoutMs: duration({
    flag: 'publish-timeout',
    default: 10_000,
    minMs: 100,
    maxMs: 3_600_000,
    applies: 'live',
    group: 'Limits and deadlines',
    text: 'A connection that has not started to publish by then is closed.',
  }),
  videoTimeoutMs: duration({
    flag: 'video-timeout',
    default: 15_000,
    minMs: 100,
    maxMs: 3_600_000,
    applies: 'live',
    group: 'Limits and deadlines',
    text: 'A publisher that sends no video for this long is disconnected.',
  }),
  receiveTimeoutMs: duration({
    flag: 'receive-timeout',
    default: 30_000,
    minMs: 100,
    maxMs: 3_600_000,
    applies: 'live',
    group: 'Limits and deadlines',
    text: 'A connection that sends nothing at all for this long is closed.',
  }),

  auth: boolean({
    flag: 'auth',
    default: true,
    applies: 'restart',
    group: 'Access',
    text: 'Ask RTSP readers for user name and password. Off lets everyone who reaches the port watch every camera.',
  }),
  user: text({
    flag: 'user',
    valueName: '<name>',
    default: 'skyweir',
    pattern: /^[^\s:"\\\p{C}]{1,64}$/u,
    allowed: 'a name of 1 to 64 characters without spaces, colons, quotes and backslashes',
    applies: 'restart',
    group: 'Access',
    text: 'User name that RTSP readers give.',
  }),
  passwordFile: optionalPath({
    flag: 'password-file',
    default: null,
    defaultText: 'none: `SKYWEIR_PASSWORD`, else a generated password kept in the state folder',
    sample: '/etc/skyweir/password',
    applies: 'restart',
    group: 'Access',
    text: 'File whose first line is the password that RTSP readers give.',
  }),
  rtspDigestSha256: boolean({
    flag: 'rtsp-digest-sha256',
    default: false,
    applies: 'restart',
    group: 'Access',
    text: 'Offer SHA-256 beside MD5 for the RTSP password. Off, because some players fail when both are offered.',
  }),
  stateDir: text({
    flag: 'state-dir',
    valueName: '<folder>',
    default: ({ stateDirectory }) => stateDirectory ?? '.skyweir',
    defaultText: '`.skyweir` in the working directory; as a systemd service its state folder',
    sample: '/var/lib/skyweir',
    pattern: pathPattern,
    allowed: 'the path of a folder',
    applies: 'restart',
    group: 'Access',
    text: 'Folder for what must outlive a restart, such as the generated password.',
  }),

  statsIntervalMs: duration({
    flag: 'stats-interval',
    default: 30_000,
    minMs: 1000,
    maxMs: 86_400_000,
    applies: 'live',
    group: 'Statistics and logging',
    text: 'How often a block of statistics is logged for each live stream.',
  }),
  logLevel: choice({
    flag: 'log-level',
    valueName: '<level>',
    values: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'info',
    applies: 'restart',
    group: 'Statistics and logging',
    text: 'Least important messages that are logged.',
  }),
  logFormat: choice({
    flag: 'log-format',
    valueName: '<format>',
    values: ['pretty', 'json'],
    default: ({ terminal }) => (terminal ? 'pretty' : 'json'),
    defaultText: 'pretty on a terminal, else json',
    sample: 'json',
    applies: 'restart',
    group: 'Statistics and logging',
    text: '`pretty` is for people, `json` has one JSON object per line for log collectors.',
  }),

  ingestWorkers: integer({
    flag: 'ingest-workers',
    default: ({ cores }) => Math.min(256, Math.max(1, cores - 1)),
    defaultText: 'processor cores - 1, at least 1 thread',
    sample: 3,
    min: 1,
    max: 256,
    applies: 'restart',
    group: 'Performance',
    text: 'Threads that receive streams. A new connection goes to the one that receives least at that moment, and stays there.',
  }),
  consumers: integer({
    flag: 'consumers',
    default: 1,
    min: 1,
    // Each needs a reader slot in every ring.
    max: limits.ring.readerSlots,
    unit: 'thread',
    applies: 'restart',
    group: 'Performance',
    text: 'Threads that serve RTSP readers. Readers are spread over them one by one, whatever camera they read: several readers of a camera may be on several threads, which costs a little more than on one.',
  }),
  ringFrames: integer({
    flag: 'ring-frames',
    default: limits.ring.frames,
    min: 16,
    max: 4096,
    unit: 'frames',
    applies: 'restart',
    group: 'Performance',
    text: 'Frames that are kept per camera for a reader that is behind. A reader that is further behind loses frames up to the next keyframe.',
  }),
  ringBytes: bytesOrAuto({
    flag: 'ring-bytes',
    default: 'auto',
    min: 256 * 1024,
    max: limits.ring.hardMaximumBytes,
    applies: 'restart',
    group: 'Performance',
    text: 'Memory per live camera for these frames. `auto` starts at 1 MiB and grows with the bitrate to 8 MiB.',
  }),

  configFile: optionalPath({
    flag: 'config',
    default: null,
    applies: 'restart',
    group: 'Process',
    text: 'YAML file with any of these keys. Environment variables win over the file, flags win over both.',
    inFile: false,
  }),
  drainTimeoutMs: duration({
    flag: 'drain-timeout',
    default: 3000,
    minMs: 0,
    maxMs: 60_000,
    applies: 'live',
    group: 'Process',
    text: 'Time that connections get to end in order when Skyweir is stopped.',
  }),
} as const;

/** The property of {@link Config} that a setting fills. */
export type SettingKey = keyof typeof settings;

/** The values of all settings as they were given or defaulted, before cameras are resolved. */
export type SettingValues = { [K in SettingKey]: z.output<(typeof settings)[K]['schema']> };

/** The effective configuration: plain, deep-frozen, and fit to be handed to a worker thread. Durations in milliseconds. */
export type Config = Readonly<Omit<SettingValues, 'cameras'>> & {
  /** Number of cameras, the length of `cameraList`. */
  readonly cameras: number;
  /** All cameras, those of the first hardware first. */
  readonly cameraList: readonly ConfiguredCamera[];
  readonly hardwareList: readonly Hardware[];
  readonly listenerList: readonly RtmpListener[];
};

/** All keys in the order of the help. */
export const settingKeys = Object.keys(settings) as SettingKey[];

/** The file that keeps a generated password. */
export function storedPasswordFile(stateDir: string): string {
  return join(stateDir, 'password');
}

/** Whether any listener speaks TLS, so that a certificate is needed. */
export function servesTls(config: Pick<Config, 'listenerList'>): boolean {
  return config.listenerList.some(({ tls, rtmpsPort }) => tls || rtmpsPort !== null);
}
