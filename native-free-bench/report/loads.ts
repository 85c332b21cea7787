/** The load processes of one part: started one after another, stopped in the opposite order. */
import type { LoadCommand } from '../system/load-messages.ts';
import { LoadProcess } from '../system/load-process.ts';
import { ramp } from '../system/measurement.ts';
import type { RunningTarget } from '../system/target.ts';

export class Loads {
  readonly #running: RunningTarget;
  readonly #say: (line: string) => void;
  readonly #processes: LoadProcess[] = [];

  constructor(running: RunningTarget, say: (line: string) => void) {
    this.#running = running;
    this.#say = say;
  }

  /** Starts `file` with its first message, and waits until all that it wants to connect is there. `what`: in the progress. */
  async start(what: string, file: string, first: object): Promise<LoadProcess> {
    const process = new LoadProcess(file, '');
    this.#processes.push(process);
    process.send(first as LoadCommand);
    await ramp(what, process, this.#running, this.#say);
    return process;
  }

  async stop(): Promise<void> {
    for (const process of this.#processes.reverse()) await process.stop();
  }
}
