/**
 * Writes what is generated from the configuration schema: docs/configuration.md, skyweir.sample.yaml, the flag table
 * between the markers of README.md; and from the metrics and routes: the tables of docs/monitoring.md. With `--check` it only tells whether they are up to date.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { hardwareKeys } from '../src/config/hardware-list.ts';
import { type SettingKey, settingKeys, settings } from '../src/config/schema.ts';
import { environmentName, settingGroups } from '../src/config/setting.ts';
import { withMetricTables } from './metrics-table.ts';

const beginMarker = '<!-- flags:begin -->';
const endMarker = '<!-- flags:end -->';

/** Columns of comment lines in the sample. */
const sampleColumns = 100;

function run(root: string, checkOnly: boolean): void {
  const stale: string[] = [];
  for (const [name, content] of generatedFiles(root)) {
    const path = join(root, name);
    const current = existsSync(path) ? readFileSync(path, 'utf8') : null;
    if (current === content) continue;
    if (checkOnly) stale.push(name);
    else {
      writeFileSync(path, content);
      console.log(`${name} written`);
    }
  }
  if (stale.length === 0) return;
  console.error(
    `not up to date with src/config/schema.ts: ${stale.join(', ')}; run "npm run docs" and commit the result`,
  );
  process.exitCode = 1;
}

/** Generated files by name, as they should be. README.md is among them only if it has the markers. */
export function generatedFiles(root: string): Map<string, string> {
  const files = new Map([
    ['docs/configuration.md', referencePage()],
    ['skyweir.sample.yaml', sampleFile()],
  ]);
  const readme = join(root, 'README.md');
  if (existsSync(readme)) {
    const content = withFlagTable(readFileSync(readme, 'utf8'));
    if (content !== null) files.set('README.md', content);
  }
  const monitoring = join(root, 'docs/monitoring.md');
  if (existsSync(monitoring)) {
    const content = withMetricTables(readFileSync(monitoring, 'utf8'), table);
    if (content !== null) files.set('docs/monitoring.md', content);
  }
  return files;
}

/** `readme` with the flag table between its markers; null if it has no markers. */
export function withFlagTable(readme: string): string | null {
  const begin = readme.indexOf(beginMarker);
  const end = readme.indexOf(endMarker);
  if (begin < 0 || end < begin) return null;
  return `${readme.slice(0, begin + beginMarker.length)}\n${flagTable()}${readme.slice(end)}`;
}

function flagTable(): string {
  const rows = settingKeys
    .filter((key) => !settings[key].onlyInFile)
    .map((key) => [describeFlag(key), settings[key].defaultText, firstSentence(key)]);
  return ['', ...table(['Flag', 'Default', 'Meaning'], rows), '', ''].join('\n');
}

/** The lines of a Markdown table with even columns, as the formatter wants them. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const escaped = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(3, ...escaped.map((row) => row[column]!.length)));
  const lines = escaped.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`);
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`);
  return lines;
}

/** The reference page, one section per group and one entry per key. */
export function referencePage(): string {
  const lines = [
    '# Configuration',
    '',
    '<!-- Generated from src/config/schema.ts by "npm run docs"; changes made here are lost. -->',
    '',
    'Every setting can be given in three places. Flags win over environment variables, these win over the file:',
    '',
    '- as a **flag**: `--rtmp-port 8783`',
    '- as an **environment variable**: `SKYWEIR_RTMP_PORT=8783`; an empty variable counts as not set',
    '- in a **YAML file** given with `--config`: `rtmp-port: 8783`; the keys are the flags without dashes. Without `--config` it is',
    '  `skyweir.yaml` in the state folder, where changes over the [API](api.md) are kept; it need not be there',
    '',
    '`--print-config` prints the effective configuration with the place each value came from.',
    '[`skyweir.sample.yaml`](../skyweir.sample.yaml) is a file with every key to start from.',
    '',
    'Durations are written `10s`, `500ms`, `1m` or `1h`; a bare number is seconds. Sizes are written `4MiB`, `512KiB`, or in',
    'bytes. On/off settings are `--name` and `--no-name` as flags, `true` and `false` elsewhere. Relative paths start at the',
    'working directory. A mistake is reported in one line with the flag, variable or place in the file, and ends the start',
    'with exit code 2; a start that fails for another reason, such as a port in use, ends with exit code 1.',
    '',
    'A change of the file takes effect when the file has stood still for 2 s, so that none is read half-written; on SIGHUP at once.',
    'Streams that run are not touched. Only a listener whose port has changed is opened anew. _Restart_ marks the settings that wait',
    'for the next start; the log says so when one of them was changed. A file with a mistake is refused whole, with the line of the',
    'mistake in the log, and what is in force stays. So is a file without any key, in place of one with keys: that is what a copy',
    'leaves behind that was broken off. The file may be a symbolic link, such as one of a ConfigMap in Kubernetes.',
    '',
    'What Node itself is given, such as the folder of its compile cache, is told in [deployment.md](deployment.md#what-node-is-given).',
    '',
  ];
  for (const group of settingGroups) {
    lines.push(`## ${group}`, '');
    for (const key of keysOf(group)) lines.push(...describeKey(key));
    if (group === 'Cameras') lines.push(...cameraSection, ...hardwareSection);
    if (group === 'Access') lines.push(...passwordSection);
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function describeKey(key: SettingKey): string[] {
  const setting = settings[key];
  const lines = [`### \`${setting.flag}\``, '', setting.text, ''];
  const values = setting.range === '' ? setting.allowed : setting.range;
  const names = { Flag: describeFlag(key), Variable: `\`${environmentName(setting.flag)}\`` };
  const cells = {
    ...(!setting.onlyInFile && names),
    Values: values,
    Default: setting.defaultText,
    Change: setting.applies,
  };
  lines.push(...table(Object.keys(cells), [Object.values(cells)]), '');
  if (setting.onlyInFile) lines.push('This key can stand in the file only.', '');
  if (!setting.inFile) lines.push('This key cannot stand in the file.', '');
  return lines;
}

const cameraSection = [
  '### Cameras with their own names and paths',
  '',
  'In the file `cameras` may be a list. The n-th camera is "Stream n" on `/streamn` unless it says otherwise:',
  '',
  '```yaml',
  'cameras:',
  '  - name: North gate',
  '    path: /gate/north',
  '  - name: Drone 7',
  '    path: /live/drone7',
  '  - {} # Stream 3 on /stream3',
  '```',
  '',
  'A path starts with `/` (added if it is missing) and has at most 512 bytes and 8 parts. Two cameras cannot share a path;',
  'upper and lower case count as the same. `--cameras N` on the command line replaces the whole list.',
  '',
];

const hardwareExample = [
  'hardware:',
  '  - name: Port cranes # one ONVIF device, with up to 16 cameras',
  '    rtmp-port: 8783',
  '    onvif-port: 8081',
  '    max-connections: 16',
  '    cameras:',
  '      - name: Crane 1',
  '        path: /stream1',
  '        rtsp-path: /cranes/stream1 # where two devices have one path, readers need another',
  '  - name: Drones',
  '    rtmp-port: 8784',
  '    tls: true',
  '    onvif-port: 8082',
  '    cameras: 16 # Stream 1 to Stream 16 on /stream1 to /stream16',
];

const hookExample = [
  'hooks:',
  '  - name: noc',
  '    url: https://noc.example.org/skyweir',
  '    secret-file: /etc/skyweir/hook-secret',
  '    events: [started, stopped, degraded, recovered]',
];

const hardwareSection = [
  '### Hardware with its own ports and limits',
  '',
  'XProtect adds cameras as hardware: ONVIF devices of up to 16 cameras. Without a list, every 16 of `cameras` are one device,',
  'all on one RTMP port. With a list in place of `cameras`, each device may have its own:',
  '',
  '```yaml',
  ...hardwareExample,
  '```',
  '',
  'Hardware and cameras may have [ingest rules](ingest-rules.md) of their own.',
  '',
  `An entry may have ${hardwareKeys.map((key) => `\`${key}\``).join(', ')}; what it leaves out is what the key of that name says`,
  'for all. Entries with one `rtmp-port` share its listener, and so its limits. A camera is pushed to on the port of its hardware',
  'only, and read on the one RTSP port, so cameras that have the same path on two RTMP ports need an `rtsp-path`.',
  '',
  'Recorders know a camera by its ONVIF device and its channel. Devices are numbered, and so are the cameras of each, in the order of',
  'the file; name, path and `onvif-port` follow from these numbers where an entry does not give them. To take an entry out of the',
  'middle without moving those behind it, give them the numbers that they had: `number: 3` for a hardware, `channel: 5` for a camera.',
  'The [API](api.md) does that by itself.',
  '',
];

const passwordSection = [
  '### Where the password comes from',
  '',
  '1. the first line of `password-file`, if that is set;',
  '2. else the environment variable `SKYWEIR_PASSWORD`;',
  '3. else the file `password` in the state folder. If it is not there yet, a password is generated at the first start, kept',
  '   in that file with access for its owner only, and shown once: in the start banner, or on standard error if the log',
  '   format is `json`.',
  '',
  'A password is never part of the configuration file and never logged.',
  '',
];

/** The sample file: every key commented out, with its text, values and default. */
export function sampleFile(): string {
  const lines = [
    '# Sample configuration of Skyweir, with every key. Start with it: skyweir --config skyweir.yaml',
    '# Lines beginning with "#" and a key show the default or an example: remove the "#" to set the key.',
    '# Generated from src/config/schema.ts by "npm run docs".',
  ];
  for (const group of settingGroups) {
    const keys = keysOf(group).filter((key) => settings[key].inFile);
    if (keys.length === 0) continue;
    lines.push('', `# ---- ${group} ${'-'.repeat(Math.max(0, sampleColumns - group.length - 8))}`);
    for (const key of keys) {
      const setting = settings[key];
      const range = setting.range === '' ? '' : `Values: ${setting.range}. `;
      lines.push('', ...comment(setting.text), ...comment(`${range}Default: ${setting.defaultText}.`));
      if (!setting.onlyInFile) lines.push(`#${sampleLine(setting.flag, setting.sample)}`);
      if (key === 'hardware') lines.push('# Such as:', ...hardwareExample.map((line) => `#   ${line}`));
      if (key === 'hooks') lines.push('# Such as:', ...hookExample.map((line) => `#   ${line}`));
      if (key === 'cameras')
        lines.push('# As a list:', '#   cameras:', '#     - name: North gate', '#       path: /gate/north');
    }
  }
  return `${lines.join('\n')}\n`;
}

function sampleLine(flag: string, sample: unknown): string {
  const value = Array.isArray(sample) ? `[${sample.map((part) => JSON.stringify(part)).join(', ')}]` : null;
  return value === null ? stringify({ [flag]: sample }, { lineWidth: 0 }).trimEnd() : `${flag}: ${value}`;
}

function keysOf(group: (typeof settingGroups)[number]): SettingKey[] {
  return settingKeys.filter((key) => settings[key].group === group);
}

function describeFlag(key: SettingKey): string {
  const { flag, kind, valueName } = settings[key];
  if (kind === 'boolean') return `\`--${flag}\`, \`--no-${flag}\``;
  return `\`--${flag} ${valueName}\``;
}

function firstSentence(key: SettingKey): string {
  return /^.*?\.(?= [A-Z`0-9]|$)/.exec(settings[key].text)?.[0] ?? settings[key].text;
}

/** A paragraph as comment lines that fit the sample's width. */
function comment(paragraph: string): string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of paragraph.replaceAll('`', '').split(' ')) {
    if (line.length + 1 + word.length > sampleColumns) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

if (import.meta.main) run(resolve(import.meta.dirname, '..'), process.argv.includes('--check'));
