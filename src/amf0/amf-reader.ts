import { ConnectionError } from '../base/errors.ts';
import type { AmfBudget } from './budget.ts';

/** What the decoders of AMF0 and AMF3 have in common: their place in one message, which they never read past. */
export abstract class AmfReader {
  protected readonly bytes: Buffer;
  protected readonly end: number;
  protected readonly budget: AmfBudget;
  protected at: number;
  #unreadable = false;

  constructor(bytes: Buffer, start: number, end: number, budget: AmfBudget) {
    this.bytes = bytes;
    this.end = end;
    this.at = start;
    this.budget = budget;
  }

  /** Offset of the next value in the buffer given to the constructor. */
  get position(): number {
    return this.at;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  /** A value that cannot be skipped was met; what came after it is lost. */
  get unreadable(): boolean {
    return this.#unreadable;
  }

  protected giveUp(): undefined {
    this.#unreadable = true;
    this.at = this.end;
    return undefined;
  }

  /** Invalid UTF-8 becomes replacement characters. */
  protected utf8(length: number): string {
    const at = this.take(length);
    this.budget.stringBytes += length;
    return this.bytes.toString('utf8', at, at + length);
  }

  /** Passes over so many bytes. Returns the offset of the first. */
  protected take(length: number): number {
    const { at } = this;
    if (length > this.end - at) throw new ConnectionError('amf_malformed', 'a value runs past the end of its message');
    this.at = at + length;
    return at;
  }
}
