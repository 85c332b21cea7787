import { readU32 } from '../base/bytes.ts';
import { ConnectionError } from '../base/errors.ts';
import { AmfReader } from './amf-reader.ts';
import { AmfReferences } from './budget.ts';
import type { AmfObject, AmfValue } from './value.ts';

/** AMF3 type markers (AMF3 specification, clause 3.1). */
const marker3 = {
  undefined: 0x00,
  null: 0x01,
  false: 0x02,
  true: 0x03,
  integer: 0x04,
  double: 0x05,
  string: 0x06,
  xmlDocument: 0x07,
  date: 0x08,
  array: 0x09,
  object: 0x0a,
  xml: 0x0b,
  byteArray: 0x0c,
  vectorInt: 0x0d,
  vectorUint: 0x0e,
  vectorDouble: 0x0f,
  vectorObject: 0x10,
} as const;

/** The sealed property names of a class, which later objects can refer to by number. */
interface Traits {
  readonly names: readonly string[];
  readonly dynamic: boolean;
}

/**
 * Reads one AMF3 value inside an AMF0 message (behind marker 0x11). Its reference tables live as long as that value.
 * Bounds and errors are those of the AMF0 decoder, whose budget it shares. Externalizable classes and dictionaries have
 * no body that can be skipped: they make the rest `unreadable`.
 */
export class Amf3Decoder extends AmfReader {
  readonly #objects = new AmfReferences(this.budget);
  readonly #strings: string[] = [];
  readonly #stringLengths: number[] = [];
  readonly #traits: Traits[] = [];

  value(): AmfValue {
    this.budget.node();
    const marker = this.bytes[this.take(1)]!;
    switch (marker) {
      case marker3.undefined:
        return undefined;
      case marker3.null:
        return null;
      case marker3.false:
        return false;
      case marker3.true:
        return true;
      case marker3.integer:
        return (this.#u29() << 3) >> 3;
      case marker3.double:
        return this.bytes.readDoubleBE(this.take(8));
      case marker3.string:
        return this.#string();
      default:
        break;
    }
    if (marker > marker3.vectorObject) return this.giveUp();

    const header = this.#u29();
    if ((header & 1) === 0) return this.#objects.get(header >> 1);
    const { nodes, stringBytes } = this.budget;
    const index = this.#objects.open();
    this.budget.enter();
    const value = this.#complex(marker, header >> 1);
    this.budget.leave();
    this.#objects.close(index, value, nodes, stringBytes);
    return value;
  }

  /** `header` is the value's U29 without the reference bit: a count or, for objects, the traits. */
  #complex(marker: number, header: number): AmfValue {
    switch (marker) {
      case marker3.xmlDocument:
      case marker3.xml:
        return this.utf8(header);
      case marker3.date:
        return new Date(this.bytes.readDoubleBE(this.take(8)));
      case marker3.array:
        return this.#array(header);
      case marker3.object:
        return this.#object(header);
      case marker3.byteArray:
        this.take(header);
        return undefined;
      case marker3.vectorInt:
      case marker3.vectorUint:
      case marker3.vectorDouble:
        return this.#numberVector(marker, header);
      default:
        return this.#objectVector(header);
    }
  }

  #array(count: number): AmfValue {
    const named: AmfObject = new Map();
    this.#properties(named);
    this.#checkCount(count, 1);
    const dense: AmfValue[] = [];
    for (let i = 0; i < count && !this.unreadable; i++) dense.push(this.value());
    if (named.size === 0) return dense;
    for (let i = 0; i < dense.length; i++) named.set(String(i), dense[i]);
    return named;
  }

  #object(header: number): AmfValue {
    const traits = this.#readTraits(header);
    if (traits === null) return this.giveUp();
    const values: AmfObject = new Map();
    for (const name of traits.names) {
      if (this.unreadable) return values;
      values.set(name, this.value());
    }
    if (traits.dynamic) this.#properties(values);
    return values;
  }

  /** U29O-traits of clause 3.12; null for a class that serialises itself. */
  #readTraits(header: number): Traits | null {
    if ((header & 1) === 0) {
      const known = this.#traits[header >> 1];
      if (known === undefined) throw new ConnectionError('amf_malformed', 'reference to unknown traits');
      // A few bytes make as many properties as the class has; each is a value, so the budget sees them.
      return known;
    }
    if ((header & 2) !== 0) return null;
    const count = header >> 3;
    this.#string();
    this.#checkCount(count, 1);
    const names: string[] = [];
    for (let i = 0; i < count; i++) {
      this.budget.node();
      names.push(this.#string());
    }
    const traits = { names, dynamic: (header & 4) !== 0 };
    this.#traits.push(traits);
    return traits;
  }

  /** Name and value pairs up to an empty name. */
  #properties(into: AmfObject): void {
    while (!this.unreadable) {
      const name = this.#string();
      if (name === '') return;
      into.set(name, this.value());
    }
  }

  #numberVector(marker: number, count: number): AmfValue[] {
    this.take(1);
    const width = marker === marker3.vectorDouble ? 8 : 4;
    this.#checkCount(count, width);
    const values: AmfValue[] = [];
    for (let i = 0; i < count; i++) {
      this.budget.node();
      const at = this.take(width);
      if (width === 8) values.push(this.bytes.readDoubleBE(at));
      else values.push(marker === marker3.vectorInt ? readU32(this.bytes, at) | 0 : readU32(this.bytes, at));
    }
    return values;
  }

  #objectVector(count: number): AmfValue[] {
    this.take(1);
    this.#string();
    this.#checkCount(count, 1);
    const values: AmfValue[] = [];
    for (let i = 0; i < count && !this.unreadable; i++) values.push(this.value());
    return values;
  }

  #string(): string {
    const header = this.#u29();
    if ((header & 1) === 0) {
      const known = this.#strings[header >> 1];
      if (known === undefined) throw new ConnectionError('amf_malformed', 'reference to an unknown string');
      this.budget.repeat(0, this.#stringLengths[header >> 1]!);
      return known;
    }
    const length = header >> 1;
    const text = this.utf8(length);
    // The empty string is never sent by reference (clause 1.3.2).
    if (length > 0) {
      this.#strings.push(text);
      this.#stringLengths.push(length);
    }
    return text;
  }

  /** Variable length unsigned 29-bit integer (clause 1.3.1). */
  #u29(): number {
    let value = 0;
    for (let i = 0; i < 3; i++) {
      const byte = this.bytes[this.take(1)]!;
      value = (value << 7) | (byte & 0x7f);
      if (byte < 0x80) return value;
    }
    return (value << 8) | this.bytes[this.take(1)]!;
  }

  #checkCount(count: number, bytesEach: number): void {
    if (count * bytesEach > this.remaining) throw new ConnectionError('amf_malformed', 'array longer than its message');
  }
}
