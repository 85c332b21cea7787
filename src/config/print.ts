import { Document, Pair, Scalar, YAMLMap } from 'yaml';
import { resolveCameras } from './camera-list.ts';
import type { LoadedConfig } from './load.ts';
import { type Config, settingKeys, settings } from './schema.ts';
import type { Setting } from './setting.ts';

/**
 * The effective configuration as YAML that `--config` reads again, each line with where its value came from. It holds no
 * secret: passwords are never part of the configuration.
 */
export function printConfig({ config, origins }: LoadedConfig): string {
  const map = new YAMLMap();
  const document = new Document(map);
  for (const key of settingKeys) {
    const setting = settings[key] as Setting<unknown>;
    if (!setting.inFile) continue;
    const value = key === 'cameras' ? camerasForFile(config) : setting.format(config[key]);
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

/** The plain number if it says everything, else the list. */
function camerasForFile(config: Config): unknown {
  const plain = JSON.stringify(resolveCameras(config.cameras)) === JSON.stringify(config.cameraList);
  return plain ? config.cameras : config.cameraList;
}
