import type { IngestRules } from '../ingest-rules/ingest-rules.ts';
import { type Camera, type CameraEntry, camerasPerHardware, fillNumbers, resolveCameras } from './camera-list.ts';
import { type RuleDefaults, resolveRules } from './camera-rules.ts';
import type { HardwareEntry } from './hardware-list.ts';

/** A camera with what follows from the hardware that it belongs to. */
export interface ConfiguredCamera extends Camera {
  /** Place of its hardware in the list of hardware. */
  readonly hardware: number;
  /** Which channel of its ONVIF device it is, from 1: its tokens are made from that. */
  readonly channel: number;
  /** The {@link RtmpListener} that publishers reach it at. */
  readonly listener: string;
  readonly offlineInfo: boolean;
  /** What its stream must be like. */
  readonly rules: IngestRules;
}

/** One ONVIF device: what XProtect adds as hardware. */
export interface Hardware {
  readonly name: string;
  /** What it is known by, from 1: its identity and what it has by default follow from that. */
  readonly number: number;
  /** 0 takes any free port. */
  readonly onvifPort: number;
  /** The {@link RtmpListener} of its cameras. */
  readonly listener: string;
  /** How many of the camera list are its own; they follow those of the hardware before. */
  readonly cameras: number;
}

/** A port that publishers connect to, with limits of its own. */
export interface RtmpListener {
  /** Stable while the configured port is: what a listener is recognised by when the configuration changes. */
  readonly key: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly tls: boolean;
  /** A second port of the same cameras, for RTMPS; null is none. */
  readonly rtmpsPort: number | null;
  readonly maxConnections: number;
  /** 0 = no limit. */
  readonly maxConnectionsPerIp: number;
  /** New connections per second and address; 0 = no limit. */
  readonly ratePerSecond: number;
}

/** The settings that hardware without settings of its own follows. */
export interface HardwareDefaults extends RuleDefaults {
  readonly cameras: number | readonly CameraEntry[];
  readonly rtmpPort: number;
  readonly rtmpsPort: number;
  readonly rtspPort: number;
  readonly http: boolean;
  readonly httpPort: number;
  readonly onvif: boolean;
  readonly onvifPort: number;
  readonly tls: boolean;
  readonly offlineInfo: boolean;
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  readonly rateLimit: boolean;
  readonly rateLimitPerSecond: number;
}

/** What a configuration serves, with everything that was left out filled in. */
export interface HardwarePlan {
  readonly hardwareList: readonly Hardware[];
  readonly listenerList: readonly RtmpListener[];
  readonly cameraList: readonly ConfiguredCamera[];
}

/** Number of cameras that entries and `cameras` come to. */
export function countCameras(entries: readonly HardwareEntry[], cameras: number | readonly CameraEntry[]): number {
  return splitCameras(entries, cameras).reduce((sum, entry) => sum + countOf(entry.cameras), 0);
}

/** Fills in what entries leave out. Without entries, every 16 cameras are one hardware on the ports of the defaults. */
export function planHardware(entries: readonly HardwareEntry[], defaults: HardwareDefaults): HardwarePlan {
  const hardwareList: Hardware[] = [];
  const cameraList: ConfiguredCamera[] = [];
  const listeners = new Map<string, RtmpListener>();
  const split = splitCameras(entries, defaults.cameras);
  const numbers = fillNumbers(split.map(({ number }) => number));
  const isOnly = numbers.length === 1 && numbers[0] === 1;
  // Without a list the cameras are numbered through, over all hardware.
  const numbered = entries.length === 0 ? resolveCameras(defaults.cameras) : [];
  split.forEach((entry, index) => {
    const number = numbers[index]!;
    const listener = listenerOf(entry, number, defaults);
    if (!listeners.has(listener.key)) listeners.set(listener.key, listener);
    const cameras =
      entries.length === 0
        ? numbered.slice(index * camerasPerHardware, (index + 1) * camerasPerHardware)
        : resolveCameras(entry.cameras ?? camerasPerHardware);
    const name = entry.name ?? (isOnly ? 'Skyweir' : `Skyweir ${number}`);
    hardwareList.push({
      name,
      number,
      onvifPort: entry['onvif-port'] ?? (defaults.onvifPort === 0 ? 0 : defaults.onvifPort + number - 1),
      listener: listener.key,
      cameras: cameras.length,
    });
    const offlineInfo = entry['offline-info'] ?? defaults.offlineInfo;
    for (const { number: place, ...camera } of cameras) {
      const channel = ((place - 1) % camerasPerHardware) + 1;
      const rules = resolveRules(defaults, entry, camera.ownRules);
      cameraList.push({ ...camera, hardware: index, channel, listener: listener.key, offlineInfo, rules });
    }
  });
  return { hardwareList, listenerList: [...listeners.values()], cameraList };
}

function splitCameras(
  entries: readonly HardwareEntry[],
  cameras: number | readonly CameraEntry[],
): readonly HardwareEntry[] {
  if (entries.length > 0) return entries;
  const total = countOf(cameras);
  return Array.from({ length: Math.ceil(total / camerasPerHardware) }, (_, index) => ({
    cameras: Math.min(camerasPerHardware, total - index * camerasPerHardware),
  }));
}

function countOf(cameras: number | readonly CameraEntry[] | undefined): number {
  if (cameras === undefined) return camerasPerHardware;
  return typeof cameras === 'number' ? cameras : cameras.length;
}

/** The listener of an entry's cameras, as that entry alone would have it; `number` is that of the hardware. */
export function listenerOf(entry: HardwareEntry, number: number, defaults: HardwareDefaults): RtmpListener {
  const port = entry['rtmp-port'] ?? defaults.rtmpPort;
  const shared = port === defaults.rtmpPort && !(port === 0 && entry['rtmp-port'] === 0);
  const rtmpsPort = shared && defaults.rtmpsPort !== 0 ? defaults.rtmpsPort : null;
  const rateLimit = entry['rate-limit'] ?? defaults.rateLimit;
  return {
    // A hardware that asks for a free port of its own gets one.
    key: shared || port !== 0 ? String(port) : `free ${number}`,
    port,
    tls: rtmpsPort === null && (entry.tls ?? defaults.tls),
    rtmpsPort,
    maxConnections: entry['max-connections'] ?? defaults.maxConnections,
    maxConnectionsPerIp: entry['max-connections-per-ip'] ?? defaults.maxConnectionsPerIp,
    ratePerSecond: rateLimit ? (entry['rate-limit-per-second'] ?? defaults.rateLimitPerSecond) : 0,
  };
}
