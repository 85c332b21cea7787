import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import { type CertificateFacts, checkCertificate, renewalDays } from '../../../src/doctor/certificate-checks.ts';
import { type ClockFacts, checkClock } from '../../../src/doctor/clock-checks.ts';
import type { Finding } from '../../../src/doctor/finding.ts';
import { checkNetwork, type NetworkFacts } from '../../../src/doctor/network-checks.ts';
import { checkPorts, type ProbedPort, wantedPorts } from '../../../src/doctor/port-checks.ts';
import { checkCapacity, checkNode, isInRange } from '../../../src/doctor/runtime-checks.ts';
import { checkSecrets, checkSpace, checkStateFolder } from '../../../src/doctor/storage-checks.ts';

const MiB = 1024 * 1024;

function configOf(flags: Record<string, string | boolean> = {}): Config {
  const sources = { environment: {}, readFile: () => '', cores: 2, terminal: false };
  return loadConfig({ flags: new Map(Object.entries(flags)), ...sources }).config;
}

const grades = (findings: readonly Finding[]) => findings.map(({ grade }) => grade);
const linesOf = (findings: readonly Finding[]) => findings.map(({ grade, text }) => `${grade} ${text}`);

describe('Node.js', () => {
  const range = '>=24.20 <25 || >=26.6';
  const cases: [string, boolean][] = [
    ['26.10.0', true],
    ['26.6.0', true],
    ['24.20.1', true],
    ['27.0.0-nightly', true],
    ['26.5.9', false],
    ['25.9.0', false],
    ['24.19.3', false],
    ['20.20.2', false],
  ];
  for (const [version, right] of cases)
    test(`${version} is ${right ? 'right' : 'wrong'}`, () => assert.equal(isInRange(version, range), right));

  test('a wrong one is a problem, and says what is right', () => {
    const { grade, text, remedy } = checkNode('20.20.2', range);
    assert.deepEqual([grade, text], ['problem', `20.20.2 is not supported, which is ${range}`]);
    assert.match(remedy!, /npm start/);
  });
});

describe('ports', () => {
  const probed = (codes: readonly (string | null)[], config = configOf()): ProbedPort[] =>
    wantedPorts(config).map((wanted, index) => ({ ...wanted, code: codes[index] ?? null }));

  test('all that the configuration wants are looked at, but not those that the system chooses', () => {
    const config = configOf({ 'rtmps-port': '1936', 'tls-pfx': 'a.pfx', 'http-port': '0', cameras: '20' });
    assert.deepEqual(
      wantedPorts(config).map(({ port, use }) => `${port} ${use}`),
      ['1935 RTMP', '1936 RTMPS', '8554 RTSP', '8081 ONVIF', '8082 ONVIF'],
    );
  });

  test('free ones are one line', () => {
    assert.deepEqual(linesOf(checkPorts(probed([]), null)), ['ok 1935 RTMP, 8554 RTSP, 8081 ONVIF, 8080 HTTP']);
  });

  test('one that another program has is a problem that names its flag', () => {
    const findings = checkPorts(probed([null, 'EADDRINUSE']), null);
    assert.deepEqual(grades(findings), ['ok', 'problem']);
    assert.match(findings[1]!.remedy!, /sport = :8554.*--rtsp-port/);
  });

  test('those that a running Skyweir has are right', () => {
    const all = Array<string>(4).fill('EADDRINUSE');
    const findings = checkPorts(probed(all), { version: '1.2.3', uptimeSeconds: 7300 });
    assert.deepEqual(linesOf(findings), [
      'ok 1935 RTMP, 8554 RTSP, 8081 ONVIF, 8080 HTTP held while Skyweir 1.2.3 runs here, since 2 h',
    ]);
  });

  test('one that it should have and has not is worth a warning', () => {
    const findings = checkPorts(probed(['EADDRINUSE', null, 'EADDRINUSE', 'EADDRINUSE']), {
      version: '1',
      uptimeSeconds: 1,
    });
    assert.deepEqual(grades(findings), ['ok', 'warning']);
  });

  test('a low port, and an address of another machine', () => {
    const low = checkPorts(probed(['EACCES'], configOf({ 'rtmp-port': '443' })), null);
    assert.match(low[1]!.text, /below 1024/);
    const foreign = checkPorts(probed(Array<string>(4).fill('EADDRNOTAVAIL'), configOf({ host: '192.0.2.1' })), null);
    assert.deepEqual(grades(foreign), Array(4).fill('problem'));
    assert.match(foreign[0]!.remedy!, /--host/);
  });
});

describe('open files, memory and cores', () => {
  const machine = { memoryBytes: 8192 * MiB, cores: 4, openFiles: 65_536 };
  const of = (changes: Partial<typeof machine>, flags = {}) =>
    checkCapacity(configOf(flags), { ...machine, ...changes });
  const gradeOf = (check: string, findings: readonly Finding[]) => findings.find((one) => one.check === check)?.grade;

  test('are enough', () => assert.deepEqual(grades(of({})), Array(5).fill('ok')));
  test('too few open files', () => {
    const findings = of({ openFiles: 64 });
    assert.equal(gradeOf('open-files', findings), 'problem');
    assert.match(findings[0]!.remedy!, /LimitNOFILE=128/);
  });
  test('fewer connections than cameras', () => {
    const findings = of({}, { cameras: '20', 'max-connections': '10' });
    assert.equal(gradeOf('connections', findings), 'problem');
    assert.equal(gradeOf('connections', of({}, { cameras: '20', 'max-connections': '20' })), 'ok');
  });
  test('too little memory', () => assert.equal(gradeOf('memory', of({ memoryBytes: 128 * MiB })), 'problem'));
  test('too few cores', () => assert.equal(gradeOf('cores', of({ cores: 1 }, { cameras: '1008' })), 'warning'));
});

describe('certificate', () => {
  const dayMs = 86_400_000;
  const nowMs = Date.UTC(2026, 5, 1);
  const good: CertificateFacts = {
    problem: null,
    fromMs: nowMs - dayMs,
    untilMs: nowMs + 90 * dayMs,
    names: 'DNS:rtmp.example, IP Address:192.0.2.1',
    subject: 'CN=rtmp.example',
    exposed: [],
  };
  test('none is configured', () => assert.deepEqual(grades(checkCertificate(null, nowMs)), ['ok']));
  test('a good one tells its days and its names', () => {
    assert.deepEqual(linesOf(checkCertificate(good, nowMs)), [
      'ok matches its key, valid until 2026-08-30, for 90 days more',
      'ok DNS:rtmp.example, IP:192.0.2.1',
    ]);
  });
  const cases: [string, Partial<typeof good>, string[]][] = [
    ['has expired', { untilMs: nowMs - 1 }, ['problem', 'ok']],
    ['is not valid yet', { fromMs: nowMs + 1 }, ['problem', 'ok']],
    ['expires soon', { untilMs: nowMs + (renewalDays - 1) * dayMs }, ['warning', 'ok']],
    ['has no names', { names: '' }, ['ok', 'warning']],
    ['has a key that others may read', { exposed: ['key.pem: all may read it; run chmod'] }, ['ok', 'ok', 'problem']],
  ];
  for (const [name, changes, expected] of cases)
    test(`one that ${name}`, () =>
      assert.deepEqual(grades(checkCertificate({ ...good, ...changes }, nowMs)), expected));
  test('one that cannot be served says why and what to do', () => {
    const [finding] = checkCertificate({ problem: '--tls-key k: does not match; name the two; of one' }, nowMs);
    assert.deepEqual([finding!.text, finding!.remedy], ['--tls-key k: does not match', 'name the two; of one']);
  });
});

describe('clock', () => {
  const facts: ClockFacts = { wallMs: Date.UTC(2026, 5, 1), driftMs: 0.3, timedatectl: null, chronyc: null };
  const tracking = 'System time     : 0.000021 seconds slow of NTP time\nLeap status     : Normal\n';
  const cases: [string, Partial<ClockFacts>, string[]][] = [
    ['synchronised by chrony', { chronyc: tracking }, ['ok']],
    ['far away, by chrony', { chronyc: tracking.replace('0.000021', '3.2') }, ['warning']],
    ['not synchronised by chrony', { chronyc: tracking.replace('Normal', 'Not synchronised') }, ['warning']],
    ['synchronised, says systemd', { timedatectl: 'NTP=yes\nNTPSynchronized=yes\n' }, ['ok']],
    ['not synchronised, says systemd', { timedatectl: 'NTPSynchronized=no\n' }, ['warning']],
    ['that nobody knows about', {}, ['warning']],
    ['of a machine without a battery', { wallMs: 0, chronyc: tracking }, ['problem']],
    ['that jumps', { driftMs: -400, chronyc: tracking }, ['ok', 'warning']],
  ];
  for (const [name, changes, expected] of cases)
    test(`one ${name}`, () => assert.deepEqual(grades(checkClock({ ...facts, ...changes })), expected));
});

describe('disk, state folder and secrets', () => {
  test('free space', () => {
    const space = (freeBytes: number) => ({ what: 'log', folder: '/', freeBytes, totalBytes: 4096 * MiB });
    assert.deepEqual(grades(checkSpace([space(2048 * MiB), space(200 * MiB), space(10 * MiB)])), [
      'ok',
      'warning',
      'problem',
    ]);
  });

  const folders: [Parameters<typeof checkStateFolder>[0]['state'], number | null, string][] = [
    ['writable', 0o700, 'ok'],
    ['writable', null, 'ok'],
    ['writable', 0o777, 'warning'],
    ['absent', null, 'ok'],
    ['absent-denied', null, 'problem'],
    ['not-writable', 0o755, 'problem'],
    ['no-folder', 0o644, 'problem'],
  ];
  for (const [state, mode, grade] of folders)
    test(`a state folder that is ${state} (mode ${mode?.toString(8)}) is ${grade}`, () => {
      assert.equal(checkStateFolder({ folder: '/s', state, mode, user: 'skyweir' }).grade, grade);
    });

  const secret = (mode: number, ownerIsUs = true) => ({ file: '/s/password', mode, ownerIsUs });
  test('secrets that others may read', () => {
    assert.deepEqual(grades(checkSecrets([secret(0o600), secret(0o640), secret(0o604)])), ['problem', 'problem']);
    assert.match(checkSecrets([secret(0o644)])[0]!.remedy!, /^chmod 600 \/s\/password$/);
  });
  test('one that systemd gave to our group is right', () => {
    assert.deepEqual(grades(checkSecrets([secret(0o440, false)])), ['ok']);
  });
  test('all for their owner only', () =>
    assert.deepEqual(grades(checkSecrets([secret(0o600), secret(0o400)])), ['ok']));
});

describe('network', () => {
  const facts: NetworkFacts = {
    platform: 'linux',
    ipv6Code: null,
    rtpCode: null,
    discoveryCode: null,
    sysctl: { 'net.core.somaxconn': '4096\n', 'net.core.wmem_max': '8388608\n' },
    hosts: ['192.0.2.9'],
    firewall: null,
  };
  const findingsOf = (changes: Partial<NetworkFacts>, flags: Record<string, string | boolean> = {}) => {
    const config = configOf(flags);
    return checkNetwork(config, { ...facts, ...changes }, wantedPorts(config));
  };
  const badOf = (...args: Parameters<typeof findingsOf>) =>
    findingsOf(...args).flatMap(({ check, grade }) => (grade === 'ok' ? [] : [`${grade} ${check}`]));

  test('all is well', () => assert.deepEqual(badOf({}), []));
  test('no IPv6', () => assert.deepEqual(badOf({ ipv6Code: 'EAFNOSUPPORT' }), ['warning ipv6']));
  test('no IPv6, and none wanted', () =>
    assert.deepEqual(badOf({ ipv6Code: 'EAFNOSUPPORT' }, { host: '192.0.2.9' }), []));
  test('no UDP', () => assert.deepEqual(badOf({ rtpCode: 'EPERM' }), ['problem udp']));
  test('discovery, only where it is on', () => {
    assert.deepEqual(badOf({ discoveryCode: 'EADDRINUSE' }), []);
    assert.deepEqual(badOf({ discoveryCode: 'EADDRINUSE' }, { discovery: true }), ['warning udp']);
  });
  test('limits of the kernel', () => {
    const sysctl = { 'net.core.somaxconn': '128', 'net.core.wmem_max': '212992' };
    assert.deepEqual(badOf({ sysctl }), ['warning somaxconn', 'warning socket-buffers']);
    assert.deepEqual(badOf({ sysctl: {} }), [], 'they are hidden in some containers');
    assert.deepEqual(badOf({ sysctl, platform: 'win32' }), []);
  });
  test('an address that only this machine reaches', () => {
    assert.deepEqual(badOf({ hosts: ['127.0.0.1'] }), ['warning addresses']);
    const text = findingsOf({ hosts: ['192.0.2.9', '2001:db8::9'] }).find(({ check }) => check === 'addresses')!.text;
    assert.equal(text, 'reached at http://192.0.2.9:8081, http://[2001:db8::9]:8081');
  });
  test('the firewall gets the command of the one that is there', () => {
    const textOf = (changes: Partial<NetworkFacts>) =>
      findingsOf(changes).find(({ check }) => check === 'firewall')!.text;
    assert.match(textOf({}), /TCP 1935, 8554, 8081, 8080, and UDP/);
    assert.match(textOf({ firewall: 'ufw' }), /ufw allow 1935\/tcp/);
    assert.match(textOf({ platform: 'win32' }), /netsh advfirewall .*localport=1935,8554,8081,8080/);
  });
});
