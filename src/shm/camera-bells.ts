import type { Doorbell } from './doorbell.ts';
import type { Readership } from './ring-writer.ts';

/** The doorbells of all consumers, as the writers of a thread use them. */
export class CameraBells implements Readership {
  readonly #doorbells: readonly Doorbell[];

  constructor(doorbells: readonly Doorbell[]) {
    this.#doorbells = doorbells;
  }

  /** Consumer threads. */
  get threads(): number {
    return this.#doorbells.length;
  }

  /** Has any consumer readers of the camera? */
  isRead(camera: number): boolean {
    for (let i = 0; i < this.#doorbells.length; i++) if (this.#doorbells[i]!.interested(camera)) return true;
    return false;
  }

  /** The camera has a new record: wakes the consumers that have readers of it. */
  ring(camera: number): void {
    for (let i = 0; i < this.#doorbells.length; i++) {
      const doorbell = this.#doorbells[i]!;
      if (doorbell.interested(camera)) doorbell.ring(camera);
    }
  }
}
