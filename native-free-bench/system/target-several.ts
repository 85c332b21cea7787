/** Several servers of one kind side by side, for more streams than one of them takes; they are measured as one. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RunningProcess, RunningTarget, Target, TargetOptions } from './target.ts';

/** As many servers as it takes for `most` streams each. */
export class SeveralTargets implements Target {
  readonly name: string;
  readonly description: string;
  readonly #kind: Target;
  readonly #most: number;

  constructor(kind: Target, most: number) {
    this.name = kind.name;
    this.description = kind.description;
    this.#kind = kind;
    this.#most = most;
  }

  async start(options: TargetOptions): Promise<RunningTarget> {
    const count = Math.ceil(options.streams / this.#most);
    const each = Math.ceil(options.streams / count);
    const running: RunningTarget[] = [];
    try {
      for (let i = 0; i < count; i++) {
        const folder = join(options.folder, `server${i + 1}`);
        mkdirSync(folder);
        running.push(
          await this.#kind.start({ ...options, folder, streams: Math.min(each, options.streams - i * each) }),
        );
      }
    } catch (error) {
      for (const { process } of running) await process.kill();
      throw error;
    }
    return {
      ...running[0]!,
      process: together(running.map(({ process }) => process)),
      stream: (index) => {
        const server = running[Math.floor(index / each)]!;
        return { ...server.stream(index % each), rtmpPort: server.rtmpPort, readPort: server.readPort };
      },
    };
  }
}

function together(processes: readonly RunningProcess[]): RunningProcess {
  return {
    pid: processes[0]!.pid,
    get pids() {
      return processes.flatMap(({ pids }) => pids);
    },
    get ended() {
      return processes.some(({ ended }) => ended);
    },
    get output() {
      return processes.map(({ output }) => output).join('\n');
    },
    stop: async () => void (await Promise.all(processes.map((one) => one.stop()))),
    kill: async () => void (await Promise.all(processes.map((one) => one.kill()))),
  };
}
