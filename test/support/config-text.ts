import { type LoadedConfig, loadConfig } from '../../src/config/load.ts';

/** What a file with this text and some flags are as a configuration, on a machine of two cores and without a terminal. */
export function loadText(text: string, flags: Readonly<Record<string, string | boolean>> = {}): LoadedConfig {
  return loadConfig({
    flags: new Map(Object.entries({ config: 'a.yaml', ...flags })),
    environment: {},
    readFile: () => text,
    cores: 2,
    terminal: false,
  });
}
