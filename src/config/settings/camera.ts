import { type CameraEntry, camerasAllowed, camerasSchema, maximumCameras } from '../camera-list.ts';
import { type HardwareEntry, hardwareAllowed, hardwareSchema, maximumHardware } from '../hardware-list.ts';
import { hardwareSettings } from '../hardware-settings.ts';
import { boolean, choice, complete } from '../setting.ts';

/** Settings: the cameras, and how they are published to. */
export const cameraSettings = {
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
      schema: camerasSchema(maximumCameras, 'all'),
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
} as const;
