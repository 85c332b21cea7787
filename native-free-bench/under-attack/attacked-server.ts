import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Attacked } from '../../test/conformance/hostile/row.ts';
import { makeCertificate } from '../../test/support/certificates.ts';
import { testCredentials } from '../../test/support/media-server.ts';
import { freePorts } from '../system/free-port.ts';
import type { StreamNames } from '../system/load-messages.ts';
import { TargetProcess } from '../system/target.ts';

const root = resolve(import.meta.dirname, '../..');
/** ONVIF devices, and cameras that are there for hostile peers. */
const devices = 60;
const hostileCameras = 300;

/** A server with cameras for a fleet that means well and for rows of the hostile suite, on one set of ports. */
export class AttackedServer {
  readonly process: TargetProcess;
  readonly ports: Required<Attacked['ports']>;
  readonly fleet: readonly StreamNames[];
  readonly credentials = testCredentials;

  private constructor(child: TargetProcess, ports: Required<Attacked['ports']>, fleet: readonly StreamNames[]) {
    this.process = child;
    this.ports = ports;
    this.fleet = fleet;
  }

  /** `nodeFlags` are those that `npm start` gives to Node. */
  static async start(folder: string, cameras: number, nodeFlags: readonly string[]): Promise<AttackedServer> {
    const rtmp = await freePorts();
    const rtsp = await freePorts();
    const rtmps = await freePorts();
    const elsewhere = await freePorts();
    const http = await freePorts();
    const firstOnvif = await freePorts(devices + 1);
    const { cert, key } = makeCertificate(folder, 'attacked');
    const fleet = Array.from({ length: cameras }, (_, i) => ({
      app: '',
      name: `fleet${i + 1}`,
      rtspPath: `/fleet${i + 1}`,
    }));
    const password = join(folder, 'password');
    writeFileSync(password, testCredentials.password, { mode: 0o600 });
    const file = join(folder, 'skyweir.yaml');
    // JSON is YAML. The fleet comes from one address, as floods do: what keeps floods out by address is off for both.
    writeFileSync(
      file,
      JSON.stringify({
        'rtmp-port': rtmp,
        'rtmps-port': rtmps,
        'rtsp-port': rtsp,
        'onvif-port': firstOnvif,
        'http-port': http,
        'tls-cert': cert,
        'tls-key': key,
        user: testCredentials.user,
        'password-file': password,
        'max-connections': cameras + 64,
        'max-connections-per-ip': 0,
        'rate-limit': false,
        'deny-ip': ['127.77.0.0/16'],
        'handshake-timeout': '1s',
        'publish-timeout': '1500ms',
        'video-timeout': '3s',
        hardware: [...hardware(cameras), { cameras: [{ path: '/elsewhere' }], 'rtmp-port': elsewhere }],
      }),
    );
    const command = [process.execPath, ...nodeFlags, join(root, 'src/start.js'), '--config', file];
    const child = new TargetProcess(command, folder, '', { HOME: folder });
    await child.listening([rtmp, rtsp, rtmps, elsewhere, firstOnvif]);
    const onvif = Array.from({ length: devices }, (_, i) => firstOnvif + i);
    const gate = { rtmp, rtsp, elsewhere, onvif, discovery: 0, secureOnvif: onvif, http, secureHttp: http };
    return new AttackedServer(child, { rtmp, rtsp, rtmps, secureRtsp: rtsp, gate }, fleet);
  }
}

function hardware(cameras: number): object[] {
  return Array.from({ length: devices }, (_, device) => {
    const own: object[] = [];
    for (let n = 1; n <= hostileCameras; n++)
      if (n % devices === device) own.push({ name: `Stream ${n}`, path: `/stream${n}` });
    for (let n = 1; n <= cameras; n++) if (n % devices === device) own.push({ name: `Fleet ${n}`, path: `/fleet${n}` });
    return { cameras: own };
  });
}
