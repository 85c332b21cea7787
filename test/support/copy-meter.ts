/** Every way in which JavaScript copies bytes between buffers, counted while something runs. */

type Method = (this: unknown, ...values: never[]) => unknown;
type Methods = Record<string, Method>;

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as Methods;

/** Bytes of what a view or array-like holds; 0 for what makes a view or an empty buffer. */
function bytesOf(source: unknown): number {
  if (ArrayBuffer.isView(source)) return source.byteLength;
  if (typeof source === 'string') return Buffer.byteLength(source);
  return Array.isArray(source) ? source.length : 0;
}

/** Bytes that an element takes in the receiver of a call. */
function elementBytes(receiver: unknown): number {
  return (receiver as Uint8Array).BYTES_PER_ELEMENT;
}

/** Counts the bytes that are copied while `work` runs, which must be synchronous. */
export function countCopies(work: () => void): number {
  let copied = 0;
  const undo: (() => void)[] = [];

  const watch = (
    owner: Methods,
    name: string,
    bytes: (receiver: unknown, result: unknown, values: unknown[]) => number,
  ) => {
    const original = owner[name]!;
    const own = Object.hasOwn(owner, name);
    owner[name] = function (this: unknown, ...values: never[]) {
      const result = original.apply(this, values);
      copied += bytes(this, result, values);
      return result;
    };
    undo.push(() => {
      if (own) owner[name] = original;
      else delete owner[name];
    });
  };

  const buffer = Buffer.prototype as unknown as Methods;
  watch(buffer, 'copy', (_, result) => result as number);
  watch(typedArray, 'set', (receiver, _, [source]) => {
    const count = ArrayBuffer.isView(source) ? (source as Uint8Array).length : (source as ArrayLike<number>).length;
    return count * elementBytes(receiver);
  });
  watch(typedArray, 'copyWithin', (receiver, _, [to, from, end]) => {
    const { length } = receiver as Uint8Array;
    const stop = (end as number | undefined) ?? length;
    return Math.max(0, Math.min(stop - (from as number), length - (to as number))) * elementBytes(receiver);
  });
  watch(typedArray, 'slice', (_, result) => bytesOf(result));
  for (const name of ['toString', 'latin1Slice', 'utf8Slice', 'hexSlice', 'base64Slice'])
    watch(buffer, name, (_, result) => (result as string).length);
  for (const name of ['write', 'fill']) watch(buffer, name, (_receiver, _result, [source]) => bytesOf(source));
  const statics = Buffer as unknown as Methods;
  watch(statics, 'concat', (_, result) => bytesOf(result));
  watch(statics, 'from', (_receiver, _result, [source]) => bytesOf(source));
  watch(statics, 'copyBytesFrom', (_, result) => bytesOf(result));

  // `new Uint8Array(view)` copies, `new Uint8Array(arrayBuffer)` does not.
  const original = globalThis.Uint8Array;
  globalThis.Uint8Array = new Proxy(original, {
    construct(target, values, newTarget) {
      copied += bytesOf(values[0]);
      return Reflect.construct(target, values, newTarget);
    },
  });
  undo.push(() => {
    globalThis.Uint8Array = original;
  });

  try {
    work();
  } finally {
    for (const restore of undo.reverse()) restore();
  }
  return copied;
}
