/** nginx with the RTMP module: the C server that Skyweir is compared with. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureProgram } from '../../scripts/tools/system-programs.ts';
import { freePorts } from './free-port.ts';
import { type RunningTarget, type Target, type TargetOptions, TargetProcess } from './target.ts';

const modulePaths = [
  '/usr/lib/nginx/modules/ngx_rtmp_module.so',
  '/usr/lib64/nginx/modules/ngx_rtmp_module.so',
  '/usr/local/lib/nginx/modules/ngx_rtmp_module.so',
];

/** nginx-rtmp with `workers` worker processes: a number or `auto`. */
export class NginxTarget implements Target {
  readonly name: string;
  readonly description: string;
  readonly #workers: string;
  readonly #chunkSize: number;

  constructor(name: string, workers: string, chunkSize: number) {
    this.name = name;
    this.#workers = workers;
    this.#chunkSize = chunkSize;
    this.description = `nginx-rtmp, worker_processes ${workers}, chunk_size ${chunkSize}; relay is RTMP in, RTMP out`;
  }

  async start(options: TargetOptions): Promise<RunningTarget> {
    const nginx = await ensureProgram('nginx-rtmp');
    const port = options.again?.rtmpPort ?? (await freePorts());
    const file = join(options.folder, 'nginx.conf');
    writeFileSync(
      file,
      nginxConfig({
        folder: options.folder,
        port,
        workers: this.#workers,
        chunkSize: this.#chunkSize,
        module: modulePaths.find((path) => existsSync(path)) ?? '',
        root: process.getuid?.() === 0,
      }),
    );
    const child = new TargetProcess([nginx, '-p', options.folder, '-c', file], options.folder, options.processors);
    await child.listening([port]);
    return {
      process: child,
      rtmpPort: port,
      readProtocol: 'rtmp',
      readPort: port,
      credentials: null,
      httpPort: 0,
      onvifPort: 0,
      stream: (index) => ({ app: 'live', name: `stream${index + 1}`, rtspPath: '' }),
    };
  }
}

/**
 * The configuration file. Nothing is logged or recorded, and the sockets of the workers are joined only if there are several.
 * With `multi_accept` a worker takes all connections that wait in one turn of its loop, not one of them: under full load its
 * turns are long.
 */
export function nginxConfig(values: {
  readonly folder: string;
  readonly port: number;
  readonly workers: string;
  readonly chunkSize: number;
  /** Path of the dynamic module, '' if it is built in. */
  readonly module: string;
  readonly root: boolean;
}): string {
  const several = values.workers !== '1';
  return `${values.module === '' ? '' : `load_module ${values.module};\n`}${values.root ? 'user root;\n' : ''}daemon off;
worker_processes ${values.workers};
worker_rlimit_nofile 16384;
pid ${values.folder}/nginx.pid;
error_log stderr error;
events { worker_connections 8192; multi_accept on; }
${several ? `rtmp_auto_push on;\nrtmp_socket_dir ${values.folder};\n` : ''}rtmp {
  access_log off;
  server {
    listen 127.0.0.1:${values.port};
    chunk_size ${values.chunkSize};
    application live { live on; }
  }
}
`;
}
