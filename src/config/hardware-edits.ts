import { type CameraEntry, camerasPerHardware, fillNumbers } from './camera-list.ts';
import { type ConfigEdit, EditError, type Edited } from './edits.ts';
import { maximumHardware } from './hardware-list.ts';
import type { LoadedConfig } from './load.ts';
import type { Config } from './schema.ts';
import { type YamlPath, YamlText } from './yaml-text.ts';

/** Keys of an entry in the file with their values; null takes a key out of the file, so that its default counts. */
export type EntryChange = Readonly<Record<string, unknown>>;

/** A new camera by the keys of the file; what is left out is chosen so that it collides with nothing. */
export interface NewCamera extends EntryChange {
  readonly name?: string | null;
  readonly path?: string | null;
  readonly channel?: number;
}

/** A new hardware with its cameras, by the keys of the file. */
export interface NewHardware extends EntryChange {
  readonly number?: number;
  readonly cameras: number | readonly NewCamera[];
}

/** What the file said, in the form that it has after all. */
interface Opened {
  readonly yaml: YamlText;
  readonly config: Config;
  readonly notes: string[];
}

/** Changes one camera, whose place in the file stays. */
export function changeCamera(number: number, channel: number, change: EntryChange): ConfigEdit {
  return (text, load) => {
    const opened = open(text, load);
    const path = cameraPath(opened, number, channel);
    setOrDelete(opened.yaml, path, change);
    return { ...close(opened), same: { hardware: placeOf(opened.config, number), channel } };
  };
}

/** Takes a camera away. All others keep their channels. */
export function removeCamera(number: number, channel: number): ConfigEdit {
  return (text, load) => {
    let opened = open(text, load);
    const isLast = (number - 1) * camerasPerHardware + channel === opened.config.cameras;
    // Without hardware entries the cameras are numbered through: one in the middle cannot go without moving the others.
    if (opened.config.hardware.length === 0 && !isLast) opened = toHardware(opened, load);
    const { yaml, config } = opened;
    const path = cameraPath(opened, number, channel);
    const hardware = config.hardwareList.find((entry) => entry.number === number)!;
    if (config.cameras === 1 || (config.hardware.length > 0 && hardware.cameras === 1))
      throw new EditError('conflict', `${camera(number, channel)} is the last of its hardware; remove the hardware`);
    const list = path.slice(0, -1);
    const place = path.at(-1) as number;
    if (config.hardware.length > 0) keepNumbers(yaml, list, place, 'channel', channelsOf(config, number));
    yaml.delete(path);
    return close(opened);
  };
}

/** Adds a camera to a hardware, on a channel that was never used if there is one. */
export function addCamera(number: number, wanted: NewCamera, chosen: (channel: number) => void): ConfigEdit {
  return (text, load) => {
    let opened = open(text, load);
    const place = placeOf(opened.config, number);
    const used = channelsOf(opened.config, number);
    if (used.length >= camerasPerHardware)
      throw new EditError(
        'conflict',
        `hardware ${number} has ${camerasPerHardware} cameras already; add another hardware`,
      );
    const channel = wanted.channel ?? freeNumber(used, camerasPerHardware);
    if (used.includes(channel))
      throw new EditError(
        'conflict',
        `${camera(number, channel)} is there already; leave the channel out to get a free one`,
      );
    const isNext = place === opened.config.hardwareList.length - 1 && channel === used.length + 1;
    if (opened.config.hardware.length === 0 && !isNext) opened = toHardware(opened, load);
    const { yaml, config } = opened;
    const list = cameraList(opened, number);
    const entry = withPaths(config, [wanted], false)[0]!;
    const isUsual = fillNumbers([...explicitChannels(config, number), undefined]).at(-1) === channel;
    yaml.append(list, { ...entry, ...(config.hardware.length > 0 && !isUsual && { channel }) });
    chosen(channel);
    return close(opened);
  };
}

/** Changes what a hardware has of its own. */
export function changeHardware(number: number, change: EntryChange): ConfigEdit {
  return (text, load) => {
    let opened = open(text, load);
    placeOf(opened.config, number);
    if (opened.config.hardware.length === 0) opened = toHardware(opened, load);
    setOrDelete(opened.yaml, ['hardware', placeOf(opened.config, number)], change);
    return close(opened);
  };
}

/** Adds a hardware. */
export function addHardware(wanted: NewHardware, chosen: (number: number) => void): ConfigEdit {
  return (text, load) => {
    let opened = open(text, load);
    if (opened.config.hardware.length === 0) opened = toHardware(opened, load);
    const { yaml, config } = opened;
    const used = config.hardwareList.map((hardware) => hardware.number);
    if (used.length >= maximumHardware)
      throw new EditError('conflict', `there are ${maximumHardware} hardware already; remove one`);
    const { number: asked, cameras, ...own } = wanted;
    const number = asked ?? freeNumber(used, maximumHardware);
    if (used.includes(number))
      throw new EditError('conflict', `hardware ${number} is there already; leave the number out to get a free one`);
    keepNames(opened);
    const isUsual = fillNumbers([...config.hardware.map((entry) => entry.number), undefined]).at(-1) === number;
    const list = typeof cameras === 'number' ? Array.from({ length: cameras }, () => ({})) : cameras;
    const entry = { ...withoutNothing(own), cameras: withPaths(config, list, true) };
    yaml.append(['hardware'], { ...(!isUsual && { number }), ...entry });
    chosen(number);
    return close(opened);
  };
}

/** Takes a hardware with its cameras away. All others keep their numbers, and with them their identities and ports. */
export function removeHardware(number: number): ConfigEdit {
  return (text, load) => {
    let opened = open(text, load);
    placeOf(opened.config, number);
    if (opened.config.hardwareList.length === 1)
      throw new EditError('conflict', `hardware ${number} is the only one; a server has at least one camera`);
    if (opened.config.hardware.length === 0) opened = toHardware(opened, load);
    const { yaml, config } = opened;
    const place = placeOf(config, number);
    keepNames(opened);
    const numbers = config.hardwareList.map((hardware) => hardware.number);
    keepNumbers(yaml, ['hardware'], place, 'number', numbers);
    yaml.delete(['hardware', place]);
    return close(opened);
  };
}

// ---- the lists of the file ---------------------------------------------------------------------------------------------

function open(text: string, load: (text: string) => LoadedConfig): Opened {
  const { config, sources, origins } = load(text);
  const source = sources.get('cameras');
  if (source === 'flag' || source === 'environment')
    throw new EditError(
      'conflict',
      `the cameras are given by ${origins.get('cameras')}, which wins over the file; take that away and start Skyweir again`,
    );
  return { yaml: new YamlText(text), config, notes: [] };
}

function close({ yaml, notes }: Opened): Edited {
  return { text: yaml.toString(), notes };
}

/** Writes `cameras` as hardware entries, which say the same. */
function toHardware({ yaml, config, notes }: Opened, load: (text: string) => LoadedConfig): Opened {
  const isList = Array.isArray(yaml.get(['cameras']));
  if (isList)
    for (const [index, { name, path }] of config.cameraList.entries()) {
      const given = yaml.get(['cameras', index]) as CameraEntry;
      for (const [key, value] of Object.entries({ name, path }))
        if (!(key in given)) yaml.set(['cameras', index, key], value);
    }
  const cameras = isList ? yaml.elements(['cameras']) : config.cameraList.map(({ name, path }) => ({ name, path }));
  const entries = config.hardwareList.map(({ name }, place) => {
    const first = place * camerasPerHardware;
    return { name, cameras: cameras.slice(first, first + camerasPerHardware) };
  });
  yaml.delete(['hardware']);
  yaml.rename('cameras', 'hardware');
  // First without the old value: what was one line becomes many.
  yaml.set(['hardware'], null);
  yaml.set(['hardware'], entries);
  const text = yaml.toString();
  const said = isList ? 'the list cameras' : `cameras: ${config.cameras}`;
  return { ...open(text, load), notes: [...notes, `${said} was turned into the list hardware, which says the same`] };
}

/** Where the list of a hardware's cameras stands: made of a plain number where that is all there is. */
function cameraList({ yaml, config, notes }: Opened, number: number): YamlPath {
  const place = placeOf(config, number);
  const isOwn = config.hardware.length > 0;
  const path = isOwn ? ['hardware', place, 'cameras'] : ['cameras'];
  if (Array.isArray(yaml.get(path))) return path;
  const cameras = isOwn ? config.cameraList.filter(({ hardware }) => hardware === place) : config.cameraList;
  yaml.set(
    path,
    cameras.map((entry) => ({ name: entry.name, path: entry.path })),
  );
  notes.push(`${isOwn ? `cameras of hardware ${number}` : 'cameras'}: ${cameras.length} was turned into a list`);
  return path;
}

/** Where a camera stands. Throws {@link EditError} if there is none. */
function cameraPath(opened: Opened, number: number, channel: number): YamlPath {
  const { config } = opened;
  const place = channelsOf(config, number).indexOf(channel);
  if (place < 0) throw new EditError('missing', `there is no ${camera(number, channel)}`);
  const start = config.hardware.length > 0 ? 0 : (number - 1) * camerasPerHardware;
  return [...cameraList(opened, number), start + place];
}

function camera(number: number, channel: number): string {
  return `camera on channel ${channel} of hardware ${number}`;
}

function placeOf({ hardwareList }: Config, number: number): number {
  const place = hardwareList.findIndex((hardware) => hardware.number === number);
  if (place < 0) throw new EditError('missing', `there is no hardware ${number}`);
  return place;
}

/** Channels of a hardware's cameras, in the order of the file. */
function channelsOf(config: Config, number: number): number[] {
  const place = placeOf(config, number);
  return config.cameraList.filter(({ hardware }) => hardware === place).map(({ channel }) => channel);
}

/** The same as the file gives them. */
function explicitChannels(config: Config, number: number): (number | undefined)[] {
  const cameras = config.hardware[placeOf(config, number)]?.cameras;
  return Array.isArray(cameras) ? cameras.map(({ channel }) => channel) : channelsOf(config, number);
}

/** What stands behind an element that goes keeps the number that it has: else it would take a lower one. */
function keepNumbers(yaml: YamlText, list: YamlPath, gone: number, key: string, numbers: readonly number[]): void {
  for (let place = gone + 1; place < numbers.length; place++)
    if (yaml.get([...list, place, key]) === undefined) yaml.set([...list, place, key], numbers[place]);
}

/** A hardware without a name is called by how many there are. */
function keepNames({ yaml, config }: Opened): void {
  if (config.hardwareList.length > 2) return;
  for (const [place, { name }] of config.hardwareList.entries())
    if (config.hardware[place]?.name === undefined) yaml.set(['hardware', place, 'name'], name);
}

/** One that was not used lately: recorders keep what they know of the others. */
function freeNumber(used: readonly number[], most: number): number {
  const next = Math.max(0, ...used) + 1;
  if (next <= most) return next;
  return Array.from({ length: most }, (_, index) => index + 1).find((number) => !used.includes(number))!;
}

/** The cameras as the file has them, each with a name and a path that no other has. */
function withPaths(config: Config, cameras: readonly NewCamera[], withChannels: boolean): CameraEntry[] {
  const all = [
    ...config.cameraList.flatMap(({ path, rtspPath }) => [path, rtspPath]),
    ...cameras.map(({ path }) => path),
  ];
  const taken = new Set(all.map((path) => path?.toLowerCase()));
  let next = 1;
  return cameras.map(({ name, path, channel, ...own }) => {
    if (!path) while (taken.has(`/stream${next}`)) next++;
    const number = path ? null : next++;
    return {
      ...((name ?? number !== null) && { name: name ?? `Stream ${number}` }),
      path: path ?? `/stream${number}`,
      ...withoutNothing(own),
      ...(withChannels && channel !== undefined && { channel }),
    };
  });
}

function withoutNothing(values: EntryChange): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined));
}

function setOrDelete(yaml: YamlText, path: YamlPath, change: Readonly<Record<string, unknown>>): void {
  const before = (yaml.get(path) ?? {}) as Readonly<Record<string, unknown>>;
  for (const [key, value] of Object.entries(change)) {
    if (value === undefined || value === before[key]) continue;
    if (value !== null) yaml.set([...path, key], value);
    else if (key in before) yaml.delete([...path, key]);
  }
}
