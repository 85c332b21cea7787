import { Document, Pair, Scalar, YAMLMap } from 'yaml';
import { type Camera, type CameraEntry, resolveCameras } from './camera-list.ts';
import { shownHook } from './hook-list.ts';
import type { LoadedConfig } from './load.ts';
import { type Config, type SettingKey, settingKeys, settings } from './schema.ts';
import type { Setting } from './setting.ts';

/**
 * The effective configuration as YAML that `--config` reads again, each line with where its value came from. It holds no
 * secret: passwords are never part of the configuration.
 */
export function printConfig({ config, origins }: LoadedConfig): string {
  const map = new YAMLMap();
  const document = new Document(map);
  for (const key of settingKeys) {
    const setting = settings[key];
    if (!setting.inFile) continue;
    const value = valueForFile(key, config);
    if (value === undefined) continue;
    const node = document.createNode(value);
    const origin = origins.get(key) ?? 'default';
    const name = new Scalar(setting.flag);
    if (node instanceof Scalar) node.comment = ` ${origin}`;
    else name.commentBefore = ` ${origin}`;
    map.add(new Pair(name, node));
  }
  if (config.configFile !== null) document.commentBefore = ` With ${config.configFile} (${origins.get('configFile')}).`;
  return document.toString({ lineWidth: 0 });
}

/** The effective configuration by the keys of the file, as plain values. It holds no secret either. */
export function configValues(config: Config): Record<string, unknown> {
  const entries = settingKeys
    .filter((key) => settings[key].inFile)
    .map((key) => [settings[key].flag, valueForFile(key, config)]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** The value as YAML has it; undefined for what is said by another key. */
function valueForFile(key: SettingKey, config: Config): unknown {
  if (key === 'hardware') return config.hardware.length > 0 ? config.hardware : undefined;
  if (key === 'hooks') return config.hooks.map(shownHook);
  if (key === 'cameras') return config.hardware.length > 0 ? undefined : camerasForFile(config);
  return (settings[key] as Setting<unknown>).format(config[key]);
}

/** The plain number if it says everything, else the list. */
function camerasForFile({ cameras, cameraList }: Config): unknown {
  const names = (list: readonly Camera[]): CameraEntry[] =>
    list.map(({ name, path, rtspPath, ownRules, ownAccess }) => ({
      name,
      path,
      ...(rtspPath !== path && { 'rtsp-path': rtspPath }),
      ...ownRules,
      ...ownAccess,
    }));
  const plain = JSON.stringify(names(resolveCameras(cameras))) === JSON.stringify(names(cameraList));
  return plain ? cameras : names(cameraList);
}
