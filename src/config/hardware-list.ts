import { z } from 'zod';
import { type CameraEntry, camerasPerHardware, camerasSchema, nameSchema } from './camera-list.ts';
import { type RuleEntry, ruleEntryShape } from './camera-rules.ts';
import { hardwareSettings } from './hardware-settings.ts';

/** Most hardware entries: 63 of 16 cameras are the most cameras of one server. */
export const maximumHardware = 63;

/** A hardware as the file gives it. What it does not say is what the key of the same name says for all. */
export interface HardwareEntry extends RuleEntry {
  readonly name?: string | undefined;
  /** What the device is known by, from 1, whatever its place in the list. */
  readonly number?: number | undefined;
  readonly cameras?: number | CameraEntry[] | undefined;
  readonly 'rtmp-port'?: number | undefined;
  readonly 'onvif-port'?: number | undefined;
  readonly tls?: boolean | undefined;
  readonly 'offline-info'?: boolean | undefined;
  readonly 'max-connections'?: number | undefined;
  readonly 'max-connections-per-ip'?: number | undefined;
  readonly 'rate-limit'?: boolean | undefined;
  readonly 'rate-limit-per-second'?: number | undefined;
}

const {
  'rtmp-port': rtmpPort,
  'onvif-port': onvifPort,
  'offline-info': offlineInfo,
  'max-connections': maxConnections,
  'max-connections-per-ip': maxConnectionsPerIp,
  'rate-limit': rateLimit,
  'rate-limit-per-second': rateLimitPerSecond,
  tls,
} = hardwareSettings;

const entryAllowed = 'a hardware: name, cameras, rtmp-port, onvif-port and its limits';
const numberAllowed = `a whole number from 1 to ${maximumHardware}`;
const shape = {
  name: nameSchema.optional(),
  number: z.int(numberAllowed).min(1, numberAllowed).max(maximumHardware, numberAllowed).optional(),
  cameras: camerasSchema(camerasPerHardware, 'hardware').optional(),
  'rtmp-port': rtmpPort.schema.optional(),
  'onvif-port': onvifPort.schema.optional(),
  tls: tls.schema.optional(),
  'offline-info': offlineInfo.schema.optional(),
  'max-connections': maxConnections.schema.optional(),
  'max-connections-per-ip': maxConnectionsPerIp.schema.optional(),
  'rate-limit': rateLimit.schema.optional(),
  'rate-limit-per-second': rateLimitPerSecond.schema.optional(),
  ...ruleEntryShape,
};

/** The keys of a {@link HardwareEntry}. */
export const hardwareKeys: readonly string[] = Object.keys(shape);

/** Completes "must be ..." for the setting as a whole. */
export const hardwareAllowed = `a list of 1 to ${maximumHardware} hardware entries`;

/** The list of hardware, which only a file can give; empty stands for "follow the key `cameras`". */
export const hardwareSchema: z.ZodType<HardwareEntry[]> = z
  .array(
    z.strictObject(shape, {
      error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : entryAllowed),
    }) as z.ZodType<HardwareEntry>,
    hardwareAllowed,
  )
  .max(maximumHardware, hardwareAllowed);
