import { ConnectionError } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { AmfValue } from './value.ts';

/** What a finished object costs again each time it is referred to. */
interface Finished {
  readonly value: AmfValue;
  readonly nodes: number;
  readonly stringBytes: number;
}

/** One decode's bounds on nesting, on values and on what references repeat. */
export class AmfBudget {
  nodes = 0;
  stringBytes = 0;
  #depth = 0;
  #repeatedBytes = 0;

  /** One more value. Throws `amf_too_large`. */
  node(): void {
    if (++this.nodes > limits.amf.nodes) throw new ConnectionError('amf_too_large');
  }

  /** One level deeper. Throws `amf_too_deep`. */
  enter(): void {
    if (++this.#depth > limits.amf.depth) throw new ConnectionError('amf_too_deep');
  }

  leave(): void {
    this.#depth--;
  }

  /** A few bytes can name a large value again and again: what that adds counts as if it had been sent. */
  repeat(nodes: number, stringBytes: number): void {
    this.nodes += nodes;
    this.stringBytes += stringBytes;
    this.#repeatedBytes += stringBytes;
    if (this.nodes > limits.amf.nodes || this.#repeatedBytes > limits.amf.repeatedStringBytes)
      throw new ConnectionError('amf_too_large');
  }
}

/**
 * The objects of one message that a later value can refer to by number. An object that is still being read cannot be
 * referred to: the result would contain itself, and whoever walks it would never end.
 */
export class AmfReferences {
  readonly #budget: AmfBudget;
  readonly #finished: (Finished | null)[] = [];

  constructor(budget: AmfBudget) {
    this.#budget = budget;
  }

  /** Takes the next number for an object whose contents follow. */
  open(): number {
    return this.#finished.push(null) - 1;
  }

  /** The object is complete; `nodes` and `stringBytes` are the budget's figures from before it. */
  close(index: number, value: AmfValue, nodes: number, stringBytes: number): void {
    this.#finished[index] = {
      value,
      nodes: this.#budget.nodes - nodes,
      stringBytes: this.#budget.stringBytes - stringBytes,
    };
  }

  /** The object with that number; undefined if it is still open. Throws `amf_malformed` for a number not yet given. */
  get(index: number): AmfValue {
    const entry = this.#finished[index];
    if (entry === undefined) throw new ConnectionError('amf_malformed', 'reference to nothing');
    if (entry === null) return undefined;
    this.#budget.repeat(entry.nodes, entry.stringBytes);
    return entry.value;
  }
}
