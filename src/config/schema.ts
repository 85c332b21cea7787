import { join } from 'node:path';
import type { z } from 'zod';
import type { ConfiguredCamera, Hardware, RtmpListener } from './hardware.ts';
import { accessSettings } from './settings/access.ts';
import { cameraSettings } from './settings/camera.ts';
import { encryptionSettings } from './settings/encryption.ts';
import { hookSettings } from './settings/hooks.ts';
import { limitSettings } from './settings/limit.ts';
import { networkSettings } from './settings/network.ts';
import { performanceSettings } from './settings/performance.ts';
import { processSettings } from './settings/process.ts';
import { publishAuthSettings } from './settings/publish-auth.ts';
import { ruleSettings } from './settings/rules.ts';
import { statisticsSettings } from './settings/statistics.ts';

/**
 * Every configuration key, in the order of the help and the reference. The property name is the one in {@link Config};
 * flag, environment variable and key of the file follow from `flag`.
 */
export const settings = {
  ...networkSettings,
  ...encryptionSettings,
  ...cameraSettings,
  ...limitSettings,
  ...ruleSettings,
  ...accessSettings,
  ...publishAuthSettings,
  ...statisticsSettings,
  ...hookSettings,
  ...performanceSettings,
  ...processSettings,
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

/** The file that changes are kept in where no `--config` names one. */
export function keptConfigFile(stateDir: string): string {
  return join(stateDir, 'skyweir.yaml');
}

/** Whether any listener speaks TLS, so that a certificate is needed. */
export function servesTls(config: Pick<Config, 'listenerList'>): boolean {
  return config.listenerList.some(({ tls, rtmpsPort }) => tls || rtmpsPort !== null);
}

/**
 * Whether there is a certificate to read: a listener speaks TLS, or one is named that is not the usual file. HTTP, RTSP and ONVIF
 * take TLS with it too, on their usual ports.
 */
export function usesCertificate(config: Pick<Config, 'listenerList' | 'tlsPfx' | 'tlsCert'>): boolean {
  const isNamed = config.tlsCert !== null || (config.tlsPfx !== null && config.tlsPfx !== settings.tlsPfx.default);
  return isNamed || servesTls(config);
}
