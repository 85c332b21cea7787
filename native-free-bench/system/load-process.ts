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
  /** How it ended, '' while it runs. */
  #end = '';

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
    const end = (how: string): void => {
      this.#end ||= `${file} ended with ${how}`;
      this.#failed?.(new Error(this.#end));
    };
    this.#child.on('exit', (code, signal) => end(signal ?? `code ${code}`));
    // It could not be started; or it has ended, and whoever asks learns how: what it was only told is of no use any more.
    this.#child.on('error', ({ message }) => {
      if (this.#child.pid === undefined) end(message);
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
    return this.#end !== '';
  }

  /** Says something that has no answer. */
  send(command: LoadCommand): void {
    this.#child.send(command);
  }

  /** Says something and resolves with the next report that is no progress. */
  ask<T extends LoadReport>(command: LoadCommand): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.ended) return reject(new Error(this.#end));
      this.#waiting = (report) => resolve(report as T);
      this.#failed = reject;
      this.#child.send(command);
    });
  }

  /** Ends the process. */
  async stop(): Promise<void> {
    if (this.ended) return;
    this.#failed = null;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.send({ type: 'stop' });
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(force);
  }
}
