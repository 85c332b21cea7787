/** Skyweir itself, started as a user would start it. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { makeCertificate } from '../../test/support/certificates.ts';
import { freePorts } from './free-port.ts';
import { type RunningTarget, type Target, type TargetOptions, TargetProcess } from './target.ts';

const root = resolve(import.meta.dirname, '../..');
const camerasPerDevice = 16;
/** Connections beyond the publishers': the ones that asked whether it listens may not have gone when the load comes. */
const spareConnections = 16;
/** What one server is started with at most; more streams than that take several servers. */
export const mostCameras = 1000;
const user = 'bench';
const password = 'bench-only';

interface PackageFile {
  readonly version: string;
  readonly scripts: { readonly start: string };
}

/** The server of this tree; `extra` are further command line arguments. */
export class SkyweirTarget implements Target {
  readonly name = 'skyweir';
  readonly description: string;
  readonly #extra: readonly string[];
  /** Those that `npm start` gives to Node. */
  readonly #nodeFlags: readonly string[];

  constructor(extra: readonly string[]) {
    const { version, scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as PackageFile;
    this.#nodeFlags = scripts.start.split(' ').filter((word) => word.startsWith('--'));
    this.#extra = extra;
    const settings = extra.length === 0 ? '' : ` with ${extra.join(' ')}`;
    this.description = `skyweir ${version} on Node ${process.versions.node}${settings}; relay is RTMP in, RTSP/TCP out`;
  }

  async start(options: TargetOptions): Promise<RunningTarget> {
    const { again } = options;
    const rtmpPort = again?.rtmpPort ?? (await freePorts());
    const rtspPort = again?.readPort ?? (await freePorts());
    const side = await sidePortsOf(options.streams, again);
    const cameras = Math.min(Math.max(options.streams, 1), mostCameras);
    const command = [process.execPath, ...this.#nodeFlags];
    if (options.profileFolder !== '') command.push('--cpu-prof', `--cpu-prof-dir=${options.profileFolder}`);
    command.push(join(root, 'src/start.js'), '--host', '127.0.0.1', '--no-rate-limit', '--max-connections-per-ip', '0');
    command.push('--rtmp-port', String(rtmpPort), '--rtsp-port', String(rtspPort));
    command.push('--cameras', String(cameras), '--max-connections', String(cameras + spareConnections), ...side.flags);
    if (options.authentication) {
      const file = join(options.folder, 'password');
      writeFileSync(file, password, { mode: 0o600 });
      command.push('--user', user, '--password-file', file);
    } else command.push('--no-auth');
    if (options.tls === true) command.push('--tls', ...certificateFlags(options.folder));
    command.push(...this.#extra);
    const child = new TargetProcess(command, options.folder, options.processors, { HOME: options.folder });
    await child.listening([rtmpPort, rtspPort]);
    return {
      process: child,
      rtmpPort,
      readProtocol: 'rtsp',
      readPort: rtspPort,
      credentials: options.authentication ? { user, password } : null,
      httpPort: side.httpPort,
      onvifPort: side.onvifPort,
      stream: (index) => ({ app: '', name: `stream${index + 1}`, rtspPath: `/stream${index + 1}` }),
    };
  }
}

/** Certificate and key for this run alone. */
function certificateFlags(folder: string): string[] {
  const { cert, key } = makeCertificate(folder, 'bench');
  return ['--tls-cert', cert, '--tls-key', key];
}

/** Flags that move the other listeners to free ports, as far as this version has such listeners. */
export async function sidePorts(streams: number): Promise<string[]> {
  return (await sidePortsOf(streams)).flags;
}

/** Of those listeners that this version has, 0 for the others. */
async function newSidePorts(streams: number): Promise<{ readonly httpPort: number; readonly onvifPort: number }> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'src/cli.ts'), '--help']);
  // One ONVIF device takes one port.
  const devices = Math.ceil(streams / camerasPerDevice);
  return {
    httpPort: stdout.includes('--http-port') ? await freePorts() : 0,
    onvifPort: stdout.includes('--onvif-port') ? await freePorts(devices) : 0,
  };
}

interface SidePorts {
  readonly flags: string[];
  readonly httpPort: number;
  readonly onvifPort: number;
}

async function sidePortsOf(streams: number, again?: RunningTarget): Promise<SidePorts> {
  const { httpPort, onvifPort } = again ?? (await newSidePorts(streams));
  const flags = [
    ...(httpPort > 0 ? ['--http-port', String(httpPort)] : []),
    ...(onvifPort > 0 ? ['--onvif-port', String(onvifPort)] : []),
  ];
  return { flags, httpPort, onvifPort };
}
