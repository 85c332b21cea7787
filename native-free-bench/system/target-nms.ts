/** Node-Media-Server, the usual RTMP server on Node. It is no dependency: it is installed outside the tree when asked for. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './free-port.ts';
import { type RunningTarget, type Target, type TargetOptions, TargetProcess } from './target.ts';

const version = '4.4.3';
/** Kept between runs; a fixed name under the system's temporary folder. */
const installFolder = join(tmpdir(), `skyweir-bench-nms-${version}`);

/** Node-Media-Server on the Node that runs the benchmark; it uses one process and one thread. */
export class NodeMediaServerTarget implements Target {
  readonly name = 'nms';
  readonly description = `node-media-server ${version} on Node ${process.versions.node}; relay is RTMP in, RTMP out`;

  async start(options: TargetOptions): Promise<RunningTarget> {
    const script = await installed();
    const [rtmpPort, httpPort] = [options.again?.rtmpPort ?? (await freePorts()), await freePorts()];
    const config = {
      bind: '127.0.0.1',
      notify: { url: '' },
      auth: {
        play: false,
        publish: false,
        secret: 'bench',
        jwt: { users: [], secret: 'bench-only', algorithm: 'HS256' },
      },
      rtmp: { port: rtmpPort },
      http: { port: httpPort },
      store: { path: join(options.folder, 'data') },
      record: { path: join(options.folder, 'record'), auto: false },
    };
    const file = join(options.folder, 'config.json');
    writeFileSync(file, JSON.stringify(config));
    const command = [process.execPath, script, '--config', file, '--no-admin'];
    const child = new TargetProcess(command, options.folder, options.processors, { HOME: options.folder });
    await child.listening([rtmpPort]);
    return {
      process: child,
      rtmpPort,
      readProtocol: 'rtmp',
      readPort: rtmpPort,
      credentials: null,
      httpPort: 0,
      onvifPort: 0,
      stream: (index) => ({ app: 'live', name: `stream${index + 1}`, rtspPath: '' }),
    };
  }
}

/** Path of the program, installed with npm if need be. Throws an Error with npm's words if that fails. */
async function installed(): Promise<string> {
  const script = join(installFolder, 'node_modules/node-media-server/bin/app.js');
  if (existsSync(script)) return script;
  console.error(`installing node-media-server ${version} into ${installFolder} ...`);
  mkdirSync(installFolder, { recursive: true });
  const args = ['install', '--prefix', installFolder, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
  await promisify(execFile)('npm', [...args, `node-media-server@${version}`], { cwd: installFolder });
  return script;
}
