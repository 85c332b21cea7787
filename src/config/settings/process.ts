import { duration, optionalPath } from '../setting.ts';

/** Settings: the process itself. */
export const processSettings = {
  configFile: optionalPath({
    flag: 'config',
    default: null,
    applies: 'restart',
    group: 'Process',
    text: 'YAML file with any of these keys. Environment variables win over the file, flags win over both.',
    inFile: false,
  }),
  drainTimeoutMs: duration({
    flag: 'drain-timeout',
    default: 3000,
    minMs: 0,
    maxMs: 60_000,
    applies: 'live',
    group: 'Process',
    text: 'Time that connections get to end in order when Skyweir is stopped.',
  }),
} as const;
