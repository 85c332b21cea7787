import { limits } from '../base/limits.ts';
import { nalType } from '../h264/nal-unit.ts';

/** SEI and parameter sets that came without a picture, length-prefixed, until the next access unit takes them along. */
export class HeldUnits {
  /** The units are `buffer[0, length)`. */
  buffer = Buffer.alloc(0);
  length = 0;

  clear(): void {
    this.length = 0;
  }

  /**
   * Takes the SEI and parameter sets of the length-prefixed units in [start, end). Returns false when some were left out: more
   * than {@link limits} allow is no video but an endless stream of SEI.
   */
  take(bytes: Buffer, start: number, end: number): boolean {
    let all = true;
    for (let at = start; end - at >= 4; ) {
      const next = at + 4 + bytes.readUInt32BE(at);
      const type = next > at + 4 ? bytes[at + 4]! & 0x1f : 0;
      if (type === nalType.sei || type === nalType.sps || type === nalType.pps) all = this.#add(bytes, at, next) && all;
      at = next;
    }
    return all;
  }

  #add(bytes: Buffer, start: number, end: number): boolean {
    const length = this.length + end - start;
    if (length > limits.h264.heldBytes) return false;
    if (length > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(1024, 2 * length));
      this.buffer.copy(grown, 0, 0, this.length);
      this.buffer = grown;
    }
    bytes.copy(this.buffer, this.length, start, end);
    this.length = length;
    return true;
  }
}
