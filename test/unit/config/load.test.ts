import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { UsageError } from '../../../src/config/errors.ts';
import { type LoadedConfig, loadConfig } from '../../../src/config/load.ts';
import { type Config, settingKeys, settings } from '../../../src/config/schema.ts';
import { environmentName } from '../../../src/config/setting.ts';

interface Given {
  flags?: Record<string, string | boolean>;
  environment?: Record<string, string>;
  /** Content of the file `a.yaml`, which is then given with --config. */
  file?: string;
  cores?: number;
  terminal?: boolean;
}

function load({ flags = {}, environment = {}, file, cores = 8, terminal = false }: Given = {}): LoadedConfig {
  return loadConfig({
    flags: new Map(Object.entries(file === undefined ? flags : { config: 'a.yaml', ...flags })),
    environment,
    readFile: (path) => {
      if (path === 'a.yaml' && file !== undefined) return file;
      throw Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT' });
    },
    cores,
    terminal,
  });
}

/** The problems that loading reports. */
function problemsOf(given: Given): readonly string[] {
  try {
    load(given);
  } catch (error) {
    assert.ok(error instanceof UsageError, `threw ${error}`);
    assert.equal(error.exitCode, 2);
    for (const problem of error.problems) assert.ok(!problem.includes('\n'), `more than one line: ${problem}`);
    return error.problems;
  }
  return [];
}

const names = (config: Config) => config.cameraList.map(({ name, path }) => ({ name, path }));

describe('defaults', () => {
  test('are those of the RTMP Push Driver where it has the setting', () => {
    const { config } = load();
    assert.equal(config.maxConnections, 32);
    assert.equal(config.rateLimit, true);
    assert.equal(config.rateLimitPerSecond, 10);
    assert.equal(config.publishTimeoutMs, 10_000);
    assert.equal(config.videoTimeoutMs, 15_000);
    assert.equal(config.receiveTimeoutMs, 30_000);
    assert.equal(config.statsIntervalMs, 30_000);
    assert.equal(config.ringFrames, 300);
    assert.equal(config.cameras, 16);
    assert.deepEqual(names(config)[0], { name: 'Stream 1', path: '/stream1' });
    assert.deepEqual(names(config)[15], { name: 'Stream 16', path: '/stream16' });
  });

  const cases: [string, Given, string, unknown][] = [
    ['one core has one ingest worker', { cores: 1 }, 'ingestWorkers', 1],
    ['eight cores have seven ingest workers', { cores: 8 }, 'ingestWorkers', 7],
    ['a terminal gets the pretty log', { terminal: true }, 'logFormat', 'pretty'],
    ['a pipe gets the JSON log', { terminal: false }, 'logFormat', 'json'],
    ['17 cameras have two connections each', { flags: { cameras: '17' } }, 'maxConnections', 34],
    ['connections follow cameras up to 1000', { flags: { cameras: '1008' } }, 'maxConnections', 1000],
    ['few cameras have 32 connections', { flags: { cameras: '4' } }, 'maxConnections', 32],
    ['explicit connections stay', { flags: { cameras: '100', 'max-connections': '5' } }, 'maxConnections', 5],
    ['systemd gives the state folder', { environment: { STATE_DIRECTORY: '/var/lib/a:/b' } }, 'stateDir', '/var/lib/a'],
    ['the state folder is here otherwise', {}, 'stateDir', '.skyweir'],
  ];
  for (const [name, given, key, expected] of cases)
    test(name, () => assert.equal(load(given).config[key as 'stateDir'], expected));

  test('the configuration cannot be changed, at any depth', () => {
    const { config } = load();
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.cameraList) && Object.isFrozen(config.cameraList[0]));
  });

  test('the configuration can be handed to a worker', () => {
    const { config } = load();
    assert.deepEqual(structuredClone(config), config);
  });
});

describe('precedence', () => {
  const file = 'rtmp-port: 1001\nrtsp-port: 1002\nrate-limit: false\nuser: file\n';
  test('environment wins over file, flags win over both', () => {
    const environment = { SKYWEIR_RTSP_PORT: '2002', SKYWEIR_USER: 'environment' };
    const { config, origins } = load({ file, environment, flags: { user: 'flag' } });
    assert.equal(config.rtmpPort, 1001);
    assert.equal(config.rtspPort, 2002);
    assert.equal(config.user, 'flag');
    assert.equal(origins.get('rtmpPort'), 'a.yaml:1');
    assert.equal(origins.get('rtspPort'), 'SKYWEIR_RTSP_PORT');
    assert.equal(origins.get('user'), '--user');
    assert.equal(origins.get('host'), 'default');
  });

  test('a flag can turn on again what the file turns off', () => {
    assert.equal(load({ file }).config.rateLimit, false);
    assert.equal(load({ file, flags: { 'rate-limit': true } }).config.rateLimit, true);
    assert.equal(load({ flags: { 'rate-limit': false } }).config.rateLimit, false);
  });

  test('the file can be named by the environment', () => {
    const { config } = loadConfig({
      flags: new Map(),
      environment: { SKYWEIR_CONFIG: 'b.yaml' },
      readFile: (path) => `user: ${path}`,
      cores: 1,
      terminal: false,
    });
    assert.equal(config.user, 'b.yaml');
  });

  test('without a name it is the one of the state folder, where that is wanted; it need not be there', () => {
    const sources = { flags: new Map<string, string>(), environment: {}, cores: 1, terminal: false, keptFile: true };
    const files: Record<string, string> = { [join('s', 'skyweir.yaml')]: 'user: kept\n', 'b.yaml': 'user: named\n' };
    const readFile = (path: string): string => {
      if (files[path] !== undefined) return files[path];
      throw Object.assign(new Error('none'), { code: 'ENOENT' });
    };
    const load = (flags: Record<string, string>, environment = {}) =>
      loadConfig({ ...sources, readFile, environment, flags: new Map(Object.entries(flags)) });
    assert.equal(load({}).config.user, 'skyweir');
    assert.deepEqual(load({}).file, { path: join('.skyweir', 'skyweir.yaml'), kept: true });
    assert.equal(load({ 'state-dir': 's' }).config.user, 'kept');
    assert.equal(load({}, { STATE_DIRECTORY: 's:t' }).config.user, 'kept');
    const named = load({ 'state-dir': 's', config: 'b.yaml' });
    assert.equal(named.config.user, 'named');
    assert.match(named.warnings[0]!, /skyweir\.yaml: is not read, because --config names another file$/);
    files[join('s', 'skyweir.yaml')] = 'state-dir: t\n';
    assert.throws(() => load({}, { STATE_DIRECTORY: 's' }), /state-dir t: cannot stand in the file that is kept/);
  });

  test('an empty variable counts as not set', () => {
    assert.equal(load({ environment: { SKYWEIR_RTMP_PORT: '' } }).config.rtmpPort, 1935);
  });

  test('what a container platform says of a service is no setting, also where the name is that of one', () => {
    const ports = { SKYWEIR_RTMP_PORT: 'tcp://10.96.0.12:1935', SKYWEIR_HTTP_PORT: 'tcp://[fd00::12]:8080' };
    const environment = {
      ...ports,
      SKYWEIR_PORT: 'tcp://10.96.0.1:1',
      SKYWEIR_RTMP_PORT_1935_TCP: ports.SKYWEIR_RTMP_PORT,
    };
    const { config, origins, warnings } = load({ environment });
    assert.deepEqual([config.rtmpPort, config.httpPort, origins.get('rtmpPort')], [1935, 8080, 'default']);
    assert.deepEqual(
      warnings,
      Object.entries(ports).map(
        ([name, value]) => `${name}=${value}: is what a container platform says of a service, and no setting; ignored`,
      ),
    );
    assert.throws(() => load({ environment: { SKYWEIR_RTMP_PORT: 'many' } }), UsageError);
  });

  test('a misspelt variable is a warning, one of a container platform is nothing', () => {
    const environment = { SKYWEIR_RTMP_PROT: '1', SKYWEIR_SERVICE_HOST: '10.0.0.1', SKYWEIR_PASSWORD: 'x' };
    const { warnings } = load({ environment });
    assert.deepEqual(warnings, [
      'SKYWEIR_RTMP_PROT: unknown environment variable, ignored; did you mean SKYWEIR_RTMP_PORT?',
    ]);
  });
});

describe('every setting', () => {
  for (const key of settingKeys) {
    const setting = settings[key];
    if (setting.onlyInFile) continue;
    const sample = String(setting.sample ?? 'x');
    // One is of no use without the other.
    const partner: Record<string, string> =
      key === 'tlsCert' ? { SKYWEIR_TLS_KEY: String(settings.tlsKey.sample) } : {};
    test(`${setting.flag}: takes its sample from flag, variable and file alike`, () => {
      const raw = setting.kind === 'boolean' ? setting.sample === true : sample;
      const results = [load({ environment: { ...partner, [environmentName(setting.flag)]: sample }, file: '' })];
      if (key === 'configFile') return;
      results.push(
        load({ environment: partner, flags: { [setting.flag]: raw } }),
        load({ environment: partner, file: `${setting.flag}: ${JSON.stringify(setting.sample)}` }),
      );
      for (const { config } of results) assert.deepEqual(config[key], results[0]!.config[key]);
    });
  }

  test('flags are unique and in kebab-case', () => {
    const flags = settingKeys.map((key) => settings[key].flag);
    assert.equal(new Set(flags).size, flags.length);
    for (const flag of flags) assert.match(flag, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
  });
});

describe('values out of range are refused with flag, value and remedy', () => {
  const cases: [string, Given, string][] = [
    ['no path', { flags: { 'tls-pfx': '' } }, '--tls-pfx "": must be the path of a file'],
    ['flag', { flags: { 'rtmp-port': '70000' } }, '--rtmp-port 70000: must be a whole number from 0 to 65535'],
    ['not a number', { flags: { 'rtmp-port': 'abc' } }, '--rtmp-port abc: must be a whole number from 0 to 65535'],
    ['a fraction', { flags: { cameras: '1.5' } }, '--cameras 1.5: must be a whole number from 1 to 1008'],
    ['too many cameras', { flags: { cameras: '1009' } }, '--cameras 1009: must be a whole number from 1 to 1008'],
    ['no cameras', { flags: { cameras: '0' } }, '--cameras 0: must be a whole number from 1 to 1008'],
    [
      'connections',
      { flags: { 'max-connections': '4001' } },
      '--max-connections 4001: must be a whole number from 1 to 4000',
    ],
    [
      'variable',
      { environment: { SKYWEIR_CONSUMERS: '0' } },
      'SKYWEIR_CONSUMERS=0: must be a whole number from 1 to 8',
    ],
    [
      'variable that is not on or off',
      { environment: { SKYWEIR_RATE_LIMIT: 'maybe' } },
      'SKYWEIR_RATE_LIMIT=maybe: must be true or false (also on/off, yes/no, 1/0)',
    ],
    [
      'duration',
      { flags: { 'video-timeout': '5 parsecs' } },
      '--video-timeout "5 parsecs": must be a duration from 100ms to 1h, such as 10s, 500ms or 1m (a bare number is seconds)',
    ],
    [
      'word',
      { flags: { 'publish-conflict': 'steal' } },
      '--publish-conflict steal: must be one of reject, takeover, takeover-stale',
    ],
    [
      'size',
      { flags: { 'ring-bytes': '8MB' } },
      '--ring-bytes 8MB: must be auto, or a size from 256KiB to 24MiB, such as 4MiB or 512KiB (a bare number is bytes)',
    ],
    [
      'user',
      { flags: { user: 'a:b' } },
      '--user a:b: must be a name of 1 to 64 characters without spaces, colons, quotes and backslashes',
    ],
    [
      'host',
      { flags: { host: 'no where' } },
      '--host "no where": must be an IP address or a host name of this machine',
    ],
    [
      'missing file',
      { flags: { config: 'none.yaml' } },
      '--config none.yaml: cannot read the file: no such file or folder',
    ],
    [
      'two services on one port',
      { flags: { 'rtsp-port': '1935' } },
      '--rtsp-port 1935: --rtmp-port and --rtsp-port are both 1935; choose another port for one of them',
    ],
  ];
  for (const [name, given, message] of cases) test(name, () => assert.deepEqual(problemsOf(given), [message]));

  test('every problem is reported, not only the first', () => {
    assert.equal(
      problemsOf({ flags: { 'rtmp-port': 'x', cameras: 'y' }, environment: { SKYWEIR_AUTH: 'z' } }).length,
      3,
    );
  });

  test('two services may both take any free port', () => {
    assert.equal(load({ flags: { 'rtmp-port': '0', 'rtsp-port': '0' } }).config.rtspPort, 0);
  });

  test('an IPv6 address may stand in brackets', () => {
    assert.equal(load({ flags: { host: '[::1]' } }).config.host, '::1');
  });
});

describe('the file: problems carry line and column', () => {
  const cases: [string, string, string[]][] = [
    ['value', '# head\n\nrtmp-port: 99999\n', ['a.yaml:3:12: rtmp-port 99999: must be a whole number from 0 to 65535']],
    ['unknown key', 'host: a\nrtmp-prot: 1\n', ['a.yaml:2:1: unknown key rtmp-prot; did you mean rtmp-port?']],
    ['underscores', 'rtmp_port: 1\n', ['a.yaml:1:1: unknown key rtmp_port; did you mean rtmp-port?']],
    ['camel case', 'maxConnections: 1\n', ['a.yaml:1:1: unknown key maxConnections; did you mean max-connections?']],
    ['nothing like it', 'zebra: 1\n', ['a.yaml:1:1: unknown key zebra; see docs/configuration.md for all keys']],
    ['no- key', 'no-auth: true\n', ['a.yaml:1:1: unknown key no-auth; in the file write auth: false']],
    [
      'config in the file',
      'config: b.yaml\n',
      ['a.yaml:1:1: unknown key config; see docs/configuration.md for all keys'],
    ],
    [
      'no value',
      'host: a\nuser:\n',
      [
        'a.yaml:2:6: user (nothing): has no value; it must be a name of 1 to 64 characters without spaces, colons, quotes and backslashes',
      ],
    ],
    ['twice', 'user: a\nuser: b\n', ['a.yaml:2:1: user: given twice, first at a.yaml:1:1; remove one']],
    ['not a map', '- 1\n', ['a.yaml:1:1: must hold lines of the form "key: value", such as "rtmp-port: 1935"']],
    ['list for a number', 'rtmp-port: [1]\n', ['a.yaml:1:12: rtmp-port [1]: must be a whole number from 0 to 65535']],
  ];
  for (const [name, file, expected] of cases) test(name, () => assert.deepEqual(problemsOf({ file }), expected));

  test('text that is not YAML', () => {
    const [problem, ...others] = problemsOf({ file: 'user: "a\nhost: b\n' });
    assert.match(problem!, /^a\.yaml:\d+:\d+: not valid YAML: /);
    assert.deepEqual(others, []);
  });

  test('tabs and bad indentation', () => {
    for (const problem of problemsOf({ file: 'user: a\n\thost: b\n' })) assert.match(problem, /^a\.yaml:2:\d+: /);
  });

  test('aliases that grow without end are refused', () => {
    const levels = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const lines = levels.map((name, index) => {
      const item = index === 0 ? '1' : `*${levels[index - 1]}`;
      return `${name}: &${name} [${Array(9).fill(item).join(', ')}]`;
    });
    assert.ok(problemsOf({ file: lines.join('\n') }).length > 0);
  });

  test('more aliases than anybody needs are refused before each of them is looked up', () => {
    const lines = Array.from({ length: 101 }, (_, index) => `k${index}: *a`);
    const problems = problemsOf({ file: `a: &a 1\n${lines.join('\n')}\n` });
    assert.deepEqual(problems, ['a.yaml:1:1: 101 aliases (*name); 100 are the most']);
  });

  for (const file of ['', '# only a comment\n', '---\n', 'null\n'])
    test(`${JSON.stringify(file)} is an empty configuration`, () => assert.equal(load({ file }).config.rtmpPort, 1935));
});

describe('cameras', () => {
  test('the list gives names and paths; what is missing follows from the place in the list', () => {
    const file =
      'cameras:\n  - name: North gate\n    path: gate/north/\n  - name: Two\n  - path: /live/drone7\n  - {}\n';
    const { config } = load({ file });
    assert.equal(config.cameras, 4);
    assert.deepEqual(names(config), [
      { name: 'North gate', path: '/gate/north' },
      { name: 'Two', path: '/stream2' },
      { name: 'Stream 3', path: '/live/drone7' },
      { name: 'Stream 4', path: '/stream4' },
    ]);
  });

  test('a number in the file is the number of cameras', () =>
    assert.equal(load({ file: 'cameras: 3' }).config.cameraList.length, 3));

  test('--cameras replaces the list', () => {
    const file = 'cameras:\n  - path: /a\n';
    assert.equal(load({ file, flags: { cameras: '2' } }).config.cameraList[0]!.path, '/stream1');
  });

  const pathRule =
    "must be a path such as /gate/north: at most 512 bytes and 8 parts, without '..', '?', '#', '\\' and control characters";
  const refused: [string, string, string][] = [
    ['parent folder', 'cameras:\n  - path: /a/../b\n', `a.yaml:2:11: cameras[1].path /a/../b: ${pathRule}`],
    ['query', 'cameras:\n  - path: /a?b\n', `a.yaml:2:11: cameras[1].path /a?b: ${pathRule}`],
    ['root', 'cameras:\n  - path: /\n', `a.yaml:2:11: cameras[1].path /: ${pathRule}`],
    ['control character', 'cameras:\n  - path: "/a\\u0001"\n', `a.yaml:2:11: cameras[1].path "/a\\u0001": ${pathRule}`],
    [
      'half a surrogate pair',
      'cameras:\n  - path: "/a\\ud83d"\n',
      `a.yaml:2:11: cameras[1].path "/a\\ud83d": ${pathRule}`,
    ],
    [
      'nine parts',
      'cameras:\n  - path: /1/2/3/4/5/6/7/8/9\n',
      `a.yaml:2:11: cameras[1].path /1/2/3/4/5/6/7/8/9: ${pathRule}`,
    ],
    [
      'unknown key',
      'cameras:\n  - name: A\n    pth: /a\n',
      'a.yaml:3:10: cameras[1].pth /a: unknown key pth; did you mean path?',
    ],
    ['not a camera', 'cameras:\n  - 7\n', 'a.yaml:2:5: cameras[1] 7: must be a camera: name and path'],
    ['empty list', 'cameras: []\n', 'a.yaml:1:10: cameras []: must be a list of at least one camera'],
    [
      'empty name',
      'cameras:\n  - name: " "\n',
      'a.yaml:2:11: cameras[1].name " ": must be a name of 1 to 64 characters in one line',
    ],
    [
      'one path twice',
      'cameras:\n  - name: A\n    path: /gate\n  - name: B\n    path: /GATE\n',
      'a.yaml:5:11: cameras[2].path /GATE: "B" has the same path as "A" (camera 1, /gate); give every camera its own path (upper and lower case count as the same)',
    ],
    [
      "a given path that is another camera's default",
      'cameras:\n  - path: /stream2\n  - {}\n',
      'a.yaml:3:5: cameras[2].path /stream2: "Stream 2" has the same path as "Stream 1" (camera 1, /stream2); give every camera its own path (upper and lower case count as the same)',
    ],
  ];
  for (const [name, file, expected] of refused)
    test(`refused: ${name}`, () => assert.deepEqual(problemsOf({ file }), [expected]));

  test('a path of more than 512 bytes is refused, counted in bytes', () => {
    assert.equal(problemsOf({ file: `cameras:\n  - path: /${'é'.repeat(256)}\n` }).length, 1);
    assert.equal(problemsOf({ file: `cameras:\n  - path: /${'é'.repeat(255)}\n` }).length, 0);
  });
});
