import { isDeepStrictEqual } from 'node:util';
import { type Config, settingKeys, settings } from './schema.ts';

/** How one configuration differs from the one in force, by keys as the file has them. */
export interface ConfigChanges {
  /** Take effect at once. */
  readonly live: readonly string[];
  /** Take effect when Skyweir is started again. */
  readonly waiting: readonly string[];
}

/** What changes from `running` to `wanted`. */
export function describeChanges(wanted: Config, running: Config): ConfigChanges {
  const changed = settingKeys.filter((key) => !isDeepStrictEqual(wanted[key], running[key]));
  const flags = (applies: string): string[] =>
    changed.filter((key) => settings[key].applies === applies).map((key) => settings[key].flag);
  const live = flags('live');
  // Two lists of cameras may have the same length.
  const sameCameras = isDeepStrictEqual(names(wanted), names(running));
  if (!sameCameras && !live.includes('cameras') && !live.includes('hardware')) live.push('cameras');
  return { live, waiting: flags('restart') };
}

/** `wanted`, but with what cannot change while the process runs as it is in `running`. */
export function keepFixed(wanted: Config, running: Config): Config {
  const fixed = settingKeys.filter((key) => settings[key].applies === 'restart');
  return { ...wanted, ...Object.fromEntries(fixed.map((key) => [key, running[key]])) };
}

function names({ cameraList }: Config): unknown {
  return cameraList.map(({ name, path, rtspPath, ownRules, ownAccess }) => [name, path, rtspPath, ownRules, ownAccess]);
}
