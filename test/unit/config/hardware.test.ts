import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UsageError } from '../../../src/config/errors.ts';
import { printConfig } from '../../../src/config/print.ts';
import { loadText } from '../../support/config-text.ts';

function problems(file: string, flags: Record<string, string | boolean> = {}): readonly string[] {
  try {
    loadText(file, flags);
    return [];
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.problems;
  }
}

describe('hardware without a list', () => {
  test('every 16 cameras are one device, on one port after the other', () => {
    const { hardwareList, cameraList, listenerList } = loadText('', { cameras: '1000' }).config;
    assert.equal(hardwareList.length, 63);
    assert.deepEqual(
      [hardwareList[0], hardwareList[62]].map((entry) => [entry!.name, entry!.onvifPort, entry!.cameras]),
      [
        ['Skyweir 1', 8081, 16],
        ['Skyweir 63', 8143, 8],
      ],
    );
    assert.deepEqual([cameraList[16]!.hardware, cameraList[16]!.path], [1, '/stream17']);
    assert.deepEqual(
      listenerList.map(({ key, port, tls, rtmpsPort }) => ({ key, port, tls, rtmpsPort })),
      [{ key: '1935', port: 1935, tls: false, rtmpsPort: null }],
    );
  });

  test('one device has no number, and port 0 is any free port for each', () => {
    assert.equal(loadText('').config.hardwareList[0]!.name, 'Skyweir');
    const { hardwareList } = loadText('', { cameras: '40', 'onvif-port': '0' }).config;
    assert.deepEqual(
      hardwareList.map(({ onvifPort }) => onvifPort),
      [0, 0, 0],
    );
  });

  test('devices that would need a port above 65535 are refused, and so is a port that something else has', () => {
    assert.deepEqual(problems('', { cameras: '40', 'onvif-port': '65534' }), [
      '--onvif-port 65536: the ONVIF device "Skyweir 3" would need a port above 65535; choose a lower onvif-port',
    ]);
    assert.deepEqual(problems('', { cameras: '40', 'rtsp-port': '8082' }), [
      '--onvif-port: the onvif-port of hardware "Skyweir 2" is also rtsp-port; choose another port for one of them',
    ]);
    assert.deepEqual(problems('', { cameras: '40', 'rtsp-port': '8082', onvif: false }), []);
  });
});

const two = `
rate-limit-per-second: 20
hardware:
  - name: North
    rtmp-port: 8783
    onvif-port: 9001
    max-connections: 8
    cameras:
      - name: Gate
        path: /stream1
        rtsp-path: /north/1
  - name: South
    rtmp-port: 8784
    onvif-port: 9002
    tls: true
    rate-limit: false
    offline-info: false
    cameras: 3
`;

describe('hardware as a list', () => {
  test('has its own ports and limits, and the rest from the keys for all', () => {
    const { config } = loadText(two);
    assert.deepEqual(config.listenerList, [
      {
        key: '8783',
        port: 8783,
        tls: false,
        rtmpsPort: null,
        maxConnections: 8,
        maxConnectionsPerIp: 16,
        ratePerSecond: 20,
      },
      {
        key: '8784',
        port: 8784,
        tls: true,
        rtmpsPort: null,
        maxConnections: 32,
        maxConnectionsPerIp: 16,
        ratePerSecond: 0,
      },
    ]);
    assert.deepEqual(config.hardwareList, [
      { name: 'North', number: 1, onvifPort: 9001, listener: '8783', cameras: 1 },
      { name: 'South', number: 2, onvifPort: 9002, listener: '8784', cameras: 3 },
    ]);
    const { ownRules: _own, rules: _rules, ownAccess: _access, ...gate } = config.cameraList[0]!;
    assert.deepEqual(gate, {
      name: 'Gate',
      path: '/stream1',
      rtspPath: '/north/1',
      hardware: 0,
      channel: 1,
      listener: '8783',
      offlineInfo: true,
    });
    const south = config.cameraList.slice(1);
    assert.deepEqual(
      south.map(({ path, offlineInfo }) => [path, offlineInfo]),
      [
        ['/stream1', false],
        ['/stream2', false],
        ['/stream3', false],
      ],
    );
  });

  test('may share one RTMP port, with two that ask for a free one getting two', () => {
    const shared = 'hardware:\n  - cameras: [{path: /a}]\n  - cameras: [{path: /b}]\n';
    assert.deepEqual(
      loadText(shared).config.listenerList.map(({ key }) => key),
      ['1935'],
    );
    const free = 'hardware:\n  - {rtmp-port: 0, cameras: [{path: /a}]}\n  - {rtmp-port: 0, cameras: [{path: /b}]}\n';
    assert.deepEqual(
      loadText(free).config.listenerList.map(({ key, port }) => [key, port]),
      [
        ['free 1', 0],
        ['free 2', 0],
      ],
    );
  });

  test('is printed as a file that means the same', () => {
    const loaded = loadText(two);
    const again = loadText(printConfig(loaded));
    assert.deepEqual(again.config.hardwareList, loaded.config.hardwareList);
    assert.deepEqual(again.config.cameraList, loaded.config.cameraList);
    assert.deepEqual(again.config.listenerList, loaded.config.listenerList);
  });

  const entry = (name: string, rest: string) => `  - name: ${name}\n    ${rest}\n`;
  const refused: [string, string, string[]][] = [
    [
      'one path twice on one port',
      `hardware:\n${entry('A', 'cameras: [{name: One, path: /gate}]')}${entry('B', 'cameras: [{name: Two, path: /GATE}]')}`,
      [
        'a.yaml:5:33: hardware[2].cameras[1].path /GATE: "Two" of hardware "B" has the same path as "One" of hardware "A"; give every camera its own path (upper and lower case count as the same)',
      ],
    ],
    [
      'one path on two ports, which readers could not tell apart',
      `hardware:\n${entry('A', 'cameras: [{name: One, path: /gate}]')}${entry('B', 'rtmp-port: 2000\n    cameras: [{name: Two, path: /gate}]')}`,
      [
        'a.yaml:6:15: hardware[2].cameras[1].rtsp-path /gate: "Two" of hardware "B" has the same RTSP path as "One" of hardware "A"; readers reach both at one port, so give one of them an rtsp-path of its own',
      ],
    ],
    [
      'one ONVIF port twice',
      `hardware:\n${entry('A', 'onvif-port: 9000\n    cameras: [{path: /a}]')}${entry('B', 'onvif-port: 9000\n    cameras: [{path: /b}]')}`,
      [
        'a.yaml:6:17: hardware[2].onvif-port 9000: the onvif-port of hardware "B" is also the onvif-port of hardware "A"; choose another port for one of them',
      ],
    ],
    [
      'an RTMP port that is the RTSP port',
      `hardware:\n${entry('A', 'rtmp-port: 8554')}`,
      [
        'a.yaml:3:16: hardware[1].rtmp-port 8554: the rtmp-port of hardware "A" is also rtsp-port; choose another port for one of them',
      ],
    ],
    [
      'one RTMP port with two limits',
      `hardware:\n${entry('A', 'cameras: [{path: /a}]')}${entry('B', 'max-connections: 5\n    cameras: [{path: /b}]')}`,
      [
        'a.yaml:5:22: hardware[2].max-connections 5: hardware "B" shares the RTMP port 1935 with hardware "A", where this is another; say the same in both, or give one of them its own rtmp-port',
      ],
    ],
    [
      'more than 16 cameras',
      'hardware:\n  - cameras: 17\n',
      ['a.yaml:2:14: hardware[1].cameras 17: must be a whole number from 1 to 16'],
    ],
    [
      'cameras beside it',
      'cameras: 4\nhardware:\n  - name: A\n',
      ['a.yaml:1:10: cameras 4: cannot stand beside hardware (a.yaml:2); list the cameras in their hardware entries'],
    ],
    [
      'an unknown key',
      'hardware:\n  - name: A\n    onvif_port: 1\n',
      ['a.yaml:3:17: hardware[1].onvif_port 1: unknown key onvif_port; did you mean onvif-port?'],
    ],
  ];
  for (const [name, file, expected] of refused) {
    test(`refuses ${name}, with the line and both names`, () => assert.deepEqual(problems(file), expected));
  }
});
