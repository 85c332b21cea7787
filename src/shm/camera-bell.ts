import type { Doorbell } from './doorbell.ts';
import type { Readership } from './ring-writer.ts';

/** The doorbells of all consumers, as the writer of one camera uses them. */
export class CameraBell implements Readership {
  readonly #doorbells: readonly Doorbell[];
  readonly #camera: number;

  constructor(doorbells: readonly Doorbell[], camera: number) {
    this.#doorbells = doorbells;
    this.#camera = camera;
  }

  /** Consumer threads. */
  get threads(): number {
    return this.#doorbells.length;
  }

  /** Has any consumer readers of the camera? */
  get isRead(): boolean {
    for (let i = 0; i < this.#doorbells.length; i++) if (this.#doorbells[i]!.interested(this.#camera)) return true;
    return false;
  }

  /** The camera has a new record: wakes the consumers that have readers of it. */
  ring(): void {
    for (let i = 0; i < this.#doorbells.length; i++) {
      const doorbell = this.#doorbells[i]!;
      if (doorbell.interested(this.#camera)) doorbell.ring(this.#camera);
    }
  }
}
