/** Skyweir itself, started as a user would start it. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './free-port.ts';
import { type RunningTarget, type Target, type TargetOptions, TargetProcess } from './target.ts';

const root = resolve(import.meta.dirname, '../..');
const camerasPerDevice = 16;
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
    const [rtmpPort, rtspPort] = [await freePorts(), await freePorts()];
    const limit = String(Math.min(Math.max(options.streams, 1), 1000));
    const command = [process.execPath, ...this.#nodeFlags];
    if (options.profileFolder !== '') command.push('--cpu-prof', `--cpu-prof-dir=${options.profileFolder}`);
    command.push(join(root, 'src/cli.ts'), '--host', '127.0.0.1', '--no-rate-limit', '--max-connections-per-ip', '0');
    command.push('--rtmp-port', String(rtmpPort), '--rtsp-port', String(rtspPort));
    command.push('--cameras', limit, '--max-connections', limit, ...(await sidePorts(options.streams)));
    if (options.authentication) {
      const file = join(options.folder, 'password');
      writeFileSync(file, password, { mode: 0o600 });
      command.push('--user', user, '--password-file', file);
    } else command.push('--no-auth');
    command.push(...this.#extra);
    const child = new TargetProcess(command, options.folder, options.processors, { HOME: options.folder });
    await child.listening([rtmpPort, rtspPort]);
    return {
      process: child,
      rtmpPort,
      readProtocol: 'rtsp',
      readPort: rtspPort,
      credentials: options.authentication ? { user, password } : null,
      stream: (index) => ({ app: '', name: `stream${index + 1}`, rtspPath: `/stream${index + 1}` }),
    };
  }
}

/** Flags that move the other listeners to free ports, as far as this version has such listeners. */
export async function sidePorts(streams: number): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'src/cli.ts'), '--help']);
  const flags: string[] = [];
  if (stdout.includes('--http-port')) flags.push('--http-port', String(await freePorts()));
  // One ONVIF device takes one port.
  const devices = Math.ceil(streams / camerasPerDevice);
  if (stdout.includes('--onvif-port')) flags.push('--onvif-port', String(await freePorts(devices)));
  return flags;
}
