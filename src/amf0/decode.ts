import { readU16, readU32 } from '../base/bytes.ts';
import { ConnectionError } from '../base/errors.ts';
import { AmfReader } from './amf-reader.ts';
import { Amf3Decoder } from './amf3-decode.ts';
import { AmfBudget, AmfReferences } from './budget.ts';
import type { AmfObject, AmfValue } from './value.ts';

/** AMF0 type markers (AMF0 specification, clause 2.1). */
export const amfMarker = {
  number: 0x00,
  boolean: 0x01,
  string: 0x02,
  object: 0x03,
  movieClip: 0x04,
  null: 0x05,
  undefined: 0x06,
  reference: 0x07,
  ecmaArray: 0x08,
  objectEnd: 0x09,
  strictArray: 0x0a,
  date: 0x0b,
  longString: 0x0c,
  unsupported: 0x0d,
  recordSet: 0x0e,
  xmlDocument: 0x0f,
  typedObject: 0x10,
  avmPlus: 0x11,
} as const;

/**
 * Reads the AMF0 values of one message, one after the other. Throws `ConnectionError` (`amf_malformed`, `amf_too_deep`,
 * `amf_too_large`) and nothing else. A marker without a defined body makes the rest unreadable: `unreadable` turns true
 * and nothing remains.
 */
export class AmfDecoder extends AmfReader {
  readonly #references = new AmfReferences(this.budget);

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    super(bytes, start, end, new AmfBudget());
  }

  /** The marker of the next value, or -1 at the end. */
  peekMarker(): number {
    return this.remaining > 0 ? this.bytes[this.at]! : -1;
  }

  /** The next value. At the end of the message that is an error: ask `remaining` first. */
  value(): AmfValue {
    this.budget.node();
    const marker = this.bytes[this.take(1)]!;
    switch (marker) {
      case amfMarker.number:
        return this.bytes.readDoubleBE(this.take(8));
      case amfMarker.boolean:
        return this.bytes[this.take(1)] !== 0;
      case amfMarker.string:
        return this.utf8(readU16(this.bytes, this.take(2)));
      case amfMarker.longString:
      case amfMarker.xmlDocument:
        return this.utf8(readU32(this.bytes, this.take(4)));
      case amfMarker.null:
        return null;
      case amfMarker.undefined:
      case amfMarker.unsupported:
        return undefined;
      case amfMarker.object:
        return this.#object();
      case amfMarker.typedObject:
        // The class name is not kept: nothing here may depend on what a peer calls its classes.
        this.take(readU16(this.bytes, this.take(2)));
        return this.#object();
      case amfMarker.ecmaArray:
        // The count is a hint that senders get wrong (0, or more than follows); the end marker decides.
        this.take(4);
        return this.#object();
      case amfMarker.strictArray:
        return this.#strictArray();
      case amfMarker.date:
        return this.#date();
      case amfMarker.reference:
        return this.#references.get(readU16(this.bytes, this.take(2)));
      case amfMarker.avmPlus:
        return this.#avmPlus();
      default:
        return this.giveUp();
    }
  }

  #object(): AmfObject {
    const { nodes, stringBytes } = this.budget;
    const index = this.#references.open();
    const values: AmfObject = new Map();
    this.budget.enter();
    // Envivio and others leave the end marker out at the end of a message: then the buffer's end is the object's.
    while (this.remaining > 0) {
      const length = readU16(this.bytes, this.take(2));
      if (length === 0 && this.peekMarker() === amfMarker.objectEnd) {
        this.at++;
        break;
      }
      if (length === 0 && this.remaining === 0) break;
      const key = this.utf8(length);
      values.set(key, this.value());
    }
    this.budget.leave();
    this.#references.close(index, values, nodes, stringBytes);
    return values;
  }

  #strictArray(): AmfValue[] {
    const { nodes, stringBytes } = this.budget;
    const index = this.#references.open();
    const count = readU32(this.bytes, this.take(4));
    // Every value takes at least its marker.
    if (count > this.remaining) throw new ConnectionError('amf_malformed', 'array longer than its message');
    const values: AmfValue[] = [];
    this.budget.enter();
    for (let i = 0; i < count && !this.unreadable; i++) values.push(this.value());
    this.budget.leave();
    this.#references.close(index, values, nodes, stringBytes);
    return values;
  }

  /** The time zone that follows the time is reserved and means nothing (clause 2.13). */
  #date(): Date {
    const at = this.take(10);
    return new Date(this.bytes.readDoubleBE(at));
  }

  #avmPlus(): AmfValue {
    const amf3 = new Amf3Decoder(this.bytes, this.at, this.end, this.budget);
    const value = amf3.value();
    if (amf3.unreadable) return this.giveUp();
    this.at = amf3.position;
    return value;
  }
}
