/** The runner's handle of a load process. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { LoadCommand, LoadProgress, LoadReport } from './load-messages.ts';

/** A forked load process: one of `load-publishers.ts`, `load-readers.ts`, `load-churn.ts`. */
export class LoadProcess {
  readonly #child: ChildProcess;
  #progress: LoadProgress | null = null;
  #waiting: ((report: LoadReport) => void) | null = null;
  #failed: ((error: Error) => void) | null = null;
  #ended = false;

  constructor(file: string, processors: string) {
    const path = join(import.meta.dirname, file);
    this.#child =
      processors === ''
        ? fork(path)
        : spawn('taskset', ['-c', processors, process.execPath, path], {
            stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
          });
    this.#child.on('message', (message) => {
      const report = message as LoadReport;
      if (report.type === 'progress') this.#progress = report;
      else this.#waiting?.(report);
    });
    this.#child.on('exit', (code) => {
      this.#ended = true;
      this.#failed?.(new Error(`${file} ended with code ${code}`));
    });
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The latest progress, or null. */
  get progress(): LoadProgress | null {
    return this.#progress;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Says something that has no answer. */
  send(command: LoadCommand): void {
    this.#child.send(command);
  }

  /** Says something and resolves with the next report that is no progress. */
  ask<T extends LoadReport>(command: LoadCommand): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#waiting = (report) => resolve(report as T);
      this.#failed = reject;
      this.#child.send(command);
    });
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.#ended) return;
    this.#failed = null;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.send({ type: 'stop' });
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(force);
  }
}
