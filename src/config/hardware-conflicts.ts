import {
  type ConfiguredCamera,
  type HardwareDefaults,
  type HardwarePlan,
  listenerOf,
  type RtmpListener,
} from './hardware.ts';
import type { HardwareEntry } from './hardware-list.ts';

/** Two entries that cannot stand beside each other. */
export interface Conflict {
  /** Leads to the later of the two in the list of hardware (or in that of the cameras, without one). */
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
  /** Names both, says why and what to do. */
  readonly text: string;
}

/** What the entries claim twice: ports, paths, and one port with different limits. */
export function findConflicts(
  entries: readonly HardwareEntry[],
  plan: HardwarePlan,
  defaults: HardwareDefaults,
): Conflict[] {
  return [
    ...numberConflicts(entries, plan),
    ...pathConflicts(entries, plan),
    ...portConflicts(entries, plan, defaults),
    ...listenerConflicts(entries, plan, defaults),
  ];
}

/** A number is one hardware's, and a channel one camera's of it. */
function numberConflicts(entries: readonly HardwareEntry[], { hardwareList }: HardwarePlan): Conflict[] {
  const conflicts: Conflict[] = [];
  const numbers = new Map<number, number>();
  entries.forEach(({ number, cameras }, index) => {
    const { name } = hardwareList[index]!;
    const other = number === undefined ? undefined : numbers.get(number);
    if (other !== undefined) {
      const text = `hardware "${name}" has the same number as hardware "${hardwareList[other]!.name}"; give one of them another`;
      conflicts.push({ path: [index, 'number'], value: number, text });
    }
    if (number !== undefined) numbers.set(number, index);
    const channels = new Set<number>();
    for (const [place, { channel }] of Array.isArray(cameras) ? cameras.entries() : []) {
      if (channel !== undefined && channels.has(channel)) {
        const text = `another camera of hardware "${name}" has the same channel; give one of them another`;
        conflicts.push({ path: [index, 'cameras', place, 'channel'], value: channel, text });
      }
      if (channel !== undefined) channels.add(channel);
    }
  });
  return conflicts;
}

/** Paths are compared as publishers' are: upper and lower case are the same. */
function pathConflicts(entries: readonly HardwareEntry[], { hardwareList, cameraList }: HardwarePlan): Conflict[] {
  const conflicts: Conflict[] = [];
  const pushed = new Map<string, number>();
  const pulled = new Map<string, number>();
  let start = 0;
  let hardware = 0;
  cameraList.forEach((camera, index) => {
    if (camera.hardware !== hardware) {
      hardware = camera.hardware;
      start = index;
    }
    const describe = (at: number): string => {
      const other = cameraList[at]!;
      return entries.length === 0
        ? `"${other.name}" (camera ${at + 1}, ${other.path})`
        : `"${other.name}" of hardware "${hardwareList[other.hardware]!.name}"`;
    };
    const place = entries.length === 0 ? [index] : [hardware, 'cameras', index - start];
    const pushKey = `${camera.listener} ${camera.path.toLowerCase()}`;
    const pullKey = camera.rtspPath.toLowerCase();
    const samePath = pushed.get(pushKey);
    const sameRtspPath = pulled.get(pullKey);
    if (samePath !== undefined) {
      const text = `"${camera.name}"${of(camera)} has the same path as ${describe(samePath)}; give every camera its own path (upper and lower case count as the same)`;
      conflicts.push({ path: [...place, 'path'], value: camera.path, text });
    } else if (sameRtspPath !== undefined) {
      const text = `"${camera.name}"${of(camera)} has the same RTSP path as ${describe(sameRtspPath)}; readers reach both at one port, so give one of them an rtsp-path of its own`;
      conflicts.push({ path: [...place, 'rtsp-path'], value: camera.rtspPath, text });
    }
    if (samePath === undefined) pushed.set(pushKey, index);
    if (sameRtspPath === undefined) pulled.set(pullKey, index);
  });
  return conflicts;

  function of(camera: ConfiguredCamera): string {
    return entries.length === 0 ? '' : ` of hardware "${hardwareList[camera.hardware]!.name}"`;
  }
}

/** Every port has one use. What single settings claim of each other is checked where those are. */
function portConflicts(
  entries: readonly HardwareEntry[],
  { hardwareList, listenerList }: HardwarePlan,
  defaults: HardwareDefaults,
): Conflict[] {
  const conflicts: Conflict[] = [];
  const owners = new Map<number, string>();
  if (defaults.http && defaults.httpPort !== 0) owners.set(defaults.httpPort, 'http-port');
  if (defaults.rtspPort !== 0) owners.set(defaults.rtspPort, 'rtsp-port');
  for (const { port, rtmpsPort } of listenerList) {
    if (rtmpsPort !== null) owners.set(rtmpsPort, 'rtmps-port');
    if (port === defaults.rtmpPort && port !== 0) owners.set(port, 'rtmp-port');
  }
  hardwareList.forEach(({ name, listener }, index) => {
    const { port } = listenerList.find(({ key }) => key === listener)!;
    const own = entries[index]?.['rtmp-port'] !== undefined && port !== defaults.rtmpPort;
    if (own) claim(port, `the rtmp-port of hardware "${name}"`, [index, 'rtmp-port'], true);
  });
  hardwareList.forEach(({ name, onvifPort }, index) => {
    if (!defaults.onvif) return;
    if (onvifPort > 65_535)
      conflicts.push({
        path: [index, 'onvif-port'],
        value: onvifPort,
        text: `the ONVIF device "${name}" would need a port above 65535; choose a lower onvif-port`,
      });
    else claim(onvifPort, `the onvif-port of hardware "${name}"`, [index, 'onvif-port'], false);
  });
  return conflicts;

  function claim(port: number, owner: string, path: readonly PropertyKey[], sharable: boolean): void {
    if (port === 0) return;
    const other = owners.get(port);
    if (other === undefined) owners.set(port, owner);
    else if (!(sharable && other.startsWith('the rtmp-port')))
      conflicts.push({ path, value: port, text: `${owner} is also ${other}; choose another port for one of them` });
  }
}

/** Hardware that shares a listener shares its limits. */
function listenerConflicts(
  entries: readonly HardwareEntry[],
  { hardwareList, listenerList }: HardwarePlan,
  defaults: HardwareDefaults,
): Conflict[] {
  const conflicts: Conflict[] = [];
  entries.forEach((entry, index) => {
    const own = listenerOf(entry, hardwareList[index]!.number, defaults);
    const shared = listenerList.find(({ key }) => key === own.key)!;
    const first = hardwareList.findIndex(({ listener }) => listener === own.key);
    for (const [name, key] of sharedByListener) {
      if (own[key] === shared[key]) continue;
      const text = `hardware "${hardwareList[index]!.name}" shares the RTMP port ${own.port} with hardware "${hardwareList[first]!.name}", where this is another; say the same in both, or give one of them its own rtmp-port`;
      conflicts.push({ path: [index, name], value: entry[name] ?? own[key], text });
    }
  });
  return conflicts;
}

const sharedByListener = [
  ['tls', 'tls'],
  ['max-connections', 'maxConnections'],
  ['max-connections-per-ip', 'maxConnectionsPerIp'],
  ['rate-limit-per-second', 'ratePerSecond'],
] as const satisfies readonly (readonly [keyof HardwareEntry, keyof RtmpListener])[];
