import { choice, duration } from '../setting.ts';

/** Settings: statistics and logging. */
export const statisticsSettings = {
  statsIntervalMs: duration({
    flag: 'stats-interval',
    default: 30_000,
    minMs: 1000,
    maxMs: 86_400_000,
    applies: 'live',
    group: 'Statistics and logging',
    text: 'How often a block of statistics is logged for each live stream.',
  }),
  logLevel: choice({
    flag: 'log-level',
    valueName: '<level>',
    values: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    default: 'info',
    applies: 'restart',
    group: 'Statistics and logging',
    text: 'Least important messages that are logged.',
  }),
  logFormat: choice({
    flag: 'log-format',
    valueName: '<format>',
    values: ['pretty', 'json'],
    default: ({ terminal }) => (terminal ? 'pretty' : 'json'),
    defaultText: 'pretty on a terminal, else json',
    sample: 'json',
    applies: 'restart',
    group: 'Statistics and logging',
    text: '`pretty` is for people, `json` has one JSON object per line for log collectors.',
  }),
} as const;
