import type { NetworkInterfaceInfo } from 'node:os';
import { hostAndPort } from './base/address.ts';
import { limits } from './base/limits.ts';
import type { Camera } from './config/camera-list.ts';
import type { Credentials } from './config/credentials.ts';
import type { Config } from './config/schema.ts';
import { payloadStartOf } from './shm/layout.ts';

/** What the start banner tells. */
export interface StartFacts {
  readonly version: string;
  readonly config: Config;
  /** What the server listens on, with the real ports if free ones were asked for. `rtmpsPort` is a second RTMP port. */
  readonly addresses: {
    readonly host: string;
    readonly rtmpPort: number;
    readonly rtmpsPort?: number | null;
    readonly rtspPort: number;
    readonly listeners?: readonly { readonly key: string; readonly rtmp: number }[];
    /** ONVIF devices. */
    readonly onvif?: readonly { readonly name: string; readonly port: number }[];
    /** Of health, metrics and API; null or absent is none. */
    readonly httpPort?: number | null;
  };
  /** Host names for URLs, the best first; see {@link reachableHosts}. */
  readonly hosts: readonly string[];
  readonly credentials: Credentials | null;
}

/** Bytes of frame rings when all cameras are live. */
export interface RingMemory {
  readonly startBytes: number;
  /** When the bitrate of every camera has made its ring grow. */
  readonly grownBytes: number;
  /** When every camera has sent the largest frame that is accepted. */
  readonly worstCaseBytes: number;
}

/** Devices that are listed one by one. */
const shownDevices = 4;

/** Further addresses that are listed; a machine with containers has dozens. */
const furtherHosts = 4;

const labelWidth = 13;

/** The banner for a person: where to push and pull, the credentials, and how to stop. Several lines, with a last line break. */
export function describeStart(facts: StartFacts): string {
  const { addresses, config, credentials } = facts;
  const host = facts.hosts[0] ?? '127.0.0.1';
  const camera = config.cameraList[0]!;
  const scheme = config.listenerList[0]!.tls ? 'rtmps' : 'rtmp';
  const push = streamUrl(scheme, host, addresses.rtmpPort, camera.path);
  const pull = streamUrl('rtsp', host, addresses.rtspPort, camera.path);
  const obs = obsFields(scheme, host, addresses.rtmpPort, camera);
  const secondPort = addresses.rtmpsPort ?? null;
  const devices = addresses.onvif ?? [];
  const listeners = [`${scheme.toUpperCase()} on ${hostAndPort(addresses.host, addresses.rtmpPort)}`];
  if (secondPort !== null) listeners.push(`RTMPS on ${hostAndPort(addresses.host, secondPort)}`);
  for (const { key, rtmp } of addresses.listeners?.slice(1) ?? []) {
    const { tls } = config.listenerList.find((listener) => listener.key === key) ?? { tls: false };
    listeners.push(`${tls ? 'RTMPS' : 'RTMP'} on ${hostAndPort(addresses.host, rtmp)}`);
  }
  listeners.push(`RTSP on ${hostAndPort(addresses.host, addresses.rtspPort)}`);

  const lines = [`Skyweir ${facts.version} is ready.`, row('Listening', listeners.join(', '))];
  const further = facts.hosts.slice(1, 1 + furtherHosts);
  if (further.length > 0) lines.push(row('Also at', further.join(', ')));
  lines.push(row('Cameras', describeCameras(config.cameraList)));
  lines.push('', row('Push to', push));
  if (secondPort !== null) lines.push(row('  or', streamUrl('rtmps', host, secondPort, camera.path)));
  lines.push(row('  OBS', `Settings > Stream, Service "Custom..."`));
  lines.push(row('', `Server:     ${obs.server}`), row('', `Stream Key: ${obs.streamKey}`));
  lines.push(row('  FFmpeg', ffmpegCommand(push)));
  lines.push('', row('Pull from', pull));
  if (credentials === null) {
    lines.push(row('  Access', 'open: no user name or password is asked (--no-auth)'));
  } else {
    lines.push(row('  User', credentials.user), row('  Password', describePassword(credentials)));
  }
  if (devices.length > 0) lines.push('', ...describeDevices(devices, host));
  lines.push(...describeStatusPage(facts, host));
  lines.push('');
  const memory = ringMemory(config);
  const cameras = config.cameras === 1 ? '1 camera' : `${config.cameras} cameras`;
  const growth = memory.grownBytes === memory.startBytes ? '' : `, ${mib(memory.grownBytes)} at high bitrates`;
  lines.push(
    row(
      'Ring memory',
      `${mib(memory.startBytes)} with ${cameras} live${growth}, at most ${mib(memory.worstCaseBytes)}`,
    ),
  );
  lines.push('Ctrl-C stops it.', '');
  return lines.join('\n');
}

/** The same as one structured record for the log, without any password. */
export function startRecord(facts: StartFacts): object {
  const { addresses, config, credentials } = facts;
  const host = facts.hosts[0] ?? '127.0.0.1';
  const path = config.cameraList[0]!.path;
  const secondPort = addresses.rtmpsPort ?? null;
  const secure = config.listenerList[0]!.tls;
  return {
    version: facts.version,
    [secure ? 'rtmps' : 'rtmp']: hostAndPort(addresses.host, addresses.rtmpPort),
    ...(secondPort !== null && { rtmps: hostAndPort(addresses.host, secondPort) }),
    rtsp: hostAndPort(addresses.host, addresses.rtspPort),
    ...(addresses.httpPort && { http: hostAndPort(config.httpHost || addresses.host, addresses.httpPort) }),
    ...(addresses.onvif?.length && { onvifPorts: addresses.onvif.map(({ port }) => port) }),
    hosts: facts.hosts,
    cameras: config.cameras,
    pushUrl: streamUrl(secure ? 'rtmps' : 'rtmp', host, addresses.rtmpPort, path),
    ...(secondPort !== null && { securePushUrl: streamUrl('rtmps', host, secondPort, path) }),
    pullUrl: streamUrl('rtsp', host, addresses.rtspPort, path),
    user: credentials?.user ?? null,
    passwordOrigin: credentials?.origin ?? null,
    passwordFile: credentials?.file ?? null,
    ringMemory: ringMemory(config),
  };
}

/** What the rings of all cameras take. Rings are made when a camera is first published to. */
export function ringMemory(config: Pick<Config, 'cameras' | 'ringFrames' | 'ringBytes'>): RingMemory {
  const { initialBytes, maximumBytes, hardMaximumBytes } = limits.ring;
  const fixed = config.ringBytes === 'auto' ? null : config.ringBytes;
  const total = (payload: number): number => config.cameras * (payloadStartOf(config.ringFrames) + payload);
  return {
    startBytes: total(fixed ?? initialBytes),
    grownBytes: total(fixed ?? maximumBytes),
    worstCaseBytes: total(Math.max(hardMaximumBytes, fixed ?? 0)),
  };
}

/**
 * The hosts under which others reach a listener bound to `address`: the address itself, or for "every address" those of
 * the machine's own interfaces, IPv4 first. Never empty.
 */
export function reachableHosts(
  address: string,
  interfaces: Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>,
): string[] {
  if (address !== '::' && address !== '0.0.0.0') return [address];
  const own = Object.values(interfaces)
    .flatMap((list) => list ?? [])
    .filter((entry) => !entry.internal);
  const ipv4 = own.filter((entry) => entry.family === 'IPv4' && !entry.address.startsWith('169.254.'));
  // A link-local address is of no use in a URL without the reader's own interface name.
  const ipv6 = own.filter((entry) => entry.family === 'IPv6' && !/^fe[89ab]/i.test(entry.address));
  const hosts = [...ipv4, ...(address === '::' ? ipv6 : [])].map((entry) => entry.address);
  return hosts.length > 0 ? [...new Set(hosts)] : ['127.0.0.1'];
}

/** A URL of a stream; IPv6 addresses in brackets, the path escaped. */
export function streamUrl(scheme: 'rtmp' | 'rtmps' | 'rtsp', host: string, port: number, path: string): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `${scheme}://${name}:${port}${encodeURI(path)}`;
}

function httpUrl(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** What an operator gives to XProtect's Management Client. */
function describeDevices(devices: readonly { readonly name: string; readonly port: number }[], host: string): string[] {
  const url = (port: number): string => httpUrl(host, port);
  const first = devices[0]!;
  if (devices.length === 1)
    return [row('XProtect', `add hardware ${url(first.port)}, driver "ONVIF", with user and password from above`)];
  const shown = devices.slice(0, shownDevices).map(({ name, port }) => row('', `${url(port)}  ${name}`));
  const last = devices.at(-1)!;
  if (devices.length > shownDevices) shown.push(row('', `... ${url(last.port)}  ${last.name}`));
  return [
    row('XProtect', `add ${devices.length} hardware, driver "ONVIF", with user and password from above`),
    ...shown,
  ];
}

/** Where the status page is, and with it health, metrics and API. */
function describeStatusPage({ addresses, config, credentials }: StartFacts, host: string): string[] {
  const { httpPort = null } = addresses;
  if (httpPort === null) return [];
  const access = credentials === null ? '' : ', with user and password from above';
  const { httpHost } = config;
  const own = httpHost === '' || httpHost === '::' || httpHost === '0.0.0.0' ? host : httpHost;
  return [row('Status page', `${httpUrl(own, httpPort)}/${access}`)];
}

/** OBS takes the last part of the path as the key and everything before it as the server. */
function obsFields(
  scheme: 'rtmp' | 'rtmps',
  host: string,
  port: number,
  camera: Camera,
): { server: string; streamKey: string } {
  const cut = camera.path.lastIndexOf('/');
  return { server: streamUrl(scheme, host, port, camera.path.slice(0, cut)), streamKey: camera.path.slice(cut + 1) };
}

function ffmpegCommand(url: string): string {
  const quoted = /^[\w:/.%~+-]+$/.test(url) ? url : `"${url}"`;
  return `ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -c:v libx264 -preset veryfast -tune zerolatency -pix_fmt yuv420p -g 30 -f flv ${quoted}`;
}

function describePassword({ origin, password, file }: Credentials): string {
  switch (origin) {
    case 'generated':
      return `${password}   (new; shown only this once, kept in ${file})`;
    case 'stored':
      return `in ${file}`;
    case 'password-file':
      return `in ${file} (--password-file)`;
    case 'environment':
      return 'from SKYWEIR_PASSWORD';
  }
}

function describeCameras(cameras: readonly Camera[]): string {
  const first = cameras[0]!;
  const last = cameras.at(-1)!;
  if (cameras.length === 1) return `1: ${first.path}`;
  const join = cameras.length === 2 ? 'and' : cameras.every(hasDefaultPath) ? 'to' : '...';
  return `${cameras.length}: ${first.path} ${join} ${last.path}`;
}

function hasDefaultPath(camera: Camera, index: number): boolean {
  return camera.path === `/stream${index + 1}`;
}

/** A line of a page for people. */
export function row(label: string, text: string): string {
  return `${label.padEnd(labelWidth)}${text}`;
}

function mib(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
