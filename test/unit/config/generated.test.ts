import assert from 'node:assert/strict';
import { test } from 'node:test';
import { generatedFiles, referencePage, sampleFile, withFlagTable } from '../../../scripts/config-reference.ts';
import { type LoadedConfig, loadConfig } from '../../../src/config/load.ts';
import { printConfig } from '../../../src/config/print.ts';
import { settingKeys, settings } from '../../../src/config/schema.ts';
import { environmentName } from '../../../src/config/setting.ts';

function loadText(text: string, flags: [string, string | boolean][] = []): LoadedConfig {
  return loadConfig({
    flags: new Map([['config', 'a.yaml'], ...flags]),
    environment: {},
    readFile: () => text,
    cores: 4,
    terminal: false,
  });
}

test('the sample is a valid file as it is, and sets nothing', () => {
  const { origins } = loadText(sampleFile());
  assert.deepEqual(new Set([...origins.values()]), new Set(['default', '--config']));
});

test('the sample is a valid file with every key uncommented, and has every key', () => {
  const { origins } = loadText(sampleFile().replace(/^#(?=\S)/gm, ''));
  for (const key of settingKeys) {
    if (settings[key].onlyInFile) continue;
    const expected = settings[key].inFile ? /^a\.yaml:\d+$/ : /^--config$/;
    assert.match(origins.get(key)!, expected, settings[key].flag);
  }
});

test('the values of the sample are the defaults where these are plain', () => {
  const { config } = loadText(sampleFile().replace(/^#(?=\S)/gm, ''));
  for (const key of settingKeys) {
    const { default: fallback, defaultText } = settings[key];
    if (typeof fallback === 'function' || fallback === null || Array.isArray(fallback)) continue;
    assert.deepEqual(config[key], fallback, `${settings[key].flag}: ${defaultText}`);
  }
});

test('the reference page has a section with flag, variable and default for every key', () => {
  const page = referencePage();
  for (const key of settingKeys) {
    const { flag, defaultText, onlyInFile } = settings[key];
    assert.ok(page.includes(`### \`${flag}\`\n`), flag);
    assert.equal(page.includes(`\`${environmentName(flag)}\``), !onlyInFile, flag);
    assert.ok(page.includes(defaultText), flag);
  }
});

test('the flag table is put between the markers and only there', () => {
  const readme = 'before\n<!-- flags:begin -->\nstale rows\n<!-- flags:end -->\nafter\n';
  const once = withFlagTable(readme)!;
  assert.ok(once.startsWith('before\n<!-- flags:begin -->\n') && once.endsWith('\n<!-- flags:end -->\nafter\n'));
  assert.ok(!once.includes('stale rows') && once.includes('| `--rtmp-port <port>`'));
  assert.equal(withFlagTable(once), once);
  assert.equal(withFlagTable('no markers'), null);
});

test('a project without README has no flag table to write', () => {
  assert.deepEqual([...generatedFiles('/nonexistent').keys()], ['docs/configuration.md', 'skyweir.sample.yaml']);
});

test('--print-config reads back as the same configuration', () => {
  const loaded = loadText('cameras:\n  - name: "A: #1"\n    path: /gate\nring-bytes: 2MiB\nvideo-timeout: 1.5s\n', [
    ['rate-limit', false],
    ['user', 'null'],
  ]);
  const printed = printConfig(loaded);
  assert.deepEqual(loadText(printed).config, loaded.config);
  assert.match(printed, /^video-timeout: 1500ms # a\.yaml:5$/m);
  assert.match(printed, /^rate-limit: false # --no-rate-limit$/m);
  assert.match(printed, /^rtmp-port: 1935 # default$/m);
});
